"""`python -m verify sweep`: remove what killed runs of the live fire have left."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence

from verify.inputs import deployment
from verify.inputs.deployment import DeploymentError
from verify.live_fire import sweep
from verify.live_fire.probes import OPTIONAL, chosen
from verify.model import NotVerifiedError
from verify.run.caller import require_account
from verify.run.settings import RunError, default_settings
from verify.run.verification import start

_EPILOG = """\
Only what carries the live fire's own tags is touched, and only what nobody waits for any more: its
run was a process of this machine that has ended, or its time is over.

exit codes:
  0 nothing of the kind is left (with --dry-run: it was listed); 2 it could not be found or removed,
  and the message says why
"""


def main(arguments: Sequence[str]) -> int:
    """Run the command; gives its exit code."""
    options = _parser().parse_args(arguments)
    try:
        names = _swept(options.outputs, remove=not options.dry_run)
    except (DeploymentError, RunError, NotVerifiedError) as error:
        print(f"verify sweep: {error}", file=sys.stderr)  # noqa: T201
        return 2
    verb = "would remove" if options.dry_run else "removed"
    for name in names:
        sys.stdout.write(f"{verb} {name}\n")
    if not names:
        sys.stdout.write("no run has left anything\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m verify sweep",
        description="Remove what killed runs of the live fire have left in the account.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--outputs",
        required=True,
        metavar="FILE",
        help="what `terraform output -json` printed: a file, or - for standard input",
    )
    parser.add_argument("--dry-run", action="store_true", help="only list what would be removed")
    return parser


def _swept(source: str, *, remove: bool) -> tuple[str, ...]:
    """What was left, now removed. Raises DeploymentError, RunError and NotVerifiedError."""
    text = deployment.read(source)
    deployed = deployment.parse(text)
    require_account(deployed)
    with tempfile.TemporaryDirectory(prefix="trailwarden-sweep-") as folder:
        settings = default_settings(
            outputs_text=text,
            outputs_source=source,
            profile=deployed.profile,
            reports_folder=folder,
            function_package="",
            terraform_folder="",
            alert_timeout=0.0,
        )
        run = start(settings, "sweep")
        left = sweep.abandoned(run, chosen(sorted(OPTIONAL)))
        failed = sweep.remove(run, left)[1] if remove else ()
        run.aws.settle()
    if failed:
        raise NotVerifiedError("; ".join(failed))
    return left.names
