"""Two paths, retries, deaths and failures: each violation is told once, and none is lost."""

from __future__ import annotations

import base64
import gzip
import heapq
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import jsonschema
import pytest
from compliance_checker.alert import alert_id
from compliance_checker.checker import UntoldAlertsError
from compliance_checker.ledger import AlertLedger, Claim
from compliance_checker.times import from_iso
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.compliance_checker.door import (
    DELIVERED,
    Door,
    accept,
    alert_schema,
    bus_event,
    logs_event,
)
from tests.compliance_checker.records import Record, flat_ingress
from tests.compliance_checker.table import Table

NOON = 1_795_300_000_000
RULE = "security-group-open-to-internet"
SECONDS = 60.0
LEASE = 65_000


class Died(BaseException):
    """What ends an invocation without a word, as a time-out does."""


def die(_: list[dict[str, Any]]) -> dict[str, Any]:
    """A topic at which the invocation ends."""
    raise Died


def refuse(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """A topic that takes nothing, for now."""
    return {
        "Failed": [
            {"Id": entry["Id"], "Code": "InternalError", "SenderFault": False} for entry in entries
        ]
    }


class World:
    """Instances of the function on one table, one topic and one clock."""

    def __init__(self, instances: int = 1) -> None:
        self.clock = NOON
        self.table = Table()
        self.naps: list[float] = []
        self.while_asleep: Callable[[], object] = lambda: None
        self.topic: Callable[[list[dict[str, Any]]], dict[str, Any]] = accept
        self.doors = [
            Door(
                sns=lambda entries: self.topic(entries),
                ledger=AlertLedger("ledger", self.table.client, self._sleep),
                sleep=self._sleep,
            )
            for _ in range(instances)
        ]

    def _sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        end = self.clock + int(seconds * 1000)
        self.clock += int(seconds * 500)
        self.while_asleep()
        self.clock = max(self.clock, end)

    @contextmanager
    def running(self) -> Iterator[World]:
        with (
            patch("compliance_checker.checker.now", lambda: self.clock),
            patch("compliance_checker.dispatch.now", lambda: self.clock),
            patch("compliance_checker.publish.now", lambda: self.clock),
        ):
            yield self

    def handle(self, event: Record, instance: int = 0) -> dict[str, Any]:
        return self.doors[instance].checker.handle(event, "request-1", SECONDS)

    def alerts(self) -> list[dict[str, Any]]:
        return [alert for door in self.doors for alert in door.alerts()]

    def told(self) -> Counter[str]:
        """How often each event was told, in an alert of its own or as one of several."""
        return Counter(
            event_id
            for alert in self.alerts()
            for event_id in (
                alert["repeats"]["event_ids"]
                if "repeats" in alert
                else [alert["event"]["event_id"]]
            )
        )

    def item(self) -> dict[str, Any]:
        (item,) = (each for key, each in self.table.items.items() if not key.startswith("flood#"))
        return {name: next(iter(value.values())) for name, value in item.items()}


@pytest.fixture
def world() -> Iterator[World]:
    with World(instances=2).running() as made:
        yield made


def _open(event_id: str, group: str = "sg-0a") -> Record:
    case = flat_ingress("0.0.0.0/0", event_id=event_id)
    case["requestParameters"]["groupId"] = group
    return case


# --- one event ------------------------------------------------------------------------------------


def test_an_event_that_comes_by_both_paths_is_told_once_and_both_are_noted(world: World) -> None:
    assert world.handle(bus_event(_open("e")))["published"] == 1
    world.clock += 240_000
    answer = world.handle(logs_event([_open("e")]), instance=1)
    assert (answer["violations"], answer["published"]) == (0, 0)
    (alert,) = world.alerts()
    jsonschema.validate(alert, alert_schema())
    assert alert["path"] == "eventbridge"
    assert "ledger" not in alert
    assert world.item() == {
        "id": alert["alert_id"],
        "phase": "told",
        "event_id": "e",
        "rule_id": RULE,
        "told_time": str(NOON),
        "told_path": "eventbridge",
        "seen_eventbridge": str(NOON),
        "seen_logs": str(NOON + 240_000),
        "arrived_logs": str(DELIVERED),
        "arrived_eventbridge": str(from_iso(_open("e")["eventTime"])),
        "expires": str(NOON // 1000 + 7 * 24 * 3600),
    }
    assert world.doors[1].decisions() == {"duplicate": 1}


def test_the_log_group_tells_what_eventbridge_did_not_bring(world: World) -> None:
    world.handle(logs_event([_open("e")]))
    world.handle(bus_event(_open("e")), instance=1)
    assert [alert["path"] for alert in world.alerts()] == ["logs"]
    assert world.item()["seen_eventbridge"] == str(NOON)


def test_a_cold_instance_knows_what_another_told(world: World) -> None:
    for instance in (0, 1, 0, 1):
        world.handle(bus_event(_open("e")), instance)
    assert world.told() == {"e": 1}


def test_two_rules_on_one_event_are_two_alerts(world: World) -> None:
    root = {"type": "Root", "arn": "arn:aws:iam::123456789012:root"}
    world.handle(bus_event({**_open("e"), "userIdentity": root}))
    world.handle(logs_event([{**_open("e"), "userIdentity": root}]), instance=1)
    assert sorted(alert["rule"] for alert in world.alerts()) == ["root-used", RULE]


def test_a_test_repeats_at_will_and_writes_nothing(world: World) -> None:
    for _ in range(3):
        world.handle({"test": {"records": [_open("e")]}})
    assert world.told() == {"e": 3}
    assert world.table.calls == 0


# --- what goes wrong ------------------------------------------------------------------------------


def test_an_alert_of_an_invocation_that_died_is_told_once_its_lease_is_over(world: World) -> None:
    world.topic = die
    with pytest.raises(Died):
        world.handle(bus_event(_open("e")))
    world.doors[0].published.clear()
    world.topic = accept
    world.clock += LEASE + 1
    world.handle(bus_event(_open("e")), instance=1)
    assert world.told() == {"e": 1}


def test_while_the_lease_runs_the_other_path_waits_and_then_asks_for_a_retry(world: World) -> None:
    world.topic = die
    with pytest.raises(Died):
        world.handle(bus_event(_open("e")))
    world.doors[0].published.clear()
    world.topic = accept
    with pytest.raises(UntoldAlertsError):
        world.handle(logs_event([_open("e"), _open("other", "sg-0b")]), instance=1)
    # What was free is told meanwhile.
    assert world.told() == {"other": 1}
    assert 0 < sum(world.naps) < 12
    world.clock += 60_000
    world.handle(logs_event([_open("e"), _open("other", "sg-0b")]), instance=1)
    assert world.told() == {"other": 1, "e": 1}


def test_what_the_first_tells_while_the_second_waits_is_told_once(world: World) -> None:
    identity = alert_id("e", RULE)
    first = AlertLedger("ledger", world.table.client)
    first.take([Claim(identity, "e", RULE)], "eventbridge", NOON, NOON + LEASE)
    world.while_asleep = lambda: first.tell([identity], "eventbridge", world.clock)
    assert world.handle(logs_event([_open("e")]), instance=1)["published"] == 0
    assert world.told() == {}
    assert world.item()["told_path"] == "eventbridge"
    assert len(world.naps) == 1


def test_an_alert_that_sns_refused_is_told_by_the_retry(world: World) -> None:
    world.topic = refuse
    with pytest.raises(UntoldAlertsError, match="1 alerts could not be published"):
        world.handle(bus_event(_open("e")))
    assert not world.doors[0].kept  # the retry has it, and at last Lambda's own dead letters
    world.doors[0].published.clear()
    world.topic = accept
    world.handle(bus_event(_open("e")), instance=1)  # at once: the lease was given back
    assert world.told() == {"e": 1}


@pytest.mark.parametrize(
    "fault", ["AccessDeniedException", "ResourceNotFoundException", "ThrottlingException"]
)
def test_without_the_ledger_the_alert_goes_out_marked(world: World, fault: str) -> None:
    world.table.fault = fault
    world.handle(bus_event(_open("e")))
    world.handle(logs_event([_open("e")]), instance=1)
    world.handle(logs_event([_open("e")]), instance=1)  # a warm instance knows what it told
    assert world.told() == {"e": 2}
    for alert in world.alerts():
        assert alert["ledger"] == "unavailable"
        jsonschema.validate(alert, alert_schema())
    assert world.doors[0].said("ledger unavailable")[0]["code"] == fault
    assert world.doors[0].metrics()["AlertsWithoutLedger"] == 1
    # Asked once an invocation, not for each alert and again to close.
    assert world.table.calls == 3


def test_without_ledger_and_topic_the_alert_is_kept(world: World) -> None:
    world.table.fault = "InternalServerError"
    world.topic = lambda entries: {
        "Failed": [
            {"Id": entry["Id"], "Code": "NotFound", "SenderFault": True} for entry in entries
        ]
    }
    world.handle(bus_event(_open("e")))
    (letter,) = world.doors[0].letters()
    assert json.loads(letter["content"])["event"]["event_id"] == "e"


def test_transactions_that_meet_are_tried_again(world: World) -> None:
    world.table.conflicts = 3
    world.handle(bus_event(_open("e")))
    assert "ledger" not in world.alerts()[0]
    assert world.item()["phase"] == "told"


def test_a_thousand_records_cost_few_calls(world: World) -> None:
    cases = [_open(f"e{number}", f"sg-{number % 10}") for number in range(100)]
    world.handle(logs_event(cases))
    assert sum(world.told().values()) == 100
    # Two of each to take and to tell; one counts all the kinds.
    assert world.table.calls == 2 + 2 + 1


# --- floods ---------------------------------------------------------------------------------------


def test_singles_are_counted_across_invocations(world: World) -> None:
    for batch in range(4):
        cases = [_open(f"{batch}-{number}") for number in range(15)]
        world.handle(logs_event(cases), instance=batch % 2)
    singles = [alert for alert in world.alerts() if "repeats" not in alert]
    counts = [alert["repeats"]["count"] for alert in world.alerts() if "repeats" in alert]
    assert len(singles) == 20
    assert sorted(counts) == [10, 15, 15]
    assert len(world.told()) == 60
    assert set(world.told().values()) == {1}


def _flooded(world: World, kinds: int = 1) -> None:
    """An hour in which a group has had its single alerts, told and forgotten by the test."""
    for kind in range(kinds):
        for number in range(20):
            world.handle(bus_event(_open(f"single-{kind}-{number}", f"sg-{kind}")))
    assert len(world.alerts()) == 20 * kinds
    world.doors[0].published.clear()


def _list(world: World) -> list[str]:
    return [name for name in world.table.items["gathering"] if name.startswith("held_")]


def test_a_flood_of_one_event_an_invocation_is_told_together(world: World) -> None:
    _flooded(world)
    further = iter(range(1, 70))

    def meanwhile() -> None:
        for number in further:
            answer = world.handle(bus_event(_open(f"e{number}", "sg-0")), instance=1)
            assert (answer["violations"], answer["published"]) == (1, 0)

    world.while_asleep = meanwhile
    assert world.handle(bus_event(_open("e0", "sg-0")))["published"] == 1
    (alert,) = world.alerts()
    jsonschema.validate(alert, alert_schema())
    assert alert["path"] == "eventbridge"
    assert alert["repeats"]["count"] == 70
    assert set(alert["repeats"]["event_ids"]) == {f"e{number}" for number in range(70)}
    assert alert["repeats"]["event_names"] == ["AuthorizeSecurityGroupIngress"]
    # Well below the alarm on the function's time-out, and below five minutes.
    assert world.naps == [15.0]
    assert _list(world) == []
    phases = [item["phase"]["S"] for key, item in world.table.items.items() if len(key) == 64]
    assert phases == ["told"] * 90


def test_one_invocation_gathers_for_all_kinds(world: World) -> None:
    _flooded(world, kinds=3)
    others = iter([("b", "sg-1"), ("c", "sg-2"), ("d", "sg-1"), ("new", "sg-new")])
    world.while_asleep = lambda: [
        world.handle(bus_event(_open(*other)), instance=1) for other in others
    ]
    world.handle(bus_event(_open("a", "sg-0")))
    told = {alert["resource"]["id"]: alert for alert in world.alerts()}
    assert len(world.alerts()) == 4
    assert "repeats" not in told["sg-0"]
    assert "repeats" not in told["sg-new"]  # no flood, told at once
    assert sorted(told["sg-1"]["repeats"]["event_ids"]) == ["b", "d"]
    assert told["sg-2"]["event"]["event_id"] == "c"
    assert world.naps == [15.0]


def test_a_full_list_is_told_at_once(world: World) -> None:
    _flooded(world)
    further = iter(range(1, 250))
    world.while_asleep = lambda: [
        world.handle(bus_event(_open(f"e{number}", "sg-0")), instance=1) for number in further
    ]
    world.handle(bus_event(_open("e0", "sg-0")))
    counts = [alert["repeats"]["count"] for alert in world.alerts()]
    assert sum(counts) == 250
    assert max(counts) == 101
    assert set(world.told().values()) == {1}


def test_the_other_path_takes_what_is_held(world: World) -> None:
    _flooded(world)
    batches = iter([[_open(f"e{number}", "sg-0") for number in range(5)]])
    world.while_asleep = lambda: [world.handle(logs_event(batch), instance=1) for batch in batches]
    assert world.handle(bus_event(_open("e0", "sg-0")))["published"] == 0
    (alert,) = world.alerts()
    assert alert["path"] == "logs"
    assert alert["repeats"]["count"] == 5
    assert _list(world) == []


def test_the_same_event_twice_while_it_is_held_is_told_once(world: World) -> None:
    _flooded(world)
    again = iter([bus_event(_open("e0", "sg-0"))] * 2)
    world.while_asleep = lambda: [world.handle(event, instance=1) for event in again]
    world.handle(bus_event(_open("e0", "sg-0")))
    assert world.told() == {"e0": 1}


@pytest.mark.parametrize("rescue", ["retry", "next", "scan"])
def test_what_was_held_when_the_gathering_invocation_died_is_told(
    world: World, rescue: str
) -> None:
    _flooded(world)
    joined = iter([bus_event(_open("e1", "sg-0"))])

    def die_meanwhile() -> None:
        for event in joined:
            world.handle(event, instance=1)
        raise Died

    world.while_asleep = die_meanwhile
    with pytest.raises(Died):
        world.handle(bus_event(_open("e0", "sg-0")))
    assert world.told() == {}
    world.while_asleep = lambda: None
    world.clock += 70_000
    if rescue == "scan":
        world.handle({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}, 1)
    else:
        world.handle(bus_event(_open("e0" if rescue == "retry" else "e2", "sg-0")), instance=1)
    expected = {"e0": 1, "e1": 1} | ({"e2": 1} if rescue == "next" else {})
    told = {name: count for name, count in world.told().items() if name in ("e0", "e1", "e2")}
    assert told == expected


def test_what_sns_refused_of_the_gathered_is_told_by_the_retry(world: World) -> None:
    _flooded(world)
    joined = iter([bus_event(_open("e1", "sg-0"))])

    def meanwhile() -> None:
        for event in joined:
            world.handle(event, instance=1)
        world.topic = refuse

    world.while_asleep = meanwhile
    with pytest.raises(UntoldAlertsError, match="2 alerts could not be published"):
        world.handle(bus_event(_open("e0", "sg-0")))
    world.doors[0].published.clear()
    world.while_asleep = lambda: None
    world.topic = accept
    world.handle(bus_event(_open("e0", "sg-0")), instance=1)
    assert world.told() == {"e0": 1, "e1": 1}


def test_without_the_ledger_the_gathering_invocation_tells_its_own_and_is_tried_again(
    world: World,
) -> None:
    _flooded(world)
    joined = iter([bus_event(_open("e1", "sg-0"))])

    def meanwhile() -> None:
        for event in joined:
            world.handle(event, instance=1)
        world.table.fault = "InternalServerError"

    world.while_asleep = meanwhile
    with pytest.raises(UntoldAlertsError):
        world.handle(bus_event(_open("e0", "sg-0")))
    (alert,) = world.alerts()
    assert (alert["event"]["event_id"], alert["ledger"]) == ("e0", "unavailable")
    world.while_asleep = lambda: None
    world.table.fault = None
    world.handle(bus_event(_open("e0", "sg-0")), instance=1)
    assert world.told().keys() == {"e0", "e1"}


def test_where_one_invocation_runs_at_a_time_only_the_first_waits(world: World) -> None:
    _flooded(world)
    for number in range(50):
        world.handle(bus_event(_open(f"e{number}", "sg-0")))
    assert world.naps == [15.0]
    assert world.told() == Counter(f"e{number}" for number in range(50))
    # Some minutes later it is tried again.
    world.clock += 5 * 60 * 1000
    world.handle(bus_event(_open("later", "sg-0")))
    assert world.naps == [15.0, 15.0]


def test_where_an_alert_cannot_be_held_it_is_told_by_itself(world: World) -> None:
    _flooded(world)
    world.table.fault_of["gathering"] = "ThrottlingException"
    assert world.handle(bus_event(_open("e0", "sg-0")))["published"] == 1
    (alert,) = world.alerts()
    assert alert["ledger"] == "unavailable"
    assert world.naps == []


def test_an_invocation_with_little_time_left_holds_nothing(world: World) -> None:
    _flooded(world)
    world.doors[0].checker.handle(bus_event(_open("e0", "sg-0")), "request-1", 20.0)
    assert world.told() == {"e0": 1}
    assert world.naps == []


def test_a_thousand_kinds_at_once_are_each_told(world: World) -> None:
    cases = [_open(f"e{number}", f"sg-{number}") for number in range(1000)]
    world.handle(logs_event(cases))
    assert len(world.told()) == 1000


def test_of_many_kinds_in_a_delivery_only_what_floods_is_told_together(world: World) -> None:
    _flooded(world)
    mixed = [_open(f"e{number}", f"sg-{number % 2}") for number in range(10)]
    world.handle(logs_event(mixed))
    singles = [alert for alert in world.alerts() if "repeats" not in alert]
    assert {alert["resource"]["id"] for alert in singles} == {"sg-1"}
    assert len(singles) == 5
    (together,) = (alert for alert in world.alerts() if "repeats" in alert)
    assert together["repeats"]["count"] == 5


def test_another_hour_begins_anew(world: World) -> None:
    for hour in range(2):
        world.handle(logs_event([_open(f"{hour}-{number}") for number in range(20)]))
        world.clock += 3600 * 1000
    assert all("repeats" not in alert for alert in world.alerts())


# --- everything together --------------------------------------------------------------------------

# Before Lambda's second and third try of an asynchronous invocation, in milliseconds.
_PAUSES = (60_000, 120_000)


def _play(world: World, deliveries: list[Record], chance: random.Random, troubles: bool) -> None:
    """Hand over deliveries in this order, and failed ones again as Lambda does.

    One in ten goes wrong, if there are troubles; what fails to the end is Lambda's dead letter.
    """
    waiting: list[tuple[int, int, tuple[int, ...], Record]] = [
        (0, number, _PAUSES, event) for number, event in enumerate(deliveries)
    ]
    while waiting:
        due, number, pauses, event = heapq.heappop(waiting)
        world.clock = max(world.clock, due)
        trouble = chance.random() if troubles and pauses else 1.0
        world.topic = die if trouble < 0.05 else refuse if trouble < 0.1 else accept
        instance = chance.randrange(len(world.doors))
        published = world.doors[instance].published
        calls = len(published)
        try:
            world.handle(event, instance)
        except (Died, UntoldAlertsError):
            if pauses:
                heapq.heappush(waiting, (world.clock + pauses[0], number, pauses[1:], event))
        if world.topic is not accept:
            del published[calls:]
        world.clock += 500


def _deliveries(events: list[Record], chance: random.Random, duplicates: bool) -> list[Record]:
    found = [bus_event(event) for event in events]
    if duplicates:
        found += [bus_event(event) for event in events if chance.random() < 0.1]
    chance.shuffle(found)
    left = events * 2 if duplicates else list(events)
    chance.shuffle(left)
    while left:
        size = chance.randint(1, 200)
        # CloudWatch Logs sends what is equal in separate batches.
        batch = {event["eventID"]: event for event in left[:size]}
        found.insert(chance.randrange(len(found) + 1), logs_event(list(batch.values())))
        left = left[size:]
    return found


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 60), st.booleans())
def test_every_violation_is_told_exactly_once(seed: int, count: int, troubles: bool) -> None:
    chance = random.Random(seed)
    events = [_open(f"e{number}", f"sg-{chance.randrange(4)}") for number in range(count)]
    with World(instances=3).running() as world:
        _play(world, _deliveries(events, chance, duplicates=True), chance, troubles)
        assert world.told() == Counter(event["eventID"] for event in events)
        assert all("ledger" not in alert for alert in world.alerts())


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 60))
def test_none_is_lost_where_the_ledger_comes_and_goes(seed: int, count: int) -> None:
    chance = random.Random(seed)
    events = [_open(f"e{number}", f"sg-{chance.randrange(4)}") for number in range(count)]
    with World(instances=3).running() as world:
        for delivery in _deliveries(events, chance, duplicates=True):
            world.table.fault = chance.choice([None, None, "ProvisionedThroughputExceeded"])
            _play(world, [delivery], chance, troubles=False)
        assert world.told().keys() == {event["eventID"] for event in events}


def test_ten_thousand_events_by_both_paths_in_any_order() -> None:
    chance = random.Random(7)
    events = [_open(f"e{number}", f"sg-{number % 500}") for number in range(10_000)]
    with World(instances=4).running() as world:
        _play(world, _deliveries(events, chance, duplicates=False), chance, troubles=True)
        assert world.told() == Counter(event["eventID"] for event in events)


def test_ten_thousand_events_while_ledger_and_topic_come_and_go() -> None:
    """All at once: both paths, duplicates, any order, deaths, refusals, outages of the ledger."""
    chance = random.Random(11)
    events = [_open(f"e{number}", f"sg-{number % 400}") for number in range(10_000)]
    uncertain: set[str] = set()
    with World(instances=4).running() as world:
        for delivery in _deliveries(events, chance, duplicates=True):
            down = chance.random() < 0.2
            world.table.fault = "InternalServerError" if down else None
            if down:
                uncertain |= _event_ids(delivery)
            _play(world, [delivery], chance, troubles=True)
        told = world.told()
        letters = [letter for door in world.doors for letter in door.letters()]
    kept = {json.loads(letter["content"])["event"]["event_id"] for letter in letters}
    identities = {event["eventID"] for event in events}
    assert told.keys() | kept == identities
    assert 1000 < len(uncertain) < 9000
    assert {told[identity] for identity in identities - uncertain} == {1}
    # Nothing but a refusing topic beside a silent ledger makes a dead letter.
    assert kept <= uncertain


def _event_ids(delivery: Record) -> set[str]:
    if "detail" in delivery:
        return {delivery["detail"]["eventID"]}
    content = json.loads(gzip.decompress(base64.b64decode(delivery["awslogs"]["data"])))
    return {json.loads(entry["message"])["eventID"] for entry in content["logEvents"]}
