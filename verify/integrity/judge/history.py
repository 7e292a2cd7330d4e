"""An object's versions, as the bucket lists them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

# Of an object with more versions only the newest are read: who may write to the bucket chooses how
# many there are.
MAXIMUM_VERSIONS_READ = 20


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an object; `is_marker` for a delete marker."""

    identifier: str
    is_latest: bool
    is_marker: bool
    modified: datetime
    size: int = 0  # in bytes, as stored


@dataclass(frozen=True, slots=True)
class History:
    """An object's versions, the newest first; the latest alone where they may not be listed."""

    key: str
    versions: tuple[Version, ...]

    @property
    def is_hidden(self) -> bool:
        """Whether the latest version is a delete marker, so that a plain read finds nothing."""
        return bool(self.versions) and self.versions[0].is_marker

    @property
    def is_plain(self) -> bool:
        """Whether there is but one version, and it is no delete marker."""
        return len(self.versions) == 1 and not self.versions[0].is_marker

    @property
    def is_placeholder(self) -> bool:
        """Whether it is a console's folder, or is hidden: nobody would read it as a log file."""
        return self.key.endswith("/") or self.is_hidden

    @property
    def contents(self) -> tuple[Version, ...]:
        """The versions that have content, the newest first."""
        return tuple(version for version in self.versions if not version.is_marker)
