"""What a run was given, kept in its folder: with it, its verdicts can be judged again elsewhere.

Beside the recorded answers, a verdict rests on the outputs and their map, the baseline, the
waivers, the Terraform configuration and the reviewed build of the function. Credentials and what
Terraform marks as sensitive are redacted, as in the answers.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from verify.inputs import attestations, baseline, deployment, outputs_map, terraform_state
from verify.inputs.reader import UnreadableError, read_text
from verify.model import InputFile, TerraformState
from verify.proof.manifest import sha256_of
from verify.redaction import redact
from verify.run.settings import RunError, Settings

FOLDER = "inputs"
SCHEMA_VERSION = "1.0"
_MAP = "outputs-map.yaml"
_MAXIMUM_CHARACTERS = 10_000_000
_MAXIMUM_FILES = 1_000  # of a configuration
# Of the settings, those that a judgement depends on and that name no file.
_KEPT = ("as_of", "actor", "alert_timeout", "integrity_hours", "probes", "plan_asked")
_STATE = "terraform-state.json"
_NOT_OF_A_MODULE = frozenset({"tests", "examples"})


def keep(settings: Settings, command: tuple[str, ...]) -> None:
    """Keep in the run's folder what `settings` were given. Raises OSError where it is no folder.

    `command` is the command line, for the reader.
    """
    secrets = deployment.sensitive_values(settings.outputs_text)
    folder = Path(settings.folder) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    outputs = redact(json.loads(settings.outputs_text), secrets)
    _write(folder / "outputs.json", json.dumps(outputs, indent=2, ensure_ascii=False))
    if settings.outputs_map is not None:
        _copy(Path(settings.outputs_map), folder / _MAP)
    for number, layer in enumerate(baseline.load(settings.profile).layers):
        # As it is, so that its hash is that of the file which the auditor has.
        _copy(layer.path, folder / "baseline" / f"{number}-{layer.path.stem}.yaml")
    if settings.waivers is not None:
        _copy(Path(settings.waivers), folder / "waivers.yaml")
    if settings.attestations is not None:
        _keep_attestations(Path(settings.attestations), folder / "attestations")
    if settings.terraform_state is not None:
        found = terraform_state.read(Path(settings.terraform_state))
        _write(folder / _STATE, json.dumps(asdict(found), indent=2))
    _keep_configuration(settings, folder / "terraform", secrets)
    package = Path(settings.function_package)
    if package.is_file():
        _copy(package, folder / "function-package.zip")
    asked = {name: getattr(settings, name) for name in _KEPT}
    run = {"schema_version": SCHEMA_VERSION, "run_id": settings.run_id, **asked}
    _write(folder / "run.json", json.dumps(redact({**run, "command": command}, secrets), indent=2))


def _keep_attestations(path: Path, folder: Path) -> None:
    """The file, and each attachment under its hash: two may have the same name."""
    _copy(path, folder / "attestations.yaml")
    for stated in attestations.read(path):
        if stated.attachment is not None:
            name = f"{stated.attachment_sha256[:16]}{stated.attachment.suffix}"
            _copy(stated.attachment, folder / name)


def _keep_configuration(settings: Settings, folder: Path, secrets: frozenset[str]) -> None:
    root = Path(settings.terraform_folder)
    profile = outputs_map.parse(
        settings.outputs_text, settings.outputs_source, settings.outputs_map
    ).profile
    files = [(path, path.relative_to(root)) for path in _configuration(root)]
    assigned = root / "profiles" / f"{profile}.tfvars"
    if assigned.is_file():
        files.append((assigned, assigned.relative_to(root)))
    if settings.variables is not None:
        files.append((Path(settings.variables), Path("variables.tfvars")))
    for path, name in files:
        try:
            text = read_text(path, str(path), _MAXIMUM_CHARACTERS)
        except UnreadableError:
            continue  # the checks that read it say so
        _write(folder / name, str(redact(text, secrets)), newline=False)


def _configuration(root: Path) -> Iterator[Path]:
    """The files of the root module and of those below it."""
    found = 0
    for path in sorted(root.rglob("*.tf")):
        parts = path.relative_to(root).parts[:-1]
        if any(part.startswith(".") or part in _NOT_OF_A_MODULE for part in parts):
            continue
        found += 1
        if found > _MAXIMUM_FILES:
            return
        yield path


def replayed(settings: Settings, *, given: frozenset[str]) -> Settings:
    """`settings` of a replay with what its run was given, but for what is `given` anew.

    Answers alone, without anything of what their run was given, are judged by what is given anew,
    the outputs at least, and as of now. Raises RunError where the run's folder holds not what it
    should, or not as this version reads it.
    """
    folder = Path(str(settings.replay)) / FOLDER
    if not folder.exists() and "outputs_text" in given:
        return settings
    document = _run(folder)
    waivers, package = folder / "waivers.yaml", folder / "function-package.zip"
    variables = folder / "terraform" / "variables.tfvars"
    outputs, outputs_map_kept = folder / "outputs.json", folder / _MAP
    found: dict[str, Any] = {
        **{name: document[name] for name in _KEPT},
        "probes": tuple(document["probes"]),
        "outputs_text": deployment.read(str(outputs)) if "outputs_text" not in given else "",
        "outputs_source": str(outputs),
        "outputs_map": str(outputs_map_kept) if outputs_map_kept.is_file() else None,
        "profile": str(folder / "baseline"),
        "waivers": str(waivers) if waivers.is_file() else None,
        "terraform_folder": str(folder / "terraform"),
        "variables": str(variables) if variables.is_file() else None,
        "function_package": str(package),
    }
    return replace(settings, **{name: value for name, value in found.items() if name not in given})


def _run(folder: Path) -> dict[str, Any]:
    path = folder / "run.json"
    try:
        document = json.loads(read_text(path, str(path), _MAXIMUM_CHARACTERS))
    except (UnreadableError, ValueError, RecursionError) as error:
        raise RunError(
            f"what the run was given cannot be read: {error}: name the folder of a run, such as "
            "reports/latest"
        ) from None
    version = document.get("schema_version") if isinstance(document, dict) else None
    if version != SCHEMA_VERSION:
        raise RunError(
            f"{path} is of version {version}, and this version reads {SCHEMA_VERSION}: replay it "
            "with the version that made it"
        )
    missing = sorted({*_KEPT, "run_id"} - document.keys())
    if missing:
        raise RunError(f"{path} lacks {', '.join(missing)}: it is not what a run keeps")
    found: dict[str, Any] = document
    return found


def command(folder: Path) -> tuple[str, ...]:
    """The command line of a run, as it is kept below its folder; none of a replay."""
    path = folder / FOLDER / "run.json"
    return tuple(json.loads(path.read_text("utf-8"))["command"]) if path.is_file() else ()


def state_of(folder: Path) -> TerraformState | None:
    """Which Terraform state a run was of, as it is kept below its folder; None where not given."""
    path = folder / FOLDER / _STATE
    return terraform_state.read(path) if path.is_file() else None


def files(folder: Path) -> tuple[InputFile, ...]:
    """What is kept below a run's folder, with its hashes, in the order of the names."""
    return tuple(
        InputFile(str(path.relative_to(folder)), sha256_of(path))
        for path in sorted((folder / FOLDER).rglob("*"))
        if path.is_file()
    )


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _write(path: Path, text: str, *, newline: bool = True) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + ("\n" if newline else ""), encoding="utf-8")
