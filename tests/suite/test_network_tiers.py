"""What the checks of the network in tiers say to answers that AWS may give."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from verify.account.answer import Answer, pick
from verify.addresses import AddressSet
from verify.check import Check, ControlFailedError
from verify.checks import network_tiers, test_endpoints, test_flow_logs, test_network_tiers
from verify.exposure import interface_weaknesses, network_acl_lacks
from verify.inputs import baseline
from verify.inputs.deployment import example, parse
from verify.model import NotVerifiedError
from verify.policy import resources_beyond

DEPLOYMENT = parse(json.dumps(example()))
ACCOUNT = DEPLOYMENT.account_id
BASELINE = baseline.filled(baseline.load("prod"), DEPLOYMENT.placeholders(), DEPLOYMENT.lists())
NETWORK = BASELINE["network"]


class Told:
    """An account that answers each operation in one way."""

    def __init__(self, **responses: dict[str, Any]) -> None:
        self._responses = responses

    def read(self, read: Any) -> Answer:
        return Answer(self._responses[read.operation], None, "evidence", datetime.now(UTC))

    def pick(self, read: Any, *path: str) -> Any:
        return pick(self.read(read).response or {}, *path)


# --- flow logs ------------------------------------------------------------------------------------

_RECORD = (
    "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} "
    "${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}"
)
_LOG = {
    "FlowLogId": DEPLOYMENT.flow_log_id,
    "FlowLogStatus": "ACTIVE",
    "ResourceId": DEPLOYMENT.vpc_id,
    "TrafficType": "ALL",
    "LogFormat": _RECORD,
    "LogDestinationType": "cloud-watch-logs",
    "LogDestination": DEPLOYMENT.flow_log_group_arn,
    "DeliverLogsPermissionArn": DEPLOYMENT.flow_log_role_arn,
    "DeliverLogsStatus": "SUCCESS",
}


def _flow_logs(*logs: dict[str, Any]) -> None:
    check = Check()
    test_flow_logs.test_flow_logs_record_all_traffic(
        check,
        Told(describe_flow_logs={"FlowLogs": list(logs)}),
        DEPLOYMENT,
        BASELINE,
        {"VpcId": DEPLOYMENT.vpc_id},
    )
    check.conclude()


def test_a_flow_log_of_all_traffic_that_arrives_is_right() -> None:
    _flow_logs(_LOG)
    _flow_logs({**_LOG, "LogDestination": f"{DEPLOYMENT.flow_log_group_arn}:*"})


@pytest.mark.parametrize(
    "change",
    [
        {"FlowLogStatus": "INACTIVE"},
        {"TrafficType": "REJECT"},
        {"LogFormat": _RECORD.replace(" ${action}", "")},
        {"LogDestinationType": "s3"},
        {"LogDestination": f"{DEPLOYMENT.flow_log_group_arn}-2"},
        {"DeliverLogsPermissionArn": f"{DEPLOYMENT.flow_log_role_arn}-2"},
        {"DeliverCrossAccountRole": "arn:aws:iam::999999999999:role/theirs"},
        {"DeliverLogsStatus": "FAILED", "DeliverLogsErrorMessage": "Access error"},
        {"ResourceId": "vpc-0ffffffffffffffff"},
        {"FlowLogId": "fl-another"},
    ],
    ids=str,
)
def test_a_flow_log_that_is_wrong_fails(change: dict[str, Any]) -> None:
    with pytest.raises(ControlFailedError):
        _flow_logs({**_LOG, **change})


def test_no_flow_log_and_one_too_many_fail() -> None:
    for logs in ([], [_LOG, {**_LOG, "FlowLogId": "fl-another"}]):
        with pytest.raises(ControlFailedError, match="flow logs"):
            _flow_logs(*logs)


def test_a_flow_log_that_has_delivered_nothing_yet_is_not_passed() -> None:
    unsaid = {key: value for key, value in _LOG.items() if key != "DeliverLogsStatus"}
    with pytest.raises(NotVerifiedError, match="none was sent yet"):
        _flow_logs(unsaid)


# --- routes ---------------------------------------------------------------------------------------

_SUBNETS = [
    {"SubnetId": f"subnet-{number}", "CidrBlock": block, "AvailabilityZone": f"x-1{zone}"}
    for number, (block, zone) in enumerate(
        [
            ("10.0.1.0/24", "a"),
            ("10.0.2.0/24", "b"),
            ("10.0.10.0/24", "a"),
            ("10.0.11.0/24", "b"),
        ]
    )
]
_GATEWAYS = [
    {"NatGatewayId": DEPLOYMENT.nat_gateway_ids[0], "SubnetId": "subnet-0", "State": "available"},
    {"NatGatewayId": DEPLOYMENT.nat_gateway_ids[1], "SubnetId": "subnet-1", "State": "available"},
]


def _table(name: str, *subnets: str, **route: str) -> dict[str, Any]:
    local = {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"}
    out = {"DestinationCidrBlock": "0.0.0.0/0", "State": "active", **route}
    return {
        "RouteTableId": name,
        "Associations": [{"SubnetId": subnet} for subnet in subnets],
        "Routes": [local, *([out] if route else [])],
    }


_OUT = {"GatewayId": str(DEPLOYMENT.internet_gateway_id)}
_TABLES = (
    _table("rtb-main"),
    _table("rtb-public", "subnet-0", "subnet-1", **_OUT),
    _table("rtb-a", "subnet-2", NatGatewayId=DEPLOYMENT.nat_gateway_ids[0]),
    _table("rtb-b", "subnet-3", NatGatewayId=DEPLOYMENT.nat_gateway_ids[1]),
)


def _routes(*tables: dict[str, Any], gateways: list[dict[str, Any]] | None = None) -> None:
    attached = {"VpcId": DEPLOYMENT.vpc_id, "State": "available"}
    gateway = {"InternetGatewayId": DEPLOYMENT.internet_gateway_id, "Attachments": [attached]}
    check = Check()
    test_network_tiers.test_each_tier_goes_out_by_its_own_gateway(
        check,
        Told(
            describe_internet_gateways={"InternetGateways": [gateway]},
            describe_nat_gateways={"NatGateways": _GATEWAYS if gateways is None else gateways},
        ),
        DEPLOYMENT,
        BASELINE,
        _SUBNETS,
        list(tables),
    )
    check.conclude()


def test_each_tier_by_its_own_gateway_is_right() -> None:
    _routes(*_TABLES)


@pytest.mark.parametrize(
    "changed",
    [
        _table("rtb-a", "subnet-2", **_OUT),
        _table("rtb-a", "subnet-2", NatGatewayId=DEPLOYMENT.nat_gateway_ids[1]),
        _table("rtb-a", "subnet-2"),
        _table("rtb-a", "subnet-2", NatGatewayId=DEPLOYMENT.nat_gateway_ids[0], State="blackhole"),
        _table(
            "rtb-a",
            "subnet-2",
            DestinationCidrBlock="0.0.0.0/1",
            NatGatewayId=DEPLOYMENT.nat_gateway_ids[0],
        ),
        _table("rtb-a", "subnet-2", TransitGatewayId="tgw-1"),
        _table("rtb-a", "subnet-2", "subnet-0", NatGatewayId=DEPLOYMENT.nat_gateway_ids[0]),
    ],
    ids=str,
)
def test_another_way_out_fails(changed: dict[str, Any]) -> None:
    with pytest.raises(ControlFailedError, match="rtb-a: ways out"):
        _routes(*_TABLES[:2], changed, _TABLES[3])


def test_a_way_out_of_the_main_table_fails() -> None:
    with pytest.raises(ControlFailedError, match="rtb-main"):
        _routes(_table("rtb-main", **_OUT), *_TABLES[1:])


def test_a_nat_gateway_that_is_gone_is_no_way_out() -> None:
    gone = [_GATEWAYS[0], {**_GATEWAYS[1], "State": "deleted"}]
    with pytest.raises(ControlFailedError, match="rtb-b"):
        _routes(*_TABLES, gateways=gone)


# --- network ACLs ---------------------------------------------------------------------------------


def _entry(number: int, action: str, ports: tuple[int, int] | None, block: str) -> dict[str, Any]:
    return {
        "RuleNumber": number,
        "RuleAction": action,
        "Egress": False,
        "Protocol": "-1" if ports is None else "6",
        "CidrBlock": block,
        **({} if ports is None else {"PortRange": {"From": ports[0], "To": ports[1]}}),
    }


_LAST = _entry(32767, "deny", None, "0.0.0.0/0")


@pytest.mark.parametrize(
    ("entries", "lacking"),
    [
        ([_entry(100, "allow", None, "0.0.0.0/0")], []),
        ([_entry(100, "allow", (1024, 65535), "0.0.0.0/0")], []),
        # Two that together are enough.
        (
            [
                _entry(100, "allow", (1024, 49151), "0.0.0.0/0"),
                _entry(110, "allow", (49152, 65535), "0.0.0.0/0"),
            ],
            [],
        ),
        ([], ["ingress tcp 32768-65535 from 0.0.0.0/0"]),
        (
            [
                _entry(90, "deny", (40000, 40000), "0.0.0.0/0"),
                _entry(100, "allow", None, "0.0.0.0/0"),
            ],
            ["ingress tcp 40000 from 0.0.0.0/0"],
        ),
        # A later denial takes nothing back.
        (
            [
                _entry(100, "allow", None, "0.0.0.0/0"),
                _entry(110, "deny", (40000, 40000), "0.0.0.0/0"),
            ],
            [],
        ),
        (
            [_entry(100, "allow", (32768, 65535), "0.0.0.0/1")],
            ["ingress tcp 32768-65535 from 128.0.0.0/1"],
        ),
    ],
)
def test_what_an_acl_does_not_let_back(entries: list[dict[str, Any]], lacking: list[str]) -> None:
    everybody = AddressSet.parse("0.0.0.0/0")
    found = network_acl_lacks(
        [*entries, _LAST], "ingress", "tcp", (32768, 65535), addresses=everybody
    )
    assert [part.describe() for part in found] == lacking


def test_an_acl_that_guards_both_tiers_is_held_to_both() -> None:
    both = {"Associations": [{"SubnetId": "subnet-0"}, {"SubnetId": "subnet-2"}]}
    assert len(network_tiers.tiers_of(both, _SUBNETS, NETWORK)) == 2
    assert network_tiers.tiers_of({"Associations": []}, _SUBNETS, NETWORK) == []
    # A subnet that the baseline does not know is held to what private ones are.
    assert network_tiers.tier_of({"CidrBlock": "10.0.99.0/24"}, NETWORK) == "private"


def test_an_acl_that_is_not_shown_is_not_passed() -> None:
    check = Check()
    test_network_tiers.test_network_acls_keep_common_attacks_out(
        check,
        Told(describe_network_acls={"NetworkAcls": []}),
        DEPLOYMENT,
        BASELINE,
        _SUBNETS,
    )
    with pytest.raises(NotVerifiedError, match="the ACL of subnet-0, subnet-1"):
        check.conclude()


# --- endpoints ------------------------------------------------------------------------------------


def _policy(**statement: Any) -> dict[str, Any]:
    allowed = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [{**allowed, **statement}]}


def _held(operator: str, value: Any, key: str = "aws:ResourceAccount") -> dict[str, Any]:
    return {"Condition": {operator: {key: value}}}


@pytest.mark.parametrize(
    ("statement", "within"),
    [
        (_held("StringEquals", ACCOUNT), True),
        (_held("StringEquals", [ACCOUNT]), True),
        (_held("StringLike", ACCOUNT), True),
        (_held("StringEquals", ACCOUNT, "AWS:RESOURCEACCOUNT"), True),
        ({"Resource": f"arn:aws:sqs:eu-west-1:{ACCOUNT}:queue"}, True),
        ({"Effect": "Deny"}, True),
        ({}, False),
        (_held("StringEquals", [ACCOUNT, "999999999999"]), False),
        (_held("StringEqualsIfExists", ACCOUNT), False),
        (_held("ForAllValues:StringEquals", ACCOUNT), False),
        (_held("StringNotEquals", ACCOUNT), False),
        (_held("StringLike", "1*"), False),
        (_held("StringEquals", ACCOUNT, "aws:PrincipalAccount"), False),
        ({"Resource": [f"arn:aws:sqs:eu-west-1:{ACCOUNT}:queue", "arn:aws:s3:::theirs"]}, False),
        ({"Resource": "arn:aws:s3:::ours"}, False),
    ],
    ids=str,
)
def test_whose_resources_an_endpoint_reaches(statement: dict[str, Any], within: bool) -> None:
    assert (resources_beyond(_policy(**statement), ACCOUNT) == ()) is within


def test_a_prefix_list_of_ones_own_is_no_service() -> None:
    [identifier] = DEPLOYMENT.gateway_endpoint_prefix_list_ids
    found = {
        "PrefixListId": identifier,
        "OwnerId": ACCOUNT,
        "PrefixListName": "com.amazonaws.ap-southeast-1.s3",
    }
    for owner, right in (("AWS", True), (ACCOUNT, False)):
        check = Check()
        told = Told(describe_managed_prefix_lists={"PrefixLists": [{**found, "OwnerId": owner}]})
        test_endpoints._hold_prefix_list(
            check,
            told,  # type: ignore[arg-type]
            DEPLOYMENT,
            NETWORK["endpoints"]["gateway"],
            identifier,
        )
        assert all(observation.met for observation in check.observations) is right


# --- interfaces -----------------------------------------------------------------------------------


def _interface(kind: str, **more: Any) -> dict[str, Any]:
    return {
        "NetworkInterfaceId": "eni-1",
        "InterfaceType": kind,
        "RequesterManaged": True,
        "OwnerId": ACCOUNT,
        "SourceDestCheck": kind != "nat_gateway",
        "PrivateIpAddresses": [],
        "Ipv6Addresses": [],
        **more,
    }


@pytest.mark.parametrize(
    ("interface", "public", "right"),
    [
        (_interface("nat_gateway", Association={"PublicIp": "203.0.113.7"}), True, True),
        (_interface("nat_gateway", Association={"PublicIp": "203.0.113.7"}), False, False),
        (_interface("vpc_endpoint"), False, True),
        (_interface("vpc_endpoint"), True, False),
        (_interface("lambda", Association={"PublicIp": "203.0.113.7"}), False, False),
        # A NAT instance is no NAT gateway, and a telephone network is not the internet.
        (_interface("interface", SourceDestCheck=False), True, False),
        (_interface("interface", Association={"CarrierIp": "203.0.113.7"}), True, False),
    ],
    ids=str,
)
def test_what_may_stand_in_a_subnet(interface: dict[str, Any], public: bool, right: bool) -> None:
    kinds = NETWORK["public_interface_kinds" if public else "interface_kinds"]
    assert (not list(interface_weaknesses(interface, ACCOUNT, kinds, public=public))) is right
