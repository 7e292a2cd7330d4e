"""Running Terraform in a workspace."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from deploy import process, provider
from deploy.binary import Binary
from deploy.errors import FAILURE, INTERRUPTED, USAGE, DeployError
from deploy.progress import Progress
from deploy.workspace import Workspace

# How long a command that changes nothing gets to end by itself once it was interrupted, in seconds.
PATIENCE = 15.0

_PROVIDER_TROUBLE = (
    "Failed to query available provider packages",
    "Failed to install provider",
    "Could not retrieve the list of available versions",
    "does not have a provider named",
    "Incompatible provider version",
)


@dataclass(frozen=True)
class Terraform:
    """Terraform (or OpenTofu), set up for one workspace.

    `folder` is the module that it runs in, where that is not the root's copy.
    """

    binary: Binary
    source: provider.Source
    workspace: Workspace
    environment: Mapping[str, str]
    folder: Path | None = None

    @property
    def directory(self) -> Path:
        """Where it runs."""
        return self.folder or self.workspace.configuration

    def init(self, *arguments: str) -> None:
        """Install the provider and set up the backend. Quiet unless it fails."""
        done = self.capture(
            "init", "-input=false", "-no-color", *self.source.init_arguments, *arguments
        )
        if done.code == 0:
            return
        text = done.text
        if any(sign in text for sign in _PROVIDER_TROUBLE):
            raise DeployError(
                f"The AWS provider could not be installed ({self.source.description}):\n"
                f"{text.strip()}\n\nThe AWS provider could not be installed",
                "Without internet, name a folder that holds it: TF_PLUGIN_MIRROR=/path/to/mirror, "
                "laid out as <registry host>/hashicorp/aws/<version>/<os>_<arch>/.",
                USAGE,
            )
        raise DeployError(
            f"{self.binary.product} could not be set up:\n{text.strip()}\n\n"
            f"{self.binary.product} could not be set up",
            "See its message above.",
            FAILURE,
        )

    def stream(self, command: str, *arguments: str) -> int:
        """Run with the user's own stdout and stderr; the exit code."""
        plain = () if sys.stdout.isatty() else ("-no-color",)
        return self._run([command, *plain, *arguments], output=False, errors=False).code

    def apply(self, plan: Path, total: int | None) -> process.Done:
        """Apply a plan of `total` changes (None: unknown), saying how far it is.

        All that it says goes to the workspace's log; what stderr holds is shown at the end.
        """
        log = self.workspace.log
        try:
            output, written = log.open("w", encoding="utf-8"), log.open(encoding="utf-8")
        except OSError as error:
            raise DeployError(
                f"{log} could not be written to ({error.strerror})",
                "Make room, or name another folder: --working-directory FOLDER (make: WORK=).",
            ) from error
        with output, written:
            progress = Progress(written, total)
            done = self._run(
                ["apply", "-no-color", "-input=false", str(plan.absolute())],
                output=False,
                errors=True,
                output_file=output,
                look=progress.look,
            )
            progress.finish()
        sys.stderr.write(done.errors)
        sys.stderr.flush()
        return done

    def capture(self, *arguments: str) -> process.Done:
        """Run without showing anything."""
        return self._run(arguments, output=True, errors=True)

    def _run(
        self,
        arguments: Sequence[str],
        *,
        output: bool,
        errors: bool,
        output_file: TextIO | None = None,
        look: Callable[[], None] = lambda: None,
    ) -> process.Done:
        command = [self.binary.path, f"-chdir={self.directory}", *arguments]
        changes = arguments[0] == "apply"
        try:
            done = process.run(
                command,
                self._child_environment(),
                capture_output=output,
                capture_errors=errors,
                # What is half made must be noted; nothing is lost where nothing is changed.
                patience=None if changes else PATIENCE,
                output_file=output_file,
                look=look,
            )
        except OSError as error:
            raise DeployError(
                f"{self.binary.path} could not be run ({error.strerror})",
                "Install it anew, or name another: TERRAFORM=/path/to/terraform.",
            ) from error
        if done.interrupted and changes:
            raise DeployError(
                "Interrupted: Terraform was given time to stop and to save its state",
                "Run the same command again to go on, or destroy what was created.",
                INTERRUPTED,
            )
        if done.interrupted:
            raise DeployError(
                f"Interrupted: {self.binary.product} {arguments[0]} was ended, and changed nothing",
                "Run the same command again to go on.",
                INTERRUPTED,
            )
        return done

    def _child_environment(self) -> dict[str, str]:
        return child_environment(self.environment, self.source) | {
            "TF_DATA_DIR": str(self.workspace.data)
        }


def child_environment(environment: Mapping[str, str], source: provider.Source) -> dict[str, str]:
    """`environment` as Terraform should see it: no questions, no phoning home, no stray files."""
    child = {**environment, **dict(source.environment)}
    if provider.cli_configuration_is_missing(child):
        del child["TF_CLI_CONFIG_FILE"]
    child.pop("TF_WORKSPACE", None)  # each target has a state of its own already
    return child | {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1"}
