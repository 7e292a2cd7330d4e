"""What the record alone cannot tell is asked of the account, and never guessed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from compliance_checker.evaluate import evaluate
from compliance_checker.live import LiveState, NotReadError, Place

from tests.compliance_checker.door import Door, alert_schema, logs_event, refusing
from tests.compliance_checker.records import (
    ACCOUNT,
    STRANGER,
    Record,
    flat_ingress,
    ingress,
    permission,
    policy,
    record,
    statement,
)

CUSTOMER = f"arn:aws:iam::{ACCOUNT}:policy/team"
NAMESAKE = f"arn:aws:iam::{ACCOUNT}:policy/AdministratorAccess"
EVERYTHING = policy(statement())
NARROW = policy(statement("s3:GetObject", "arn:aws:s3:::team/*"))


class _Account:
    """Answers the reads of one account and counts them."""

    def __init__(
        self,
        *,
        entries: dict[str, list[str]] | None = None,
        egress: dict[str, bool] | None = None,
        documents: dict[str, Record] | None = None,
        trail: Record | None = None,
        attached: list[str] | None = None,
        inline: dict[str, Record] | None = None,
        refused: tuple[str, ...] = (),
    ) -> None:
        self.calls: Counter[str] = Counter()
        self.regions: set[tuple[str, str | None]] = set()
        self._entries = entries or {}
        self._egress = egress or {}
        self._documents = documents or {}
        self._trail = trail
        self._attached = attached or []
        self._inline = inline or {}
        self._refused = refused

    def __call__(self, service: str, region: str | None) -> Any:
        self.regions.add((service, region))
        return self

    def get_paginator(self, name: str) -> Any:
        pages = {
            "get_managed_prefix_list_entries": self._prefix_list,
            "list_attached_group_policies": self._attached_to_group,
            "list_group_policies": self._inline_of_group,
        }
        return _Paginator(pages[name])

    def _count(self, call: str) -> None:
        self.calls[call] += 1
        if call in self._refused:
            raise ClientError({"Error": {"Code": "AccessDenied"}}, call)

    def _prefix_list(self, request: Record) -> list[Record]:
        self._count("prefix list")
        blocks = self._entries[request["PrefixListId"]]
        return [{"Entries": [{"Cidr": block} for block in blocks]}]

    def _attached_to_group(self, request: Record) -> list[Record]:
        self._count("attached")
        assert request["GroupName"] == "team"
        return [{"AttachedPolicies": [{"PolicyArn": arn}]} for arn in self._attached]

    def _inline_of_group(self, request: Record) -> list[Record]:
        self._count("inline")
        assert request["GroupName"] == "team"
        return [{"PolicyNames": [name]} for name in self._inline]

    def get_group_policy(self, **request: Any) -> Any:
        self._count("inline policy")
        assert request["GroupName"] == "team"
        return {"PolicyDocument": self._inline[request["PolicyName"]]}

    def describe_security_group_rules(self, **request: Any) -> Any:
        self.calls["rule"] += 1
        (identifier,) = request["SecurityGroupRuleIds"]
        return {"SecurityGroupRules": [{"IsEgress": self._egress[identifier]}]}

    def get_policy(self, **request: Any) -> Any:
        self._count("policy")
        assert request["PolicyArn"] in (CUSTOMER, NAMESAKE)
        return {"Policy": {"DefaultVersionId": "v2"}}

    def get_policy_version(self, **request: Any) -> Any:
        self.calls["version"] += 1
        return {"PolicyVersion": {"Document": self._documents[request["VersionId"]]}}

    def get_trail(self, **request: Any) -> Any:
        return {"Trail": self._trail}


class _Paginator:
    def __init__(self, pages: Callable[[Record], list[Record]]) -> None:
        self._pages = pages

    def paginate(self, **request: Any) -> Any:
        return iter(self._pages(request))


def _with_list(identifier: str = "pl-1") -> Record:
    entry = {**permission(), "prefixListIds": {"items": [{"prefixListId": identifier}]}}
    return ingress(entry)


def _modified(
    cidr: str | None = "0.0.0.0/0", rules: tuple[str, ...] = ("sgr-1",), **changes: Any
) -> Record:
    content = {"FromPort": 22, "ToPort": 22, "IpProtocol": "tcp", **changes}
    if cidr:
        content["CidrIpv4"] = cidr
    asked = [
        {"SecurityGroupRuleId": each, "tag": 1, "SecurityGroupRule": content} for each in rules
    ]
    return record(
        "ec2",
        "ModifySecurityGroupRules",
        {"ModifySecurityGroupRulesRequest": {"GroupId": "sg-0a", "SecurityGroupRule": asked}},
    )


def _attach(name: str = "AttachRolePolicy", **parameters: Any) -> Record:
    return record("iam", name, {"policyArn": CUSTOMER, "roleName": "team", **parameters})


DEFAULT_VERSION = record(
    "iam", "SetDefaultPolicyVersion", {"policyArn": CUSTOMER, "versionId": "v1"}
)
ADDED = record("iam", "AddUserToGroup", {"userName": "eve", "groupName": "team"})
AWS_POLICIES = "arn:aws:iam::aws:policy"
UNSET_KEY = record("cloudtrail", "UpdateTrail", {"name": "t", "kmsKeyId": ""})


def _alerts(case: Record, account: Any) -> list[dict[str, Any]]:
    door = Door(account=account)
    door.handle(logs_event([case]))
    assert not door.letters()
    for alert in door.alerts():
        jsonschema.validate(alert, alert_schema())
    return door.alerts()


def test_prefix_list_that_holds_the_internet() -> None:
    (alert,) = _alerts(_with_list(), _Account(entries={"pl-1": ["0.0.0.0/1", "128.0.0.0/1"]}))
    assert alert["rule"] == "security-group-open-to-internet"
    assert alert["severity"] == "CRITICAL"
    assert alert["basis"] == "record-and-live-state"
    assert [each["cidr"] for each in alert["details"]["exposures"]] == ["0.0.0.0/1", "128.0.0.0/1"]
    assert "not_read" not in alert


def test_prefix_list_of_ones_own_networks() -> None:
    assert _alerts(_with_list(), _Account(entries={"pl-1": ["10.0.0.0/8", "203.0.113.0/24"]})) == []


def test_prefix_list_beside_an_open_range() -> None:
    entry = {
        **permission("0.0.0.0/0", ports=(443, 443)),
        "prefixListIds": {"items": [{"prefixListId": "pl-1"}]},
    }
    (alert,) = _alerts(ingress(entry), _Account(entries={"pl-1": ["10.0.0.0/8"]}))
    assert alert["severity"] == "MEDIUM"
    assert alert["basis"] == "record-and-live-state"
    (alert,) = _alerts(ingress(entry), refusing("UnauthorizedOperation"))
    assert (alert["severity"], alert["basis"]) == ("MEDIUM", "record")
    assert alert["not_read"][0]["error"] == "UnauthorizedOperation"


def test_rule_changed_to_a_prefix_list() -> None:
    account = _Account(entries={"pl-1": ["::/0"]}, egress={"sgr-1": False})
    (alert,) = _alerts(_modified(None, PrefixListId="pl-1"), account)
    assert alert["rule"] == "security-group-rule-changed-to-internet"
    assert alert["details"]["exposures"][0]["cidr"] == "::/0"
    outgoing = _Account(entries={"pl-1": ["::/0"]}, egress={"sgr-1": True})
    assert _alerts(_modified(None, PrefixListId="pl-1"), outgoing) == []


def test_direction_of_a_changed_rule() -> None:
    (alert,) = _alerts(_modified(), _Account(egress={"sgr-1": False}))
    assert alert["basis"] == "record-and-live-state"
    assert alert["details"]["direction_known"] is True
    assert "does not say" not in alert["reason"]
    assert _alerts(_modified(), _Account(egress={"sgr-1": True})) == []


def test_only_incoming_rules_of_several_count() -> None:
    account = _Account(egress={"sgr-1": True, "sgr-2": False})
    (alert,) = _alerts(_modified(rules=("sgr-1", "sgr-2")), account)
    assert alert["details"]["security_group_rule_ids"] == ["sgr-2"]


@pytest.mark.parametrize("code", ["UnauthorizedOperation", "InvalidSecurityGroupRuleId.NotFound"])
def test_direction_that_cannot_be_read(code: str) -> None:
    (alert,) = _alerts(_modified(), refusing(code))
    assert alert["severity"] == "CRITICAL"
    assert alert["basis"] == "record"
    assert alert["details"]["direction_known"] is False
    assert alert["not_read"] == [
        {"call": "ec2:DescribeSecurityGroupRules", "resource": "sgr-1", "error": code}
    ]


@pytest.mark.parametrize(
    ("case", "kind", "name"),
    [
        (_attach(), "AWS::IAM::Role", "team"),
        (_attach("AttachUserPolicy", roleName=None, userName="eve"), "AWS::IAM::User", "eve"),
        (_attach("AttachGroupPolicy", roleName=None, groupName="g"), "AWS::IAM::Group", "g"),
        (DEFAULT_VERSION, "AWS::IAM::ManagedPolicy", CUSTOMER),
    ],
)
def test_customer_policy_is_read(case: Record, kind: str, name: str) -> None:
    broad = _Account(documents={"v1": EVERYTHING, "v2": EVERYTHING})
    (alert,) = _alerts(case, broad)
    assert alert["rule"] == "iam-policy-too-broad"
    assert alert["severity"] == "CRITICAL"
    assert alert["resource"] == {"type": kind, "id": name}
    assert alert["basis"] == "record-and-live-state"
    assert ("iam", None) in broad.regions
    assert _alerts(case, _Account(documents={"v1": NARROW, "v2": NARROW})) == []
    (alert,) = _alerts(case, refusing("AccessDenied"))
    assert (alert["severity"], alert["basis"]) == ("LOW", "record")
    assert alert["not_read"][0]["error"] == "AccessDenied"
    assert _alerts(case, refusing("NoSuchEntity")) == []


def test_the_version_that_was_put_in_force_is_read() -> None:
    assert _alerts(DEFAULT_VERSION, _Account(documents={"v1": NARROW, "v2": EVERYTHING})) == []
    assert _alerts(_attach(), _Account(documents={"v1": EVERYTHING, "v2": NARROW})) == []


def test_managed_policies_of_aws_are_not_asked_about() -> None:
    account = _Account()
    arn = "arn:aws:iam::aws:policy/AdministratorAccess"
    (alert,) = _alerts(_attach(policyArn=arn), account)
    assert (alert["rule"], alert["basis"]) == ("iam-administrator-policy-attached", "record")
    assert not account.calls


@pytest.mark.parametrize(
    ("account", "policy"),
    [
        (_Account(attached=[CUSTOMER], documents={"v2": EVERYTHING}), CUSTOMER),
        (_Account(inline={"narrow": NARROW, "all": EVERYTHING}), "all"),
    ],
    ids=["attached", "inline"],
)
def test_what_the_group_of_a_new_member_grants_is_read(account: _Account, policy: str) -> None:
    (alert,) = _alerts(ADDED, account)
    assert (alert["rule"], alert["severity"]) == ("iam-policy-too-broad", "CRITICAL")
    assert alert["resource"] == {"type": "AWS::IAM::User", "id": "eve"}
    assert alert["basis"] == "record-and-live-state"
    assert alert["details"]["group_name"] == "team"
    assert [each["policy"] for each in alert["details"]["policies"]] == [policy]
    assert "User eve was added to group team" in alert["reason"]
    assert "every action on every resource" in alert["reason"]
    assert "not_read" not in alert
    assert account.regions == {("iam", None)}


@pytest.mark.parametrize(
    ("policy", "severity"),
    [
        ("AdministratorAccess", "CRITICAL"),
        ("IAMFullAccess", "CRITICAL"),
        ("PowerUserAccess", "HIGH"),
    ],
)
def test_administrators_policy_of_a_group(policy: str, severity: str) -> None:
    account = _Account(attached=[CUSTOMER, f"{AWS_POLICIES}/{policy}"], documents={"v2": NARROW})
    (alert,) = _alerts(ADDED, account)
    assert alert["severity"] == severity
    assert alert["details"]["policies"] == [{"policy": f"{AWS_POLICIES}/{policy}"}]
    # Nothing is wider than the whole account, so that nothing more is asked then.
    asked = {"attached"} if severity == "CRITICAL" else {"attached", "policy", "version", "inline"}
    assert set(account.calls) == asked


def test_the_gravest_policy_of_a_group_decides() -> None:
    account = _Account(
        attached=[f"{AWS_POLICIES}/PowerUserAccess", CUSTOMER], documents={"v2": EVERYTHING}
    )
    (alert,) = _alerts(ADDED, account)
    assert alert["severity"] == "CRITICAL"
    assert [each["policy"] for each in alert["details"]["policies"]] == [
        CUSTOMER,
        f"{AWS_POLICIES}/PowerUserAccess",
    ]


def test_policies_of_a_group_that_are_broad_together() -> None:
    passing = policy(statement("iam:PassRole"))
    running = policy(statement("lambda:CreateFunction"))
    (alert,) = _alerts(ADDED, _Account(inline={"a": passing, "b": running}))
    assert alert["severity"] == "HIGH"
    assert "iam:PassRole on every role with lambda:createfunction" in alert["reason"]
    assert alert["details"]["policies"][0]["policy"] == "the group's policies together"
    assert _alerts(ADDED, _Account(inline={"a": passing, "b": NARROW})) == []


def test_one_grant_by_two_policies_of_a_group_is_told_once() -> None:
    escalation = policy(statement("iam:PutUserPolicy"))
    (alert,) = _alerts(ADDED, _Account(inline={"a": escalation, "b": escalation, "c": NARROW}))
    assert alert["severity"] == "HIGH"
    assert [each["policy"] for each in alert["details"]["policies"]] == ["a", "b"]
    assert alert["reason"].count("iam:putuserpolicy on every resource") == 1


@pytest.mark.parametrize(
    "account",
    [
        _Account(),
        _Account(attached=[NAMESAKE], documents={"v2": NARROW}),
        _Account(attached=[CUSTOMER], documents={"v2": NARROW}, inline={"p": NARROW}),
        _Account(attached=[f"{AWS_POLICIES}/ReadOnlyAccess"]),
        refusing("NoSuchEntity"),
    ],
    ids=["empty", "own policy of that name", "narrow", "read-only", "gone"],
)
def test_member_of_a_harmless_group(account: Any) -> None:
    assert _alerts(ADDED, account) == []


def test_group_that_cannot_be_read() -> None:
    (alert,) = _alerts(ADDED, refusing("AccessDenied"))
    assert (alert["rule"], alert["severity"]) == ("iam-policy-too-broad", "LOW")
    assert (alert["basis"], alert["resource"]["id"]) == ("record", "eve")
    assert alert["not_read"] == [
        {"call": "iam:ListAttachedGroupPolicies", "resource": "team", "error": "AccessDenied"},
        {"call": "iam:ListGroupPolicies", "resource": "team", "error": "AccessDenied"},
    ]


@pytest.mark.parametrize(
    ("refused", "call"),
    [
        ("attached", "iam:ListAttachedGroupPolicies"),
        ("inline", "iam:ListGroupPolicies"),
        ("policy", "iam:GetPolicy"),
        ("inline policy", "iam:GetGroupPolicy"),
    ],
)
def test_one_read_of_a_group_that_fails(refused: str, call: str) -> None:
    narrow = _Account(
        attached=[CUSTOMER],
        documents={"v2": NARROW},
        inline={"p": NARROW},
        refused=(refused,),
    )
    (alert,) = _alerts(ADDED, narrow)
    assert (alert["severity"], alert["basis"]) == ("LOW", "record")
    assert [each["call"] for each in alert["not_read"]] == [call]


def test_broad_group_with_a_read_that_fails() -> None:
    account = _Account(inline={"all": EVERYTHING}, refused=("attached",))
    (alert,) = _alerts(ADDED, account)
    assert (alert["severity"], alert["basis"]) == ("CRITICAL", "record-and-live-state")
    assert [each["call"] for each in alert["not_read"]] == ["iam:ListAttachedGroupPolicies"]


def test_members_of_one_group_are_read_once() -> None:
    account = _Account(attached=[CUSTOMER], documents={"v2": NARROW}, inline={"p": NARROW})
    door = Door(account=account)
    for number in range(5):
        door.handle(logs_event([{**ADDED, "eventID": f"{number}"}]))
    once = {"attached": 1, "policy": 1, "version": 1, "inline": 1, "inline policy": 1}
    assert account.calls == once


def test_reading_a_group_ends() -> None:
    account = _Account(inline={f"p{number}": NARROW for number in range(100)})
    (alert,) = _alerts(ADDED, account)
    assert account.calls.total() == 60
    assert alert["severity"] == "LOW"
    assert {each["error"] for each in alert["not_read"]} == {"TooManyReads"}


def test_member_of_another_accounts_group() -> None:
    account = _Account(inline={"all": EVERYTHING})
    assert _alerts({**ADDED, "recipientAccountId": STRANGER}, account) == []
    assert not account.calls


@pytest.mark.parametrize("parameters", [None, {}, {"userName": "eve", "groupName": 7}])
def test_member_of_a_group_without_a_name(parameters: Any) -> None:
    assert _alerts({**ADDED, "requestParameters": parameters}, refusing("AccessDenied")) == []


def test_failed_addition_to_a_group_is_not_asked_about() -> None:
    account = _Account(inline={"all": EVERYTHING})
    assert _alerts({**ADDED, "errorCode": "AccessDenied"}, account) == []
    assert not account.calls


def test_empty_key_of_a_trail_without_a_response() -> None:
    (alert,) = _alerts(UNSET_KEY, _Account(trail={"Name": "t"}))
    assert alert["basis"] == "record-and-live-state"
    assert _alerts(UNSET_KEY, _Account(trail={"Name": "t", "KmsKeyId": "arn:aws:kms:k"})) == []
    (alert,) = _alerts(UNSET_KEY, refusing("AccessDeniedException"))
    assert (alert["rule"], alert["basis"]) == ("trail-weakened", "record")
    assert alert["not_read"][0]["call"] == "cloudtrail:GetTrail"


def test_what_the_record_says_of_a_trail_is_not_asked_again() -> None:
    encrypted = _Account(trail={"KmsKeyId": "arn:aws:kms:k"})
    both = record(
        "cloudtrail",
        "UpdateTrail",
        {"name": "t", "kmsKeyId": "", "enableLogFileValidation": False},
    )
    (alert,) = _alerts(both, encrypted)
    assert alert["details"]["weaknesses"] == ["log file validation is off"]
    answered = {**UNSET_KEY, "responseElements": {"name": "t"}}
    (alert,) = _alerts(answered, encrypted)
    assert alert["basis"] == "record"


def test_records_of_other_accounts_are_not_asked_of_ours() -> None:
    account = _Account(documents={"v2": NARROW})
    assert _alerts({**_attach(), "recipientAccountId": STRANGER}, account) == []
    (alert,) = _alerts({**_modified(), "recipientAccountId": STRANGER}, account)
    assert alert["not_read"][0]["error"] == "OtherAccount"
    assert not account.calls


def test_the_records_own_region_is_asked() -> None:
    account = _Account(egress={"sgr-1": True})
    assert _alerts({**_modified(), "awsRegion": "eu-west-1"}, account) == []
    assert account.regions == {("ec2", "eu-west-1")}
    (alert,) = _alerts({**_modified(), "awsRegion": "evil.example/"}, account)
    assert alert["not_read"][0]["error"] == "UnknownRegion"


@pytest.mark.parametrize(
    "failure",
    [
        EndpointConnectionError(endpoint_url="x"),
        ClientError({"Error": {"Code": "Throttling"}}, "GetPolicy"),
        KeyError("Policy"),
    ],
)
def test_a_read_that_fails_loses_nothing(failure: Exception) -> None:
    class Failing:
        def __getattr__(self, name: str) -> Any:
            raise failure

    (alert,) = _alerts(_modified(), lambda service, region: Failing())
    assert alert["severity"] == "CRITICAL"
    assert alert["not_read"]


def test_the_same_thing_is_read_once() -> None:
    account = _Account(documents={"v2": NARROW})
    door = Door(account=account)
    for number in range(5):
        door.handle(logs_event([{**_attach(), "eventID": f"{number}{each}"} for each in "ab"]))
    assert account.calls == {"policy": 1, "version": 1}


def test_answers_are_kept_for_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    account = _Account(egress={"sgr-1": True})
    present = 1000.0
    monkeypatch.setattr("compliance_checker.live.time.monotonic", lambda: present)
    live = LiveState(ACCOUNT, account)
    for later in (0.0, 59.0, 61.0):
        present = 1000.0 + later
        live.begin()
        live.incoming(Place(ACCOUNT, "eu-west-1"), "sgr-1")
    assert account.calls["rule"] == 2


def test_a_flood_is_answered_without_reading_for_ever() -> None:
    account = _Account(egress={f"sgr-{number}": True for number in range(300)})
    door = Door(account=account)
    cases = [
        {
            **_modified(rules=(f"sgr-{number}",)),
            "eventID": f"{number}",
            "sourceIPAddress": f"198.51.100.{number}",
        }
        for number in range(300)
    ]
    door.handle(logs_event(cases))
    assert account.calls["rule"] == 60
    assert len(door.alerts()) == 240
    assert {alert["not_read"][0]["error"] for alert in door.alerts()} == {"TooManyReads"}
    door.handle(logs_event([{**cases[299], "eventID": "later"}]))
    assert account.calls["rule"] == 61


def test_time_for_reading_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    present = 1000.0
    monkeypatch.setattr("compliance_checker.live.time.monotonic", lambda: present)
    live = LiveState(ACCOUNT, _Account(egress={"sgr-1": True}))
    present = 1016.0
    with pytest.raises(NotReadError, match="TooManyReads"):
        live.incoming(Place(ACCOUNT, "eu-west-1"), "sgr-1")


def test_kept_answers_are_bounded() -> None:
    live = LiveState(ACCOUNT, _Account(egress={f"sgr-{number}": True for number in range(600)}))
    for number in range(600):
        live.begin()
        live.incoming(Place(ACCOUNT, "eu-west-1"), f"sgr-{number}")
    assert len(live._answers) == 256


def test_without_the_account_the_record_alone_decides() -> None:
    assert evaluate(_attach()) == []
    assert evaluate(_with_list()) == []
    (violation,) = evaluate(_modified())
    assert violation.basis == "record"
    (violation,) = evaluate(flat_ingress("0.0.0.0/0"))
    assert violation.basis == "record"


def test_alert_with_failed_reads_stays_small() -> None:
    names = tuple(f"sgr-{'x' * 600}{number}" for number in range(40))
    (alert,) = _alerts(_modified(rules=names), refusing("E" * 500))
    assert len(alert["not_read"]) == 20
    assert len(json.dumps(alert)) < 20_000
