"""The folder in which one target is deployed: a copy of the module, its state, its outputs.

Terraform runs on a copy so that the module's own folder is never written to (no lock file, no
`.terraform`, no backend file), and so that two targets never share a state.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.errors import DeployError

REPOSITORY = Path(__file__).resolve().parent.parent
MODULE = REPOSITORY / "terraform"

PACKAGE_NAME = "compliance_checker.zip"

_BACKEND_FILE = "deploy_backend.tf.json"
_STAGED = ("*.tf", "*.json", "*.txt")


@dataclass(frozen=True)
class StateBucket:
    """Where a state lives in S3. `region` is the bucket's own."""

    bucket: str
    key: str
    region: str

    @property
    def location(self) -> str:
        """For people: `s3://bucket/key`."""
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True)
class Workspace:
    """`folder` is the target's own, under the working directory of all targets."""

    folder: Path

    @property
    def configuration(self) -> Path:
        """The copy of the module, in which Terraform runs."""
        return self.folder / "configuration"

    @property
    def data(self) -> Path:
        """Terraform's TF_DATA_DIR."""
        return self.folder / "data"

    @property
    def local_state(self) -> Path:
        """The state, unless it lives in S3."""
        return self.folder / "terraform.tfstate"

    @property
    def plan(self) -> Path:
        """The plan about to be applied; it is removed afterwards, since plans hold values."""
        return self.folder / "plan.tfplan"

    @property
    def log(self) -> Path:
        """What Terraform said when it last applied anything."""
        return self.folder / "terraform.log"

    @property
    def outputs(self) -> Path:
        """`terraform output -json`, written after each apply."""
        return self.folder / "outputs.json"

    def stage(self, *, package: Path | None = None, tests: bool = False) -> None:
        """Make the copy afresh, with the function's `package` and with `tests` the native tests.

        The package is copied because it may be built anew between plan and apply, and so that the
        state names the same path on every machine.

        Tests are left out of deployments because Terraform 1.6 cannot read mocked providers.
        """
        self.configuration.mkdir(parents=True, exist_ok=True)
        for pattern in _STAGED:
            for stale in self.configuration.glob(pattern):
                stale.unlink()
            for source in MODULE.glob(pattern):
                shutil.copyfile(source, self.configuration / source.name)
        if package is not None:
            shutil.copyfile(package, self.configuration / PACKAGE_NAME)
        left_out = shutil.ignore_patterns(".terraform*", *([] if tests else ["tests"]))
        for folder in ("profiles", "modules", *(["tests"] if tests else [])):
            copy = self.configuration / folder
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(MODULE / folder, copy, ignore=left_out)

    def tested_modules(self) -> list[Path]:
        """The folders of the copy that have native tests of their own, the root module's first."""
        folders = {path.parent.parent for path in self.configuration.rglob("*.tftest.hcl")}
        return sorted(folders)

    def write_backend(self, bucket: StateBucket | None) -> None:
        """Say where the state lives. A backend cannot be conditional, so it is generated.

        Raises DeployError when the state so far lives elsewhere: it would be left behind, and
        Terraform would try to create everything again.
        """
        backend: dict[str, Any]
        if bucket is None:
            # Relative, so that the repository can be moved.
            backend = {"local": {"path": "../terraform.tfstate"}}
        else:
            backend = {
                "s3": {
                    "bucket": bucket.bucket,
                    "key": bucket.key,
                    "region": bucket.region,
                    "encrypt": True,
                    "use_lockfile": True,
                }
            }
        self._refuse_another_backend(bucket)
        (self.configuration / _BACKEND_FILE).write_text(
            json.dumps({"terraform": {"backend": backend}}, indent=2) + "\n", encoding="utf-8"
        )

    def _refuse_another_backend(self, bucket: StateBucket | None) -> None:
        previous = self._previous_backend()
        if bucket is None and previous.get("type") == "s3":
            name = previous.get("config", {}).get("bucket", "?")
            raise DeployError(
                f"The state of this deployment lives in the bucket {name}",
                f"Say so: --state-bucket {name} (make: STATE_BUCKET={name}).",
            )
        if bucket is not None and _has_resources(self.local_state):
            raise DeployError(
                f"The state of this deployment lives in the file {self.local_state}",
                f"To move it, copy it to {bucket.location} (aws s3 cp) and rename the file; "
                "or leave --state-bucket out.",
            )

    def _previous_backend(self) -> Mapping[str, Any]:
        """What Terraform noted of the backend at its last `init`, empty if nothing."""
        noted = self.data / "terraform.tfstate"
        if not noted.is_file():
            return {}
        try:
            backend = json.loads(noted.read_text(encoding="utf-8")).get("backend")
        except (ValueError, AttributeError):
            return {}
        return backend if isinstance(backend, dict) else {}


def profiles() -> list[str]:
    """The names of the profiles that the module has."""
    return sorted(path.stem for path in (MODULE / "profiles").glob("*.tfvars"))


def _has_resources(state: Path) -> bool:
    if not state.is_file():
        return False
    try:
        return bool(json.loads(state.read_text(encoding="utf-8")).get("resources"))
    except (ValueError, AttributeError):
        return True  # unreadable is not empty: better ask than overwrite
