"""The file that lists the deployments which one run verifies (schemas/targets.schema.json)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verify import foreign_json, schemas
from verify.inputs import outputs_map
from verify.inputs.deployment import DeploymentError
from verify.inputs.reader import UnreadableError, read_text
from verify.inputs.yaml_documents import read_unplaced

_MAXIMUM_CHARACTERS = 1_000_000
_MAXIMUM_OUTPUTS = 10_000_000
_PROFILE = "dev"


class TargetsError(Exception):
    """The targets cannot be used. The message names the cause and the remedy."""


@dataclass(frozen=True)
class Listed:
    """A deployment to verify; paths are whole."""

    name: str
    outputs: Path
    baseline: str
    account: str | None = None
    region: str | None = None
    role: str | None = None
    external_id: str | None = None
    outputs_map: Path | None = None
    waivers: Path | None = None
    variables: Path | None = None
    endpoint: str | None = None

    def mismatch(self) -> str | None:
        """Why its outputs are not those that it says; None where they are.

        Without this, two targets could show the same deployment twice.
        """
        try:
            text = read_text(self.outputs, f"the outputs {self.outputs}", _MAXIMUM_OUTPUTS)
            document = foreign_json.parsed(text)
        except UnreadableError as error:
            return str(error)
        except ValueError as error:
            return f"the outputs {self.outputs} are not JSON: {error}"
        if self.outputs_map is not None:
            try:
                theirs = outputs_map.parse(text, str(self.outputs), str(self.outputs_map))
            except DeploymentError as error:
                return str(error)
            document = {name: {"value": getattr(theirs, name)} for name in ("account_id", "region")}
        for name, wanted in (("account_id", self.account), ("region", self.region)):
            said = document.get(name, {}) if isinstance(document, dict) else {}
            found = said.get("value") if isinstance(said, dict) else None
            if wanted is not None and found != wanted:
                return f"the outputs {self.outputs} are of {name} {found}, not {wanted}"
        return None


def load(path: Path) -> tuple[Listed, ...]:
    """The deployments that the YAML file `path` lists. Raises TargetsError."""
    try:
        document = read_unplaced(path, f"the targets {path}", _MAXIMUM_CHARACTERS)
    except UnreadableError as error:
        raise TargetsError(str(error)) from None
    if faults := schemas.violations("targets", document):
        raise TargetsError(f"the targets {path} are not valid:\n  " + "\n  ".join(faults))
    found = tuple(_listed(entry, path.resolve().parent) for entry in document["targets"])
    twice = [name for name, count in Counter(one.name for one in found).items() if count > 1]
    if twice:
        raise TargetsError(f"the targets {path} have the name {', '.join(twice)} twice: change one")
    return found


def _listed(entry: dict[str, Any], folder: Path) -> Listed:
    def at(name: str) -> Path | None:
        return folder / entry[name] if name in entry else None

    baseline = entry.get("baseline", _PROFILE)
    if "/" in baseline or baseline.endswith((".yaml", ".yml")):
        baseline = str(folder / baseline)
    return Listed(
        name=entry["name"],
        outputs=folder / entry["outputs"],
        baseline=baseline,
        account=entry.get("account"),
        region=entry.get("region"),
        role=entry.get("role"),
        external_id=entry.get("external_id"),
        outputs_map=at("outputs_map"),
        waivers=at("waivers"),
        variables=at("variables"),
        endpoint=entry.get("endpoint"),
    )
