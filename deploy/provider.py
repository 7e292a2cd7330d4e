"""Where the AWS provider comes from: a local mirror if there is one, else the registry.

Terraform looks into few folders by itself. Machines without internet keep the provider elsewhere,
mostly under /opt or /usr/share, so those are searched too. A folder is a mirror when it holds
`<registry host>/hashicorp/aws/<version>/<os>_<arch>/terraform-provider-aws*` (unpacked) or
`<registry host>/hashicorp/aws/terraform-provider-aws_<version>_<os>_<arch>.zip` (packed).
Source: Terraform's documentation, "CLI Configuration", "Implied Local Mirror Directories".
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.binary import Binary
from deploy.errors import DeployError

# What terraform/versions.tf asks for; a test holds the two together.
MINIMUM, BELOW = (5, 100, 0), (7, 0, 0)
SUITABLE = ">= 5.100, < 7.0"

_NAME = "terraform-provider-aws"
_INSTALLATION_BLOCK = re.compile(r"^\s*provider_installation\s*\{", re.MULTILINE)
_CACHE_SETTING = re.compile(r"^\s*plugin_cache_dir\s*=", re.MULTILINE)
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "i386": "386", "i686": "386"}


@dataclass(frozen=True)
class Source:
    """Where the provider comes from, and what `init` and its environment need for it."""

    description: str
    init_arguments: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()


def find(binary: Binary, environment: Mapping[str, str], cache: Path) -> Source:
    """The provider's source, in this order of preference.

    The mirror that `TF_PLUGIN_MIRROR` names; whatever the user's own CLI configuration says about
    installation; a mirror in the usual places; the registry, with `cache` kept between targets.
    Raises DeployError when `TF_PLUGIN_MIRROR` names a folder without a suitable provider.
    """
    asked = environment.get("TF_PLUGIN_MIRROR", "").strip()
    if asked:
        version = newest(Path(asked), binary)
        if version is None:
            raise DeployError(
                f"TF_PLUGIN_MIRROR names {asked}, which holds no version ({SUITABLE}) of the AWS "
                f"provider for {binary.product} on {platform_name()}",
                "Name a folder that holds <registry host>/hashicorp/aws/<version>/<os>_<arch>/, "
                "or unset TF_PLUGIN_MIRROR.",
            )
        return _mirror(Path(asked), version)

    configuration = _user_configuration(binary, environment)
    if _INSTALLATION_BLOCK.search(configuration):
        return Source("as your CLI configuration says")

    for root in _usual_places(environment):
        version = newest(root, binary)
        if version is not None:
            return _mirror(root, version)

    if environment.get("TF_PLUGIN_CACHE_DIR") or _CACHE_SETTING.search(configuration):
        return Source("the registry, with your plugin cache")
    cache.mkdir(parents=True, exist_ok=True)
    return Source(
        "the registry",
        environment=(
            ("TF_PLUGIN_CACHE_DIR", str(cache)),
            # Without a lock file, which would record the registry, Terraform would not trust the
            # cache and download the provider again for each target.
            ("TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE", "1"),
        ),
    )


def newest(root: Path, binary: Binary) -> str | None:
    """The newest suitable version that the mirror `root` holds, None if it is no mirror."""
    versions = sorted(_versions(root, binary), key=_sort_key)
    return versions[-1] if versions else None


def cli_configuration_is_missing(environment: Mapping[str, str]) -> bool:
    """Whether `TF_CLI_CONFIG_FILE` names no file. Terraform would warn of that on each call."""
    named = environment.get("TF_CLI_CONFIG_FILE", "")
    return bool(named) and not Path(named).exists()


def _mirror(root: Path, version: str) -> Source:
    return Source(
        f"hashicorp/aws {version} from {root}",
        # A lock from an earlier mirror would bind to a version that this one may not hold.
        init_arguments=(f"-plugin-dir={root.absolute()}", "-upgrade"),
    )


def _versions(root: Path, binary: Binary) -> Iterator[str]:
    system = platform_name()
    packed = re.compile(rf"{_NAME}_(\d+\.\d+\.\d+)_{re.escape(system)}\.zip")
    for folder in _children(root):
        # Each product accepts its own registry's folder only; OpenTofu's name is in its host's.
        if ("opentofu" in folder.name) != (binary.product == "OpenTofu"):
            continue
        for entry in _children(folder / "hashicorp" / "aws"):
            match = packed.fullmatch(entry.name)
            version = match.group(1) if match else entry.name
            if not re.fullmatch(r"\d+\.\d+\.\d+", version):
                continue
            if not MINIMUM <= _sort_key(version) < BELOW:
                continue
            if match or any(
                child.name.startswith(_NAME) and child.is_file()
                for child in _children(entry / system)
            ):
                yield version


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []  # no such folder, or not ours to read: no mirror either way


def _usual_places(environment: Mapping[str, str]) -> Iterator[Path]:
    home = environment.get("HOME", "")
    if home:
        yield Path(home, ".terraform.d", "plugins")
    data_home = environment.get("XDG_DATA_HOME") or (f"{home}/.local/share" if home else "")
    data = environment.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    for folder in filter(None, [data_home, *data.split(":")]):
        yield Path(folder, "terraform", "plugins")
        yield Path(folder, "opentofu", "plugins")
    for parent in ("/opt", "/usr/local/share", "/usr/share"):
        yield from _children(Path(parent))


def _user_configuration(binary: Binary, environment: Mapping[str, str]) -> str:
    """The text of the user's CLI configuration, empty if there is none."""
    named = environment.get("TF_CLI_CONFIG_FILE", "")
    home = environment.get("HOME", "")
    candidates = [named] if named else []
    if not named and home:
        names = [".tofurc", ".terraformrc"] if binary.product == "OpenTofu" else [".terraformrc"]
        candidates = [f"{home}/{name}" for name in names]
    for candidate in candidates:
        path = Path(candidate)
        if path.is_file():
            return path.read_text(encoding="utf-8", errors="replace")
    return ""


def platform_name() -> str:
    """This machine as HashiCorp names it in its releases: `linux_amd64`."""
    machine = platform.machine().lower()
    return f"{platform.system().lower()}_{_ARCHITECTURES.get(machine, machine)}"


def _sort_key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
