"""A pytest plugin that makes one AWS operation go wrong: `-p tests.suite.faults --fault Op=kind`.

For trying what the suite says when it cannot see: each kind is something that AWS, the network or a
permission really does.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import botocore.loaders
import botocore.session
import pytest
from botocore.exceptions import ReadTimeoutError

from verify.account import sessions
from verify.integrity.read import fast_get

KINDS = ("denied", "throttled", "server-error", "time-out", "empty-page", "half-page")


def _error(code: str, status: int) -> tuple[Any, dict[str, Any]]:
    metadata = {"HTTPStatusCode": status, "RequestId": "fault", "HTTPHeaders": {}}
    answer = {"Error": {"Code": code, "Message": "made by a test"}, "ResponseMetadata": metadata}
    return SimpleNamespace(status_code=status), answer


# Shared by all sessions of a process, so that forked runs need not read AWS's models anew.
LOADER = botocore.loaders.create_loader()


class Fault:
    """Makes `operation` go wrong in the way of `kind`, whichever service it belongs to."""

    def __init__(self, operation: str, kind: str) -> None:
        if kind not in KINDS:
            raise pytest.UsageError(f"unknown fault {kind!r}: choose one of {', '.join(KINDS)}")
        self.operation = operation
        self.kind = kind
        self._pages = 0

    def before_call(self, **about: Any) -> tuple[Any, dict[str, Any]] | None:
        """Answer instead of AWS, or raise instead of the network."""
        if about["model"].name != self.operation:
            return None
        self._pages += 1
        if self.kind == "denied":
            return _error("AccessDeniedException", 403)
        if self.kind == "throttled" or (self.kind == "half-page" and self._pages > 1):
            return _error("ThrottlingException", 400)
        if self.kind == "server-error":
            return _error("ServiceUnavailable", 503)
        if self.kind == "time-out":
            raise ReadTimeoutError(endpoint_url="https://aws")
        return None

    def after_call(self, **about: Any) -> None:
        """Take away all of an answer, or half of it and promise the rest."""
        if about["model"].name != self.operation or self.kind not in ("empty-page", "half-page"):
            return
        answer = about["parsed"]
        content = [key for key in answer if key != "ResponseMetadata"]
        kept = 0 if self.kind == "empty-page" else len(content) // 2
        for key in content[kept:]:
            del answer[key]


def _session(fault: Fault) -> Callable[..., Any]:
    def make(*_: object) -> Any:
        core = botocore.session.Session()
        core.register_component("data_loader", LOADER)
        core.register("before-call", fault.before_call)
        core.register("after-call", fault.after_call)
        return core

    return make


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fault", metavar="OPERATION=KIND", help=f"KIND is one of {', '.join(KINDS)}")


def pytest_configure(config: pytest.Config) -> None:
    spelled = config.getoption("--fault")
    if spelled:
        operation, _, kind = spelled.partition("=")
        sessions.core_session = _session(Fault(operation, kind))
        # Objects are read past botocore where possible, where no fault would meet them.
        fast_get.FastGet.usable = False
