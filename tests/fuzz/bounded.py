"""A call in a process of its own, with a limit to its processor time and its memory."""

from __future__ import annotations

import faulthandler
import os
import resource
import traceback
from collections.abc import Callable
from pathlib import Path

_SECONDS = 30
_BYTES = 1 << 30
_LONGEST = 200_000


def outcome(call: Callable[[], str], seconds: int = _SECONDS) -> str:
    """What `call` returns; its error, or the signal that ended it, where it does not end well.

    It has so many seconds of processor time.

    Whatever hangs, eats memory or overflows a stack of C's ends here, and not with the tests.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        faulthandler.disable()  # a crash is told once
        _limit(seconds)
        try:
            said = call()
        except BaseException as error:  # noqa: BLE001 - the caller is told
            said = _told(error)
        os.write(writing, said.encode(errors="backslashreplace")[-_LONGEST // 4 :])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read(_LONGEST).decode(errors="replace")
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return (
            f"ended by signal {os.WTERMSIG(status)}: more than {seconds} s of processor "
            f"time (24, 9), or of C's stack (11)"
        )
    return said


def _told(error: BaseException) -> str:
    """The error and where in the product it came out of."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "site-packages" not in frame.filename]
    places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in ours[-8:]]
    return f"{type(error).__name__}: {error} at {' '.join(places)}"


def _limit(seconds: int) -> None:
    page = resource.getpagesize()
    # What the process has mapped already is not the call's doing.
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * page
    resource.setrlimit(resource.RLIMIT_AS, (mapped + _BYTES, mapped + _BYTES))
    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    limit = int(used) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
