"""Running Terraform in a workspace."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType

from deploy import provider
from deploy.binary import Binary
from deploy.errors import FAILURE, INTERRUPTED, USAGE, DeployError
from deploy.workspace import Workspace

_PROVIDER_TROUBLE = (
    "Failed to query available provider packages",
    "Failed to install provider",
    "Could not retrieve the list of available versions",
    "does not have a provider named",
    "Incompatible provider version",
)


@dataclass(frozen=True)
class Terraform:
    """Terraform (or OpenTofu), set up for one workspace."""

    binary: Binary
    source: provider.Source
    workspace: Workspace
    environment: Mapping[str, str]

    def init(self, *arguments: str) -> None:
        """Install the provider and set up the backend. Quiet unless it fails."""
        code, text = self.capture(
            "init", "-input=false", "-no-color", *self.source.init_arguments, *arguments
        )
        if code == 0:
            return
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
        return self._run([command, *plain, *arguments], capture=False)[0]

    def capture(self, *arguments: str) -> tuple[int, str]:
        """Run without showing anything; the exit code, and stdout with stderr after it."""
        return self._run(arguments, capture=True)

    def _run(self, arguments: Sequence[str], *, capture: bool) -> tuple[int, str]:
        pipe = subprocess.PIPE if capture else None
        command = [self.binary.path, f"-chdir={self.workspace.configuration}", *arguments]
        # A session of its own: Ctrl-C reaches Terraform through us and once. Twice would make it
        # stop at once and lose track of what it was creating.
        with (
            subprocess.Popen(
                command,
                env=self._child_environment(),
                stdin=subprocess.DEVNULL,
                stdout=pipe,
                stderr=pipe,
                text=True,
                errors="replace",
                start_new_session=True,
            ) as process,
            _forwarding_signals(process) as received,
        ):
            output, errors = process.communicate()
        if received:
            raise DeployError(
                "Interrupted: Terraform was given time to stop and to save its state",
                "Run the same command again to go on, or destroy what was created.",
                INTERRUPTED,
            )
        return process.returncode, f"{output or ''}{errors or ''}"

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


@contextlib.contextmanager
def _forwarding_signals(process: subprocess.Popen[str]) -> Iterator[list[int]]:
    """Pass SIGINT and SIGTERM on to `process`; gives the list of those received."""
    received: list[int] = []

    def forward(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        process.send_signal(number)

    previous = {
        number: signal.signal(number, forward) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
