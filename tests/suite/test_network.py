"""What of the network a baseline may list, and what connects a VPC and what does not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.support import RunningSandbox
from tests.suite.support import REGION, verify
from verify.account.answer import Answer, pick
from verify.checks.connections import TO_OTHER_NETWORKS, TO_THE_INTERNET
from verify.checks.ranges import ranges_of
from verify.inputs.deployment import example, parse
from verify.model import NotVerifiedError

DEPLOYMENT = parse(json.dumps(example()))
VPC, SUBNET = DEPLOYMENT.vpc_id, DEPLOYMENT.private_subnet_ids[0]
OTHER = "vpc-0ffffffffffffffff"
EXEMPT = f"arn:aws:ec2:{REGION}:{DEPLOYMENT.account_id}:"


def _peering(accepter: str, requester: str, state: str) -> dict[str, Any]:
    return {
        "AccepterVpcInfo": {"VpcId": accepter},
        "RequesterVpcInfo": {"VpcId": requester},
        "Status": {"Code": state},
    }


def _attached(listing: str, *attachments: tuple[str, str]) -> dict[str, Any]:
    return {listing: [{"VpcId": vpc, "State": state} for vpc, state in attachments]}


@pytest.mark.parametrize(
    ("noun", "item", "there"),
    [
        ("internet gateways", _attached("Attachments", (VPC, "available")), True),
        ("internet gateways", _attached("Attachments", (VPC, "detaching")), True),
        ("internet gateways", _attached("Attachments", (VPC, "detached")), False),
        # It was listed for being attached: that it does not say where is no absence.
        ("internet gateways", _attached("Attachments"), True),
        ("egress-only internet gateways", _attached("Attachments", (VPC, "attaching")), True),
        ("egress-only internet gateways", _attached("Attachments", (VPC, "detached")), False),
        ("egress-only internet gateways", _attached("Attachments", (OTHER, "attached")), False),
        ("NAT gateways", {"State": "pending"}, True),
        ("NAT gateways", {"State": "deleting"}, True),
        ("NAT gateways", {"State": "deleted"}, False),
        ("carrier gateways", {"State": "available"}, True),
        ("carrier gateways", {"State": "deleted"}, False),
        ("virtual private gateways", _attached("VpcAttachments", (VPC, "attached")), True),
        (
            "virtual private gateways",
            _attached("VpcAttachments", (OTHER, "attached"), (VPC, "detached")),
            False,
        ),
        ("transit gateway attachments", {"State": "pendingAcceptance"}, True),
        ("transit gateway attachments", {"State": "rejected"}, False),
        ("peering connections", _peering(VPC, OTHER, "active"), True),
        ("peering connections", _peering(OTHER, VPC, "active"), True),
        ("peering connections", _peering(VPC, OTHER, "deleted"), False),
        ("peering connections", _peering(OTHER, OTHER, "active"), False),
        # What a stranger asks for connects nothing; what we ask for is on its way.
        ("peering connections", _peering(VPC, OTHER, "pending-acceptance"), False),
        ("peering connections", _peering(OTHER, VPC, "pending-acceptance"), True),
        ("local gateways", {"State": "associated"}, True),
        ("local gateways", {"State": "disassociated"}, False),
        ("VPC endpoints", {"State": "pendingAcceptance"}, True),
        ("VPC endpoints", {"State": "Available"}, True),
        ("VPC endpoints", {"State": "Expired"}, False),
    ],
    ids=str,
)
def test_what_connects_the_vpc(noun: str, item: dict[str, Any], there: bool) -> None:
    [kind] = [one for one in (*TO_THE_INTERNET, *TO_OTHER_NETWORKS) if one.noun == noun]
    assert kind.gone(item, DEPLOYMENT) is not there


@pytest.mark.parametrize(
    ("resource", "state", "there"),
    [
        (f"vpc/{VPC}", "create-complete", True),
        (f"vpc/{VPC}", "delete-in-progress", True),
        (f"vpc/{VPC}", "delete-complete", False),
        (f"vpc/{VPC}", "disable-complete", False),
        (f"subnet/{SUBNET}", "update-complete", True),
        (f"vpc/{OTHER}", "create-complete", False),
    ],
)
def test_what_is_exempt_from_the_block(resource: str, state: str, there: bool) -> None:
    [kind] = [one for one in TO_THE_INTERNET if one.identifier == "ExclusionId"]
    item = {"ResourceArn": f"{EXEMPT}{resource}", "State": state}
    assert kind.gone(item, DEPLOYMENT) is not there


def test_a_range_in_a_strange_state_is_not_judged() -> None:
    def vpc(state: str) -> dict[str, Any]:
        association = {"CidrBlock": "10.0.0.0/16", "CidrBlockState": {"State": state}}
        return {"CidrBlockAssociationSet": [association]}

    assert ranges_of(vpc("disassociating")) == ["10.0.0.0/16"]
    assert ranges_of(vpc("disassociated")) == []
    with pytest.raises(NotVerifiedError, match="'unheard-of'"):
        ranges_of(vpc("unheard-of"))


class Said:
    """An account with one answer to everything."""

    def __init__(self, response: dict[str, Any] | None) -> None:
        self.response = response

    def read(self, _: Any) -> Answer:
        code = "InvalidAction" if self.response is None else None
        return Answer(self.response, code, "evidence", datetime.now(UTC))

    def pick(self, read: Any, *path: str) -> Any:
        return pick(self.read(read).response or {}, *path)


def test_a_region_that_knows_no_carrier_gateways_has_none() -> None:
    [kind] = [one for one in TO_THE_INTERNET if one.noun == "carrier gateways"]
    assert kind.reading.absent == ("InvalidAction",)
    assert list(kind.present(Said(None), DEPLOYMENT)) == []  # type: ignore[arg-type]


def test_exemptions_that_go_on_are_not_taken_for_all() -> None:
    [kind] = [one for one in TO_THE_INTERNET if one.identifier == "ExclusionId"]
    said = {"VpcBlockPublicAccessExclusions": [], "NextToken": "more"}
    with pytest.raises(NotVerifiedError, match="goes on, and was not followed"):
        list(kind.present(Said(said), DEPLOYMENT))  # type: ignore[arg-type]


# --- what a baseline may list ---------------------------------------------------------------------

CHECKS = ("verify/checks/test_network_ways.py", "verify/checks/test_network_rules.py")


@pytest.fixture(scope="module")
def mending() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="module")
def connected(
    sandbox: RunningSandbox, outputs: dict[str, Any], mending: ExitStack
) -> dict[str, str]:
    """A peering with a route to it, an endpoint of each policy, and a group for one network."""
    ec2, vpc = sandbox.client("ec2", REGION), outputs["vpc_id"]
    other = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    mending.callback(ec2.delete_vpc, VpcId=other)
    peering = ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=other)
    peering = peering["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
    mending.callback(ec2.delete_vpc_peering_connection, VpcPeeringConnectionId=peering)
    route = {
        "RouteTableId": outputs["private_route_table_ids"][0],
        "DestinationCidrBlock": "10.7.0.0/16",
    }
    ec2.create_route(**route, VpcPeeringConnectionId=peering)
    mending.callback(ec2.delete_route, **route)
    found = {"peering": peering}
    for name, principal in (("open", "*"), ("own", outputs["account_id"])):
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": principal} if name == "own" else principal,
            "Action": "*",
            "Resource": "*",
        }
        made = ec2.create_vpc_endpoint(
            VpcId=vpc,
            ServiceName=f"com.amazonaws.{REGION}.logs",
            VpcEndpointType="Interface",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )["VpcEndpoint"]["VpcEndpointId"]
        mending.callback(ec2.delete_vpc_endpoints, VpcEndpointIds=[made])
        found[name] = made
    group = ec2.create_security_group(GroupName="office", Description="of a test", VpcId=vpc)
    mending.callback(ec2.delete_security_group, GroupId=group["GroupId"])
    ec2.authorize_security_group_ingress(
        GroupId=group["GroupId"],
        IpPermissions=[{"IpProtocol": "50", "IpRanges": [{"CidrIp": "203.0.113.0/24"}]}],
    )
    return found


def _network(folder: Path, **values: Any) -> str:
    file = folder / "listed.yaml"
    file.write_text(json.dumps({"extends": "dev", "network": values}))
    return f"--profile={file}"


def test_what_is_not_listed_fails(
    sandbox: RunningSandbox, deployed: Path, connected: dict[str, str], tmp_path: Path
) -> None:
    run = verify(deployed, tmp_path, *CHECKS, url=sandbox.url)
    assert run.controls("FAIL") == {
        "no-internet-route",
        "no-private-connection",
        "no-internet-ingress",
    }, run.text
    connections = run.row("no-private-connection")["message"]
    assert all(name in connections for name in connected.values())
    assert "sends 10.7.0.0/16 to VPC peering connection" in run.row("no-internet-route")["message"]
    assert (
        "ingress 50 over IPv4 is open to public addresses: 203.0.113.0/24"
        in run.row("no-internet-ingress")["message"]
    )


def test_what_is_listed_passes_but_for_an_endpoint_that_is_open_to_all(
    sandbox: RunningSandbox, deployed: Path, connected: dict[str, str], tmp_path: Path
) -> None:
    listed = _network(
        tmp_path,
        connections=sorted(connected.values()),
        admitted_public_ranges=["203.0.113.0/25", "203.0.113.128/25"],
    )
    run = verify(deployed, tmp_path, listed, *CHECKS, url=sandbox.url)
    assert run.controls("FAIL", "ERROR") == {"no-private-connection"}, run.text
    message = run.row("no-private-connection")["message"]
    assert connected["open"] in message
    assert connected["own"] not in message


@pytest.mark.parametrize("key", ["vpc_ipv6_cidr_blocks", "admitted_public_ranges"])
def test_a_range_that_is_none_is_refused(
    deployed: Path, sandbox: RunningSandbox, tmp_path: Path, key: str
) -> None:
    run = verify(deployed, tmp_path, _network(tmp_path, **{key: ["office"]}), url=sandbox.url)
    assert run.code == 4
    assert key in run.text
    assert "office" in run.text
