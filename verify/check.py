"""What a check says of what it saw: observations, from which its control's outcome follows."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from verify.inputs.declared import Configuration, DeclaredError, NotDeclaredError, Unresolved
from verify.model import AlertTiming, NetworkPicture, NotVerifiedError, Observation
from verify.wording import in_words


class NotApplicableError(Exception):
    """The control does not apply to this deployment or this run; the text says why."""


class ControlFailedError(AssertionError):
    """What was seen is not what the baseline requires."""


@dataclass
class Check:
    """Collects the observations of one check, so that one run shows every subject that is wrong.

    `declared` in its methods is the address of the Terraform argument that should bring about what
    is looked at, such as `aws_vpc.audit.cidr_block`: where something differs, the reader learns
    what the configuration says as well.
    """

    configuration: Configuration | None = None
    observations: list[Observation] = field(default_factory=list)
    unknowns: list[str] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)  # beyond what the check itself read
    notes: list[str] = field(default_factory=list)  # for the reader of the report
    timings: list[AlertTiming] = field(default_factory=list)
    network: NetworkPicture | None = None  # for the report, of the check that draws it

    def equal(
        self, subject: str, aspect: str, *, expected: Any, seen: Any, declared: str | None = None
    ) -> None:
        """`seen` must equal `expected`."""
        self.holds(
            subject, aspect, expected == seen, expected=expected, seen=seen, declared=declared
        )

    def holds(
        self,
        subject: str,
        aspect: str,
        condition: bool,
        *,
        expected: Any,
        seen: Any,
        declared: str | None = None,
    ) -> None:
        """`condition` must hold; `expected` and `seen` tell a reader what it is about."""
        said = None if condition or declared is None else self._said(declared)
        self.observations.append(
            Observation(subject, aspect, in_words(expected), in_words(seen), bool(condition), said)
        )

    def agree(
        self,
        subject: str,
        address: str,
        *,
        expected: Any,
        seen: Any,
        accepts: Callable[[Any, Any], bool] = operator.eq,
    ) -> None:
        """What is declared at `address` must be what is seen, and `expected` must accept it.

        Raises NotVerifiedError when there is no configuration to read.
        """
        try:
            said = self._declared(address)
        except NotDeclaredError as error:
            said = str(error)
        except DeclaredError as error:
            raise NotVerifiedError(str(error)) from None
        if isinstance(said, Unresolved):
            self.unknown(subject, f"{address} is {said}")
            return
        self.observations.append(
            Observation(
                subject,
                address,
                in_words(expected),
                in_words(seen),
                bool(said == seen and accepts(expected, seen)),
                in_words(said),
            )
        )

    def _said(self, address: str) -> str | None:
        """What is declared at `address` for a reader; None where that is not known."""
        try:
            said = self._declared(address)
        except DeclaredError:
            return None
        return None if isinstance(said, Unresolved) else in_words(said)

    def _declared(self, address: str) -> Any:
        if self.configuration is None:
            raise DeclaredError("no Terraform configuration was given")
        return self.configuration.argument(address)

    def none(
        self, subject: str, aspect: str, findings: Iterable[object], *, expected: str = "none"
    ) -> None:
        """There must be no finding; each finding's text says what is wrong."""
        found = [in_words(finding) for finding in findings]
        self.holds(subject, aspect, not found, expected=expected, seen="; ".join(found) or "none")

    def unknown(self, subject: str, reason: str) -> None:
        """Something about `subject` could not be seen: the control cannot pass."""
        self.unknowns.append(f"{subject}: {reason}")

    def not_applicable(self, reason: str) -> NoReturn:
        """End the check: `reason` says why there is nothing here that the control is about.

        Only for what is known not to be there or was not asked for, never for what could not be
        seen. What the check has observed before still decides.
        """
        self._decide()
        raise NotApplicableError(reason)

    def conclude(self) -> None:
        """Turn the observations into the outcome of the test.

        Raises ControlFailedError when an expectation was not met, and NotVerifiedError when
        something could not be seen or the check looked at nothing.
        """
        self._decide()
        if not self.observations:
            raise NotVerifiedError("the check found nothing to look at")

    def _decide(self) -> None:
        unmet = [observation for observation in self.observations if not observation.met]
        if unmet:
            raise ControlFailedError(failure_text(unmet, self.unknowns))
        if self.unknowns:
            raise NotVerifiedError("; ".join(self.unknowns))


def failure_text(unmet: Iterable[Observation], unknowns: Iterable[str] = ()) -> str:
    """A line for each expectation that was not met, then what could not be seen."""
    lines = [
        f"{observation.subject}: {observation.aspect}: {observation.comparison}"
        for observation in unmet
    ]
    lines += [f"not seen: {unknown}" for unknown in unknowns]
    return "\n".join(lines)
