"""Putting right what a rule found: for chosen rules alone, and as a dry run unless told otherwise.

It never acts on a call of the function's own role, so it cannot answer itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import aws
from .live import Clients
from .model import Violation
from .pipeline import AuditPipeline
from .record import dig, mapping, text
from .remedies import REMEDIES, Case, NotRemediatedError
from .settings import ConfigurationError, Settings

_MOST_PER_INVOCATION = 20
REMEDIABLE_RULES = frozenset(REMEDIES)


def own_call(record: Mapping[str, Any], pipeline: AuditPipeline) -> bool:
    """Whether the function's own role made the call."""
    identity = mapping(record.get("userIdentity"))
    issuer = text(dig(identity, "sessionContext", "sessionIssuer", "arn"))
    if issuer is None:
        parts = (text(identity.get("arn")) or "").split("/")
        issuer = parts[1] if ":assumed-role" in parts[0] and len(parts) > 1 else ""
    return pipeline.is_function_role(issuer)


class Remediation:
    """Puts violations of the chosen rules right, or says what it would do."""

    def __init__(
        self,
        rules: frozenset[str],
        pipeline: AuditPipeline,
        *,
        apply: bool,
        exemption_tag: str,
        clients: Clients = aws.client_in,
    ) -> None:
        self._rules = rules
        self._pipeline = pipeline
        self._apply = apply
        self._exemption_tag = exemption_tag
        self._clients = clients
        self._left = 0
        self.begin()

    def begin(self) -> None:
        """Begin an invocation: what it may change is bounded anew."""
        self._left = _MOST_PER_INVOCATION

    def remedy(
        self, violation: Violation, record: Mapping[str, Any], *, rehearse: bool
    ) -> dict[str, Any] | None:
        """What was done about a violation, for its alert; None if its rule was not chosen.

        ``rehearse`` makes a dry run of it whatever the settings, for records that no trail sent.
        """
        if violation.rule.id not in self._rules or own_call(record, self._pipeline):
            return None
        apply = self._apply and not rehearse
        remediation: dict[str, Any] = {
            "mode": "apply" if apply else "dry-run",
            "outcome": "failed",
            "call": None,
            "before": None,
            "after": None,
            "undo": None,
            "error": None,
        }
        try:
            if self._left <= 0:
                raise NotRemediatedError("not-possible", "too many remedies in one invocation")
            self._left -= 1
            if violation.basis == "incomplete-record":
                raise NotRemediatedError("not-possible", "what the call did could not be judged")
            account = text(record.get("recipientAccountId"))
            if account is not None and account != self._pipeline.account:
                raise NotRemediatedError("not-possible", "the resource is of another account")
            region = text(record.get("awsRegion"))
            remedy = REMEDIES[violation.rule.id](
                Case(
                    violation,
                    record,
                    lambda service: self._clients(service, region),
                    self._exemption_tag,
                )
            )
            remediation.update(
                call=remedy.call, before=dict(remedy.before), undo=remedy.undo[:1024]
            )
            if apply:
                remedy.act()
            remediation.update(
                outcome="applied" if apply else "would-apply", after=dict(remedy.after)
            )
        except NotRemediatedError as error:
            remediation.update(outcome=error.outcome, error=str(error)[:256])
        except aws.errors() as error:
            remediation["error"] = aws.code(error)[:256]
        except (AttributeError, LookupError, TypeError) as error:
            remediation["error"] = f"unexpected answer: {type(error).__name__}"
        return remediation


def remediation_of(
    settings: Settings, pipeline: AuditPipeline, clients: Clients = aws.client_in
) -> Remediation:
    """The remediation that the settings ask for.

    Raises ConfigurationError for a rule without a remedy.
    """
    if unknown := sorted(settings.remediation_rules - REMEDIABLE_RULES):
        raise ConfigurationError(f"REMEDIATION_RULES without a remedy: {', '.join(unknown)}")
    return Remediation(
        settings.remediation_rules,
        pipeline,
        apply=settings.remediation_applies,
        exemption_tag=settings.remediation_exemption_tag,
        clients=clients,
    )
