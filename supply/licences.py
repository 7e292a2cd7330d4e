"""The licences of what is installed at run time, by each distribution's own metadata."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from supply.errors import SupplyError

# None of them asks more than to be kept with the code: SPDX's identifiers, and the names of the
# classifiers of distributions that have no identifier.
ADMITTED = frozenset(
    {
        "Apache Software License",
        "Apache-2.0",
        "BSD License",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "CNRI-Python",
        "ISC",
        "MIT",
        "MIT-0",
        "PSF-2.0",
    }
)

_CLASSIFIER = "License :: OSI Approved :: "
_OPERATORS = re.compile(r"\s+(?:AND|OR|WITH)\s+|[();]")


@dataclass(frozen=True)
class Licensed:
    """A distribution, and its licence as it states it: an SPDX expression, or classifiers."""

    name: str
    version: str
    licence: str

    @property
    def refused(self) -> frozenset[str]:
        """What is named in the licence and not admitted; all of it, where nothing is stated."""
        named = {word.strip() for word in _OPERATORS.split(self.licence)} - {""}
        return frozenset(named or {"no licence"}) - ADMITTED


def licensed(pins: Mapping[str, str]) -> list[Licensed]:
    """What each of `pins` (name to version) states, by name.

    Raises SupplyError when one is not installed in that version: its metadata would tell of
    another.
    """
    return [_of(name, version) for name, version in sorted(pins.items())]


def _of(name: str, version: str) -> Licensed:
    try:
        found = distribution(name)
    except PackageNotFoundError as error:
        raise SupplyError(f"{name} is not installed", "make installs what is locked") from error
    if found.version != version:
        raise SupplyError(
            f"{name} is locked at {version}, but {found.version} is installed",
            "install what is locked",
        )
    return Licensed(name, version, stated(found))


def stated(found: Distribution) -> str:
    """The licence that a distribution states: its SPDX expression, its classifiers, or its text.

    Source: Core metadata specifications, License-Expression (which supersedes the others).
    """
    metadata = found.metadata
    if "License-Expression" in metadata:
        return metadata["License-Expression"]
    classifiers = [
        line.removeprefix(_CLASSIFIER)
        for line in metadata.get_all("Classifier") or []
        if line.startswith(_CLASSIFIER)
    ]
    names = {"MIT License": "MIT"}
    if classifiers:
        return "; ".join(sorted(names.get(one, one) for one in classifiers))
    return metadata["License"].strip() if "License" in metadata else ""


def page(found: list[Licensed]) -> str:
    """docs/licences.md."""
    rows = "".join(f"| {one.name} | {one.version} | {one.licence} |\n" for one in found)
    return f"""\
# Licences

Trailwarden's own is Apache-2.0. What deploying and verifying installs beside it
(`requirements/runtime.txt`), with the licence that each states in its own metadata. `make docs`
writes this page; a test refuses a licence that is not among those admitted (`supply/licences.py`).
The function that is deployed holds none of them: it is this project's own code, and uses what AWS
Lambda's Python has.

| distribution | version | licence |
| --- | --- | --- |
{rows}
Terraform is not among them: it is a program of its own, under the Business Source License 1.1;
OpenTofu (MPL-2.0) serves as well.
"""
