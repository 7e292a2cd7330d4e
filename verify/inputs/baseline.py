"""The baseline: the posture that an account is held to, the auditor's and not ours."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from verify import schemas
from verify.inputs.reader import read_yaml

FOLDER = Path(__file__).parent / "baselines"


class BaselineError(Exception):
    """The baseline cannot be used. The message names the cause and the remedy."""


def profiles() -> tuple[str, ...]:
    """The names of the profiles for which there is a baseline."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


@cache  # read when a run is prepared and when it starts
def load(profile: str) -> Mapping[str, Any]:
    """The baseline of `profile`, by `schemas/baseline.schema.json`.

    Raises BaselineError for an unknown profile and for a file that the schema refuses.
    """
    if profile not in profiles():
        raise BaselineError(
            f"unknown profile {profile!r}: there is a baseline for {', '.join(profiles())}"
        )
    path = FOLDER / f"{profile}.yaml"
    try:
        document = read_yaml(path)
    except (OSError, yaml.YAMLError) as error:
        raise BaselineError(f"the baseline {path.name} cannot be read: {error}") from None
    faults = schemas.violations("baseline", document)
    if faults:
        raise BaselineError(f"the baseline {path.name} is not valid:\n  " + "\n  ".join(faults))
    baseline: Mapping[str, Any] = document
    return baseline
