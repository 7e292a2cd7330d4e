"""Calls that are refused, or would change nothing: an attempt rings as well as a deed.

The metric filters count what was tried, by its name or by its refusal. So nothing has to be made:
the function's role trusts Lambda alone, whoever asks; the trail that is asked to log does so
already; and AWS Config has no delivery channel of this name.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Any

from verify.account.errors import DENIED, ActionFailedError
from verify.live_fire import owner
from verify.live_fire.shot import Act, Removals, Shot
from verify.run.verification import Run


class AttemptsProbe:
    """See `verify.live_fire.shot.Probe`."""

    key = "attempts"
    acts = (
        Act("refused-call", "refused call", "AssumeRole", alarm="unauthorized-calls", alerts=False),
        Act(
            "trail-attempt",
            "call on the trail",
            "StartLogging",
            alarm="cloudtrail-changes",
            alerts=False,
        ),
        Act(
            "config-attempt",
            "call on AWS Config's delivery",
            "DeleteDeliveryChannel",
            alarm="config-changes",
            alerts=False,
        ),
    )

    def fire(self, run: Run, shots: Mapping[str, Shot], removals: Removals) -> None:
        """Make the calls."""
        aws, deployment = run.aws, run.deployment
        name = owner.name(run.settings.run_id)
        calls: dict[str, Callable[[], Mapping[str, Any]]] = {
            "refused-call": lambda: aws.act(
                "sts", "assume_role", RoleArn=deployment.function_role_arn, RoleSessionName=name
            ),
            "trail-attempt": lambda: aws.act(
                "cloudtrail", "start_logging", Name=deployment.trail_arn
            ),
            "config-attempt": lambda: aws.act(
                "config", "delete_delivery_channel", DeliveryChannelName=name
            ),
        }
        for key, call in calls.items():
            shots[key].subject = deployment.trail_name
            refused = _tried(shots[key], call)
            if key == "refused-call" and not refused:
                shots[key].prevented = "nobody refused the call that had to be refused"

    def find(
        self, run: Run, wanted: Callable[[Mapping[str, str]], bool], names: Container[str]
    ) -> tuple[str, ...]:
        """Nothing: nothing is made."""
        return ()

    def remove(self, run: Run, identifier: str) -> None:
        """Nothing."""


def _tried(shot: Shot, call: Callable[[], Mapping[str, Any]]) -> bool:
    """Make a call that may be refused, or find nothing to change; says whether it was so."""
    refused = False

    def attempt() -> Mapping[str, Any]:
        nonlocal refused
        try:
            return call()
        except ActionFailedError as error:
            if error.code not in (*DENIED, "NoSuchDeliveryChannelException"):
                raise
            refused = True
            return {}

    shot.act(attempt)
    return refused
