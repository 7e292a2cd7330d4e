"""`python -m verify who`: a timeline of who did what, for people in an incident."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError

from verify.account.sessions import plain_session
from verify.inputs import deployment
from verify.inputs.deployment import Deployment, DeploymentError
from verify.investigate.archive import archived
from verify.investigate.athena import Place, ask
from verify.investigate.found import Found, HistoryError
from verify.investigate.lookup import ACTION, look_up
from verify.investigate.question import KEPT_FOR, Question, moment
from verify.investigate.statement import days
from verify.investigate.timeline import lines

ANSWERED, CANNOT_TELL = 0, 2
_EPILOG = f"""\
It asks CloudTrail's event history, which keeps 90 days of management events and needs no trail. An
event is there some 5 minutes after the act, now and then after 15. Needs {ACTION}.

With --athena, and for what is older, it asks the trail's log files, of all regions and with the
data events that the trail records, in the workgroup of the deployment that --outputs names; needs
the investigation role. Athena takes about 5 US dollars for each terabyte that it reads.

exit codes:
  0 there was an answer, be it nothing; 2 it could not be asked, or not all of it was read, and the
  message says why.
"""


def main(arguments: Sequence[str]) -> int:
    """Run the command; gives its exit code."""
    options = _parser().parse_args(arguments)
    now = datetime.now(UTC)
    try:
        question = _question(options, now)
        where, found = _found(options, question, now)
    except (ValueError, DeploymentError, HistoryError, BotoCoreError) as error:
        print(f"verify who: {error}", file=sys.stderr)  # noqa: T201
        return CANNOT_TELL
    if options.json:
        shown = [json.dumps(act.document()) for act in found.acts]
    else:
        shown = lines(found.acts)
    sys.stdout.write("".join(f"{line}\n" for line in shown))
    period = f"{question.since:%Y-%m-%d %H:%M} to {question.until:%Y-%m-%d %H:%M} UTC"
    _say(f"{len(found.acts):,} acts, {period}, in {where}")
    for region in found.cut_off:
        _say(
            f"{region} has more: the newest {options.limit:,} were read; narrow it, or --limit more"
        )
    for text in found.unreadable:
        _say(f"not told, since it cannot be read: {text}")
    return CANNOT_TELL if found.cut_off or found.unreadable else ANSWERED


def _found(options: argparse.Namespace, question: Question, now: datetime) -> tuple[str, Found]:
    """Where it was asked, and what was found."""
    older = question.since < now - KEPT_FOR
    outputs = deployment.parse(deployment.read(options.outputs)) if options.outputs else None
    place = _place(outputs)
    if not options.athena and not (older and place):
        if older:
            raise ValueError(
                f"CloudTrail's event history goes back {KEPT_FOR.days} days: for what was before, "
                "give the --outputs of a deployment with investigation_enabled, whose log files "
                "are asked then"
            )
        regions = _regions(options, outputs)
        return ", ".join(regions), look_up(question, regions, options.limit, _say)
    if outputs is None or place is None:
        raise ValueError(
            "--athena needs the --outputs of a deployment with investigation_enabled "
            "(terraform output -json)"
        )
    regions = list(dict.fromkeys(options.region or ()))
    found = ask(question, place, regions, options.limit, _say)
    unread = archived(
        outputs.log_bucket_name, outputs.account_id, outputs.region, regions, days(question)
    )
    if unread.files:
        text = (
            f"{unread.files:,} log files of these days are archived ({unread.size / 1e6:,.1f} MB): "
            "restore them (aws s3api restore-object, or S3 Batch Operations) and ask again"
        )
        found = replace(found, unreadable=(*found.unreadable, text))
    return ", ".join(regions) or "all regions of the trail", found


def _place(outputs: Deployment | None) -> Place | None:
    if outputs is None:
        return None
    names = (
        outputs.investigation_workgroup_name,
        outputs.investigation_database_name,
        outputs.investigation_table_name,
    )
    workgroup, database, table = names
    if workgroup is None or database is None or table is None:
        return None
    return Place(outputs.region, workgroup, database, table)


def _question(options: argparse.Namespace, now: datetime) -> Question:
    since, until = moment(options.since, now), moment(options.until, now) if options.until else now
    if since >= until:
        raise ValueError("--since must be before --until")
    return Question(
        since=since,
        until=until,
        resource=options.resource,
        principal=options.principal,
        role=options.role,
        event=options.event,
        failed=options.failed,
        changes=options.changes,
    )


def _regions(options: argparse.Namespace, outputs: Deployment | None) -> list[str]:
    """Those that were named; else home's, and that in which global services are recorded."""
    if options.region:
        return list(dict.fromkeys(options.region))
    if outputs is not None:
        home = outputs.region
    else:
        home = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ""
    if not home:
        raise ValueError("which region? name it with --region, --outputs or AWS_REGION")
    return list(dict.fromkeys((home, _of_global_services(home))))


def _of_global_services(home: str) -> str:
    """The region of its partition in which IAM's events and sign-ins are recorded."""
    resolver = plain_session().get_component("endpoint_resolver")
    known = resolver.construct_endpoint("iam", home) or {}
    return str(known.get("credentialScope", {}).get("region", home))


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m verify who",
        description="Print who did what, when, from where, and whether it was refused.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--since", default="2h", help="how long ago (90m, 2h, 3d) or when (ISO 8601); default 2h")
    add("--until", default="", help="likewise; default now")
    add("--resource", default="", help="acts on this resource: an ARN, an id or a name")
    add("--principal", default="", help="acts of this user or role session, by name or ARN")
    add("--role", default="", metavar="NAME", help="acts of any session of this role")
    add("--event", default="", metavar="NAME", help="acts of this name, such as StopLogging")
    add("--failed", action="store_true", help="only what was refused or failed")
    add("--changes", action="store_true", help="only what is not a mere reading")
    add("--region", action="append", metavar="NAME", help="ask this region; several times for more")
    add("--outputs", metavar="FILE", help="the deployment whose home region or log files are asked")
    add("--athena", action="store_true", help="ask the log files also for what is not older")
    add("--limit", type=_positive, default=5000, help="events to read of a region; default 5000")
    add("--json", action="store_true", help="one JSON object a line")
    return parser


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return int(text)
