"""Live fire sweeps what nobody owns any more and nothing else, and times each leg of an alert."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.account.answer import Answer
from verify.account.errors import ActionFailedError
from verify.live_fire import owner, sweep
from verify.live_fire.alarms import Ringing
from verify.live_fire.alarms import timing as timing_of_alarm
from verify.live_fire.alert import Alert, read_alert
from verify.live_fire.probes import ALWAYS, OPTIONAL
from verify.live_fire.shot import Probe, Removals, Shot, timing
from verify.run.verification import Run

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
(OPENED_RULE,) = ALWAYS.acts


def _tags(**changes: str) -> dict[str, str]:
    return {**owner.tags("run-1", 900.0), **changes}


def test_what_a_running_process_owns_is_not_abandoned() -> None:
    assert not owner.abandoned(_tags(), datetime.now(UTC) + timedelta(days=9))


def test_what_an_ended_process_owned_is_abandoned_at_once() -> None:
    script = "from verify.live_fire import owner; print(owner.tags('r', 900.0)[owner.OWNER_TAG])"
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert owner.abandoned(_tags(**{owner.OWNER_TAG: ended}), datetime.now(UTC))


def test_a_later_process_with_the_same_number_is_not_the_owner() -> None:
    mine = _tags()[owner.OWNER_TAG]
    host, process, _ = mine.split("/")
    assert process == str(os.getpid())
    assert owner.abandoned(_tags(**{owner.OWNER_TAG: f"{host}/{process}/1"}), datetime.now(UTC))


def test_what_another_machine_owns_is_abandoned_when_its_time_is_over() -> None:
    elsewhere = {owner.OWNER_TAG: "another-machine/1/1"}
    soon = {owner.EXPIRES_TAG: (NOW + timedelta(seconds=1)).isoformat()}
    assert not owner.abandoned(_tags(**elsewhere, **soon), NOW)
    past = {owner.EXPIRES_TAG: (NOW - timedelta(seconds=1)).isoformat()}
    assert owner.abandoned(_tags(**elsewhere, **past), NOW)


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=20)))
def test_what_does_not_say_that_it_is_ours_is_never_ours(found: Mapping[str, str]) -> None:
    assert not owner.abandoned(
        {**found, owner.PURPOSE_TAG: found.get(owner.PURPOSE_TAG, "") + "!"}, NOW
    )


# --- what the account itself prevents -------------------------------------------------------------


class _RefusingAws:
    """An account that refuses public policies, in S3's words, and one that lacks permissions."""

    region = "us-east-1"

    def __init__(self, said: str, blocks: bool, times: int) -> None:
        self.said, self.blocks, self.times = said, blocks, times
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def read(self, _: Any) -> Answer:
        said = {"PublicAccessBlockConfiguration": {"BlockPublicPolicy": self.blocks}}
        return Answer(said, None, "evidence", NOW)

    def act(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        self.calls.append((operation, parameters))
        if operation == "put_bucket_policy" and self.times > 0:
            self.times -= 1
            raise ActionFailedError("s3.put_bucket_policy was denied", "AccessDenied", self.said)
        return {}


def _fire_bucket_policy(
    said: str, blocks: bool = True, times: int = 100
) -> tuple[_RefusingAws, Shot]:
    aws, probe = _RefusingAws(said, blocks, times), OPTIONAL["bucket"]
    shots = {act.key: Shot(act) for act in probe.acts}
    run: Any = SimpleNamespace(
        aws=aws,
        settings=SimpleNamespace(run_id="20260101T000000Z-0A", alert_timeout=60.0),
        deployment=SimpleNamespace(partition="aws", account_id="123456789012"),
    )
    with ExitStack() as stack:
        probe.fire(run, shots, Removals(stack))
    assert [key for key, shot in shots.items() if shot.ended is None] in ([], ["bucket-policy"])
    return aws, shots["bucket-policy"]


_BLOCKED = (
    "User is not authorized to perform: s3:PutBucketPolicy because public policies are prevented "
    "by the BlockPublicPolicy setting in S3 Block Public Access"
)


def test_what_the_account_prevents_is_no_failure_of_the_alert() -> None:
    aws, shot = _fire_bucket_policy(_BLOCKED)
    assert shot.prevented == "the account's own public-access block refuses public bucket policies"
    assert not shot.awaited
    bucket = {"Bucket": "trailwarden-live-fire-20260101t000000z-0a"}
    assert aws.calls[0] == ("create_bucket", bucket), "us-east-1 takes no location constraint"
    assert aws.calls[-1] == ("delete_bucket", bucket)


def test_a_block_that_is_lifted_late_is_not_taken_for_the_account_s() -> None:
    aws, shot = _fire_bucket_policy(_BLOCKED, blocks=False, times=1)
    assert shot.prevented == ""
    assert shot.ended is not None
    assert [name for name, _ in aws.calls].count("put_bucket_policy") == 2


def test_a_missing_permission_is_not_taken_for_prevention() -> None:
    with pytest.raises(ActionFailedError):
        _fire_bucket_policy("User is not authorized to perform: s3:PutBucketPolicy")


# --- reading what comes out of the queue ----------------------------------------------------------

MESSAGE = {
    "Body": '{"Message": "{\\"resource\\": {\\"id\\": \\"sg-1\\"}, '
    '\\"event\\": {\\"event_name\\": \\"AuthorizeSecurityGroupIngress\\"}}", '
    '"Timestamp": "2026-03-04T05:06:08.250Z", '
    '"MessageAttributes": {"rule": {"Type": "String", "Value": "r"}}}',
    "Attributes": {"SentTimestamp": "1772600768500"},
}


def test_an_alert_is_read_with_its_times() -> None:
    alert = read_alert(MESSAGE, NOW, 1.0)
    assert alert is not None
    assert alert.is_about("sg-1", "AuthorizeSecurityGroupIngress")
    assert not alert.is_about("sg-2", "AuthorizeSecurityGroupIngress")
    assert not alert.is_about("sg-1", "RevokeSecurityGroupIngress")
    assert alert.attributes == {"rule": "r"}
    assert alert.notification_time == datetime(2026, 3, 4, 5, 6, 8, 250_000, UTC)
    assert alert.sent_time == datetime(2026, 3, 4, 5, 6, 8, 500_000, UTC)


@pytest.mark.parametrize(
    "body",
    ["", "no json", "[]", "1", "{}", '{"Message": "no json"}', '{"Message": null}', "null"],
)
def test_what_is_no_alert_is_not_taken_for_one(body: str) -> None:
    assert read_alert({"Body": body}, NOW, 1.0) is None


@given(st.text(max_size=60))
def test_no_message_breaks_the_wait(body: str) -> None:
    alert = read_alert({"Body": body}, NOW, 1.0)
    assert alert is None or not alert.is_about("sg-1", "AuthorizeSecurityGroupIngress")


@pytest.mark.parametrize(
    ("on_bus", "by_cloudtrail", "by_bus"),
    [
        ("2026-03-04T05:06:09Z", 1.6, 1.5),
        # A whole second that began before the call: the bus did not have it earlier.
        ("2026-03-04T05:06:07Z", 0.0, 3.1),
        (None, None, 3.1),
    ],
)
def test_what_aws_takes_by_event_bridge_is_told_apart(
    on_bus: str | None, by_cloudtrail: float | None, by_bus: float | None
) -> None:
    shot = Shot(OPENED_RULE, started=NOW + timedelta(milliseconds=400), seconds=0.05, clock=100.0)
    times = {
        "event_time": "2026-03-04T05:06:07Z",
        "delivered_time": on_bus,
        "received_time": "2026-03-04T05:06:10.500Z",
        "published_time": "2026-03-04T05:06:11Z",
    }
    alert = Alert(
        body={"path": "eventbridge", "timing": times},
        attributes={},
        notification_time=None,
        sent_time=NOW + timedelta(seconds=4),
        received_time=NOW + timedelta(seconds=4),
        received_clock=104.0,
    )
    legs = {leg.name: (leg.seconds, leg.whose) for leg in timing(shot, alert, 300.0).legs}
    assert legs.get("CloudTrail", (None, "AWS")) == (by_cloudtrail, "AWS")
    assert legs["EventBridge"] == (by_bus, "AWS")
    assert legs["function"] == (0.5, "ours")


def test_each_leg_is_measured_and_the_unknown_is_said_to_be() -> None:
    shot = Shot(OPENED_RULE, started=NOW + timedelta(milliseconds=400), seconds=0.05, clock=100.0)
    alert = Alert(
        body={
            "timing": {
                "event_time": "2026-03-04T05:06:07Z",
                "delivered_time": "2026-03-04T05:06:08.400Z",
                "received_time": None,
                "published_time": "2026-03-04T05:06:09Z",
            }
        },
        attributes={},
        notification_time=None,
        sent_time=NOW + timedelta(seconds=2.5),
        received_time=NOW + timedelta(seconds=2.75),
        received_clock=102.35,
    )
    measured = timing(shot, alert, 300.0)
    assert {leg.name: leg.seconds for leg in measured.legs} == {
        "API call": 0.05,
        # CloudTrail's whole second began before the call: the event cannot precede it
        "trail": 1.0,
        "log group": None,
        "function": None,
        "SNS": 0.5,
        "received": 0.25,
    }
    assert measured.total_seconds == 2.35


# --- alarms ---------------------------------------------------------------------------------------


def _ringing(rang_before: bool = False) -> Ringing:
    shot = Shot(OPENED_RULE, started=NOW, ended=NOW, seconds=0.05, clock=100.0)
    return Ringing("alarm-security-group-changes-dev", (shot,), rang_before)


def _of_alarm(**body: str) -> Alert:
    said = {"AlarmName": "alarm-security-group-changes-dev", "NewStateValue": "ALARM", **body}
    return Alert(
        body=said,
        attributes={},
        notification_time=None,
        sent_time=NOW + timedelta(seconds=62),
        received_time=NOW + timedelta(seconds=63),
        received_clock=163.0,
    )


def test_an_alarm_is_awaited_until_it_begins_to_ring() -> None:
    ringing = _ringing()
    assert ringing.state == "awaited"
    assert not ringing.take(_of_alarm(AlarmName="alarm-security-group-changes-prod"))
    assert not ringing.take(_of_alarm(NewStateValue="OK"))
    assert ringing.state == "awaited"
    assert ringing.take(_of_alarm())
    assert not ringing.awaited


def test_one_that_rang_before_is_not_awaited() -> None:
    assert not _ringing(rang_before=True).awaited


def test_one_that_nothing_set_off_is_not_awaited() -> None:
    ringing = Ringing("alarm-x-dev", (Shot(OPENED_RULE),), rang_before=False)
    assert not ringing.awaited
    ringing.shots[0].ended, ringing.shots[0].prevented = NOW, "the account refuses it"
    assert not ringing.awaited


def test_each_leg_of_an_alarm_is_measured() -> None:
    said = _of_alarm(StateChangeTime="2026-03-04T05:07:08.500+0000")
    measured = timing_of_alarm(_ringing(), said)
    assert measured.probe == "opened security-group rule, by alarm-security-group-changes-dev"
    assert {leg.name: leg.seconds for leg in measured.legs} == {
        "API call": 0.05,
        "trail, log group and alarm": 61.5,
        "SNS": 0.5,
        "received": 1.0,
    }
    assert measured.total_seconds == 63.0
    assert measured.target_seconds is None
    before = "2026-03-04T05:06:06.900+0000"
    early = timing_of_alarm(_ringing(), _of_alarm(StateChangeTime=before))
    assert early.legs[1].seconds == 0.0, "what was made for the act had set it off"
    unknown = timing_of_alarm(_ringing(), _of_alarm(StateChangeTime="yesterday")).legs
    assert [leg.seconds for leg in unknown] == [0.05, None, None, 1.0]


# --- what is attempted ----------------------------------------------------------------------------


class _Answering:
    """An account that answers each call with an error code, or lets it through."""

    def __init__(self, **codes: str) -> None:
        self.codes = codes

    def act(self, service: str, operation: str, /, **_: Any) -> dict[str, Any]:
        if code := self.codes.get(operation):
            raise ActionFailedError(f"{service}.{operation} failed", code, code)
        return {}


def _attempted(**codes: str) -> dict[str, Shot]:
    probe = OPTIONAL["attempts"]
    shots = {act.key: Shot(act) for act in probe.acts}
    run: Any = SimpleNamespace(
        aws=_Answering(**codes),
        settings=SimpleNamespace(run_id="20260101T000000Z-0A", alert_timeout=60.0),
        deployment=SimpleNamespace(
            function_role_arn="arn:aws:iam::123456789012:role/role-function-dev",
            trail_arn="arn:aws:cloudtrail:eu-west-1:123456789012:trail/t",
            trail_name="t",
        ),
    )
    with ExitStack() as stack:
        probe.fire(run, shots, Removals(stack))
    return shots


def test_what_is_refused_was_tried_all_the_same() -> None:
    shots = _attempted(
        assume_role="AccessDenied",
        start_logging="AccessDeniedException",
        delete_delivery_channel="NoSuchDeliveryChannelException",
    )
    assert all(shot.ended is not None and not shot.prevented for shot in shots.values())
    assert not any(shot.awaited for shot in shots.values()), "the function tells of none of them"


def test_a_refusal_that_does_not_come_sets_nothing_off() -> None:
    shots = _attempted(delete_delivery_channel="NoSuchDeliveryChannelException")
    assert {key for key, shot in shots.items() if shot.prevented} == {"refused-call"}


def test_an_attempt_that_fails_otherwise_is_an_error() -> None:
    with pytest.raises(ActionFailedError):
        _attempted(assume_role="AccessDenied", start_logging="ThrottlingException")


class _Remover:
    """A probe that removes what it may."""

    def __init__(self, *kept: str) -> None:
        self.kept = kept
        self.removed: list[str] = []

    def remove(self, _run: object, identifier: str) -> None:
        if identifier in self.kept:
            raise ActionFailedError(f"{identifier} was denied", "UnauthorizedOperation", "no")
        self.removed.append(identifier)


def test_what_cannot_be_swept_keeps_nothing_else_from_being_swept() -> None:
    probe = _Remover("sg-2")
    left = sweep.Left(of_probes=tuple((cast(Probe, probe), f"sg-{number}") for number in (1, 2, 3)))
    assert sweep.remove(cast(Run, None), left) == (("sg-1", "sg-3"), ("sg-2 was denied",))
    assert probe.removed == ["sg-1", "sg-3"]
