"""One scan from its first check to its report."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .. import aws
from ..live import Clients, NotReadError, Place
from .buckets import check_buckets
from .flow_logs import check_flow_logs
from .reader import AccountReader
from .report import Report
from .security_groups import check_security_groups
from .trails import check_trails

CHECKS = ("security-groups", "buckets", "trails", "flow-logs")


class AccountScan:
    """One scan of the account and region that the function runs in, within so many seconds.

    ``trail_arn`` is the trail of the deployment, which must be there; None takes each for its own.
    """

    def __init__(
        self,
        account: str | None,
        region: str | None,
        *,
        checks: Iterable[str] = CHECKS,
        trail_arn: str | None = None,
        clients: Clients = aws.client_in,
        seconds: float = 45.0,
    ) -> None:
        self._reader = AccountReader(Place(account, region), clients, seconds)
        self._trail_arn = trail_arn
        self._checks = tuple(checks)

    def run(self) -> Report:
        """Every check in turn; one that fails as a whole does not keep the others from running."""
        reader, report = self._reader, Report(self._checks)
        work: dict[str, Callable[[], None]] = {
            "security-groups": lambda: check_security_groups(reader, report),
            "buckets": lambda: check_buckets(reader, report),
            "trails": lambda: check_trails(reader, report, self._trail_arn),
            "flow-logs": lambda: check_flow_logs(reader, report),
        }
        for check in self._checks:
            try:
                work[check]()
            except NotReadError as error:
                report.not_read.append((check, error))
        return report
