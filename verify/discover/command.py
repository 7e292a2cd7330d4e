"""`python -m verify discover`: what to verify a trail with that another module made."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from textwrap import fill
from typing import Any

from verify.account.errors import iam_action
from verify.console import complain, say
from verify.discover import pages
from verify.discover.reading import CALLS, Account
from verify.discover.survey import DiscoverError, survey
from verify.inputs import baseline, deployment
from verify.inputs.absence import UNREAD
from verify.inputs.baseline import BaselineError
from verify.inputs.deployment import DeploymentError
from verify.model import EXIT_CLEAN, EXIT_NOT_VERIFIED
from verify.run.caller import identity_of_caller
from verify.run.settings import RunError

CANNOT = 2
_ARN = re.compile(r"arn:aws[a-z-]*:cloudtrail:([a-z0-9-]+):([0-9]{12}):trail/[A-Za-z0-9._-]{3,128}")
_PERMISSIONS = fill(
    ", ".join(
        sorted(
            filter(None, (iam_action(service, one) for service in CALLS for one in CALLS[service]))
        )
    ),
    width=98,
    initial_indent="  ",
    subsequent_indent="  ",
    break_on_hyphens=False,
)
_EPILOG = f"""\
It follows a trail to its bucket, key, log group, role, topics, metric filters and alarms, by calls
that describe, get and list, and changes nothing. It writes

  outputs.json       what was found (not where --outputs gives another module's)
  outputs-map.yaml   which of those outputs is which of ours, and which parts are absent
  baseline.yaml      a baseline that extends a profile: which parts need not be there

each line with where it comes from. They are for a person to review: what falls short of the profile
is noted as a comment and fails, and what could not be seen is left to be filled in.

It needs these permissions:
{_PERMISSIONS}

exit codes:
  {EXIT_CLEAN} all was seen; {EXIT_NOT_VERIFIED} the files are written, but something was not seen;
  {CANNOT} nothing is written, and the message says why.
"""


def main(arguments: Sequence[str]) -> int:
    """Run the command; gives its exit code."""
    options = _parser().parse_args(arguments)
    try:
        problems = _discover(options)
    except (BaselineError, DeploymentError, DiscoverError, RunError, OSError) as error:
        complain("discover", str(error))
        return CANNOT
    for problem in problems:
        say(f"not seen: {problem}")
    return EXIT_NOT_VERIFIED if problems else EXIT_CLEAN


def _discover(options: argparse.Namespace) -> Sequence[str]:
    arn: str = options.trail_arn
    matched = _ARN.fullmatch(arn)
    if matched is None:
        raise DiscoverError(
            f"{arn!r} is not a trail's ARN (arn:aws:cloudtrail:<region>:<account>:trail/<name>): "
            "aws cloudtrail list-trails shows it"
        )
    required = baseline.load(options.profile)
    theirs = _theirs(options.outputs)
    folder: Path = options.folder
    names = ["outputs-map.yaml", "baseline.yaml", *([] if options.outputs else ["outputs.json"])]
    there = [str(folder / name) for name in names if (folder / name).exists()]
    if there:
        raise DiscoverError(
            f"{', '.join(there)} is there already, and may have been reviewed: move it away, or "
            "choose another --folder"
        )
    region, owner = matched.groups()
    caller = identity_of_caller(region)
    if caller["Account"] != owner:
        raise DiscoverError(
            f"the trail is of account {owner}, but the credentials are of account "
            f"{caller['Account']} ({caller['Arn']}): use that account's"
        )
    account = Account(region)
    found = survey(account, arn, required.values, say)
    name = found.outputs["trail_name"].value
    found.take(
        "the trail's name; whatever tells this deployment from others will do", environment=name
    )
    found.take("the profile that baseline.yaml extends", profile=required.profile)
    heading = pages.Heading(arn, f"{datetime.now(UTC):%Y-%m-%d}", _extended(options.profile))
    folder.mkdir(parents=True, exist_ok=True)
    outputs_file = Path(options.outputs or folder / "outputs.json")
    if theirs is None:
        outputs_file.write_text(pages.outputs(found), encoding="utf-8")
        theirs = deployment.read_outputs(pages.outputs(found), str(outputs_file))
    written = {
        "outputs-map.yaml": pages.outputs_map(found, heading, theirs),
        "baseline.yaml": pages.baseline(found, heading),
    }
    for file, text in written.items():
        (folder / file).write_text(text, encoding="utf-8")
    _tell(found.absent, found.shortcomings)
    say(
        f"\nReview {folder / 'outputs-map.yaml'}, and {folder / 'baseline.yaml'}, where each "
        f"{UNREAD} waits for a person's reason; then:\n"
        f"  make verify OUTPUTS={outputs_file} OUTPUTS_MAP={folder / 'outputs-map.yaml'} "
        f"BASELINE={folder / 'baseline.yaml'}"
    )
    return account.problems


def _extended(profile: str) -> str:
    """The profile as the new baseline names it, wherever that lies."""
    return profile if profile in baseline.profiles() else str(Path(profile).resolve())


def _tell(absent: Mapping[str, str], shortcomings: Sequence[str]) -> None:
    for part, reason in absent.items():
        say(f"absent: {part}: {reason}")
    for shortcoming in shortcomings:
        say(f"short of the profile: {shortcoming}")


def _theirs(source: str | None) -> dict[str, Any] | None:
    return None if source is None else deployment.read_outputs(deployment.read(source), source)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m verify discover",
        description="Write a first map of outputs and a first baseline for somebody else's trail.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--trail-arn", required=True, metavar="ARN", help="the trail to look at")
    parser.add_argument(
        "--outputs",
        metavar="FILE",
        help="what `terraform output -json` printed of the module that made it, to which the map "
        "is to lead (default: outputs.json is written, with what was found)",
    )
    parser.add_argument(
        "--profile",
        default="dev",
        help="the baseline that the new one extends: a profile or a YAML file (default: "
        "%(default)s)",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(),
        metavar="FOLDER",
        help="where the files go (default: here)",
    )
    return parser
