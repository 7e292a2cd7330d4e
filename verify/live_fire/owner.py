"""Who owns what live fire puts into the account, so that a later run sweeps only what nobody does.

A killed run cannot clean up. Its leftovers carry the process that made them and a time after which
they are abandoned whoever made them: a run of another machine that is still waiting is left alone.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

PURPOSE_TAG = "trailwarden:purpose"
PURPOSE = "live-fire"
RUN_TAG = "trailwarden:run"
OWNER_TAG = "trailwarden:owner"
EXPIRES_TAG = "trailwarden:expires"
NAME_PREFIX = "trailwarden-live-fire-"

# Beyond the wait itself a run needs only seconds; ten minutes cover slow calls and clocks.
MARGIN = timedelta(minutes=10)


def tags(run_id: str, wait_seconds: float) -> dict[str, str]:
    """The tags for what the run `run_id` of this process makes."""
    expires = datetime.now(UTC) + timedelta(seconds=wait_seconds) + MARGIN
    return {
        PURPOSE_TAG: PURPOSE,
        RUN_TAG: run_id,
        OWNER_TAG: _owner(os.getpid()),
        EXPIRES_TAG: expires.isoformat(timespec="seconds"),
    }


def name(run_id: str) -> str:
    """The name of what the run `run_id` makes: one of each kind."""
    return NAME_PREFIX + run_id.lower()


def as_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as most APIs take them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def from_list(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The reverse of `as_list`."""
    return {tag["Key"]: tag["Value"] for tag in tags}


def of_run(found: Mapping[str, str], run_id: str) -> bool:
    """Whether what carries the tags `found` was made by the run `run_id`."""
    return found.get(PURPOSE_TAG) == PURPOSE and found.get(RUN_TAG) == run_id


def abandoned(found: Mapping[str, str], now: datetime) -> bool:
    """Whether what carries the tags `found` belongs to a run that no longer is.

    That is so when its owner was a process of this machine that has ended, or its time is over.
    Things that do not carry our purpose are never ours.
    """
    if found.get(PURPOSE_TAG) != PURPOSE:
        return False
    host, _, process = found.get(OWNER_TAG, "").partition("/")
    identifier = process.partition("/")[0]
    if host == socket.gethostname() and identifier.isdigit():
        return _owner(int(identifier)) != found[OWNER_TAG]
    try:
        return datetime.fromisoformat(found.get(EXPIRES_TAG, "")) < now
    except (ValueError, TypeError):
        return True


def _owner(process: int) -> str:
    """`host/process/start`: the start tells a process from a later one with the same number."""
    return f"{socket.gethostname()}/{process}/{_start(process)}"


def _start(process: int) -> str:
    """When `process` started, in the kernel's ticks; "gone" when there is no such process.

    Source: proc(5), /proc/<pid>/stat field 22. Where there is no /proc, mere existence counts.
    """
    stat = Path(f"/proc/{process}/stat")
    if Path("/proc/self/stat").exists():
        try:
            fields = stat.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        except OSError:
            return "gone"
        return "gone" if fields[0] in "ZX" else fields[19]
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return "gone"
    except PermissionError:
        return "running"
    return "running"
