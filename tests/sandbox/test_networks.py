"""Answers about networks in which moto differs from EC2, and that a verifier looks at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.support import ACCOUNT, REGION, Account, name


@pytest.fixture
def vpc(account: Account) -> Iterator[str]:
    made: str = account.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    with ExitStack() as mending:
        mending.callback(account.ec2.delete_vpc, VpcId=made)
        yield made


@pytest.fixture
def group(account: Account, vpc: str) -> Iterator[str]:
    made: str = account.ec2.create_security_group(
        GroupName=name("group"), Description="of a test", VpcId=vpc
    )["GroupId"]
    yield made
    account.ec2.delete_security_group(GroupId=made)


def _ingress(account: Account, group: str) -> list[dict[str, Any]]:
    [found] = account.ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    return [
        {key: rule[key] for key in ("IpProtocol", "FromPort", "ToPort") if key in rule}
        for rule in found["IpPermissions"]
    ]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"IpProtocol": "50"}, {"IpProtocol": "50"}),
        ({"IpProtocol": "50", "FromPort": 0, "ToPort": 0}, {"IpProtocol": "50"}),
        ({"IpProtocol": "0", "FromPort": 22, "ToPort": 22}, {"IpProtocol": "0"}),
        (
            {"IpProtocol": "1", "FromPort": 8, "ToPort": -1},
            {"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1},
        ),
        (
            {"IpProtocol": "icmpv6"},
            {"IpProtocol": "icmpv6", "FromPort": -1, "ToPort": -1},
        ),
        (
            {"IpProtocol": "58", "FromPort": 128, "ToPort": 0},
            {"IpProtocol": "icmpv6", "FromPort": 128, "ToPort": 0},
        ),
        (
            {"IpProtocol": "6", "FromPort": 22, "ToPort": 22},
            {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22},
        ),
    ],
    ids=lambda value: " ".join(map(str, value.values())),
)
def test_a_rule_of_any_protocol(
    account: Account, group: str, given: dict[str, Any], kept: dict[str, Any]
) -> None:
    rule = {"GroupId": group, "IpPermissions": [{**given, "IpRanges": [{"CidrIp": "8.0.0.0/8"}]}]}
    account.ec2.authorize_security_group_ingress(**rule)
    assert _ingress(account, group) == [kept]
    with pytest.raises(ClientError, match="InvalidPermission"):
        account.ec2.authorize_security_group_ingress(**rule)
    account.ec2.revoke_security_group_ingress(**rule)
    assert _ingress(account, group) == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"IpProtocol": "tcp"}, "Must specify both from and to ports with TCP/UDP"),
        ({"IpProtocol": "17", "FromPort": 53}, "Must specify both from and to ports with TCP/UDP"),
        ({"IpProtocol": "icmp"}, "Must specify both from and to ports with ICMP"),
        ({"IpProtocol": "256"}, "Invalid value '256' for IP protocol"),
        ({"IpProtocol": "esp"}, "Invalid value 'esp' for IP protocol"),
    ],
    ids=lambda value: " ".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_a_rule_that_ec2_refuses(
    account: Account, group: str, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError, match=message):
        account.ec2.authorize_security_group_ingress(
            GroupId=group, IpPermissions=[{**given, "IpRanges": [{"CidrIp": "8.0.0.0/8"}]}]
        )
    assert _ingress(account, group) == []


def test_a_group_may_serve_another_vpc(account: Account, group: str) -> None:
    other = account.ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    mine = [{"Name": "vpc-id", "Values": [other]}]

    def associations() -> Any:
        found = account.ec2.describe_security_group_vpc_associations(Filters=mine)
        return found["SecurityGroupVpcAssociations"]

    assert associations() == []
    account.ec2.associate_security_group_vpc(GroupId=group, VpcId=other)
    assert associations() == [
        {
            "GroupId": group,
            "VpcId": other,
            "VpcOwnerId": ACCOUNT,
            "State": "associated",
            "GroupOwnerId": ACCOUNT,
        }
    ]
    account.ec2.disassociate_security_group_vpc(GroupId=group, VpcId=other)
    assert associations() == []
    with pytest.raises(ClientError, match="is not associated"):
        account.ec2.disassociate_security_group_vpc(GroupId=group, VpcId=other)
    account.ec2.delete_vpc(VpcId=other)


def _dhcp_options_of(account: Account, vpc: str) -> str:
    [found] = account.ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]
    return str(found["DhcpOptionsId"])


def test_a_vpc_has_the_dhcp_options_of_its_region(account: Account, vpc: str) -> None:
    own = _dhcp_options_of(account, vpc)
    [options] = account.ec2.describe_dhcp_options(DhcpOptionsIds=[own])["DhcpOptions"]
    assert options["DhcpConfigurations"] == [
        {"Key": "domain-name-servers", "Values": [{"Value": "AmazonProvidedDNS"}]},
        {"Key": "domain-name", "Values": [{"Value": f"{REGION}.compute.internal"}]},
    ]
    made = account.ec2.create_dhcp_options(
        DhcpConfigurations=[{"Key": "domain-name-servers", "Values": ["198.51.100.53"]}]
    )["DhcpOptions"]["DhcpOptionsId"]
    for chosen in (made, "default", own):
        account.ec2.associate_dhcp_options(DhcpOptionsId=chosen, VpcId=vpc)
        assert _dhcp_options_of(account, vpc) == chosen
    # The region's own outlive the VPC.
    account.ec2.delete_dhcp_options(DhcpOptionsId=made)
    other = account.ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    assert _dhcp_options_of(account, other) == own
    account.ec2.delete_vpc(VpcId=other)
    assert account.ec2.describe_dhcp_options(DhcpOptionsIds=[own])["DhcpOptions"] == [options]


def test_a_subnet_says_what_it_gives(account: Account, vpc: str) -> None:
    made = account.ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    given = ("EnableDns64", "MapCustomerOwnedIpOnLaunch", "EnableLniAtDeviceIndex")

    def shown() -> list[Any]:
        [subnet] = account.ec2.describe_subnets(SubnetIds=[made])["Subnets"]
        return [subnet.get(attribute) for attribute in given]

    assert shown() == [False, False, None]
    account.ec2.modify_subnet_attribute(SubnetId=made, EnableDns64={"Value": True})
    account.ec2.modify_subnet_attribute(SubnetId=made, EnableLniAtDeviceIndex=1)
    assert shown() == [True, False, 1]
    account.ec2.associate_subnet_cidr_block(SubnetId=made, Ipv6CidrBlock="2600:1f18:1:1::/64")
    [subnet] = account.ec2.describe_subnets(SubnetIds=[made])["Subnets"]
    [association] = subnet["Ipv6CidrBlockAssociationSet"]
    assert association["Ipv6CidrBlock"] == "2600:1f18:1:1::/64"
    assert association["Ipv6CidrBlockState"] == {"State": "associated"}
    account.ec2.delete_subnet(SubnetId=made)


def test_exemptions_from_the_block_on_public_access(account: Account, vpc: str) -> None:
    def states() -> dict[str, str]:
        found = account.ec2.describe_vpc_block_public_access_exclusions()
        return {
            entry["ResourceArn"]: entry["State"]
            for entry in found["VpcBlockPublicAccessExclusions"]
        }

    arn = f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc/{vpc}"
    assert arn not in states()
    made = account.ec2.create_vpc_block_public_access_exclusion(
        VpcId=vpc, InternetGatewayExclusionMode="allow-egress"
    )["VpcBlockPublicAccessExclusion"]
    assert states()[arn] == "create-complete"
    account.ec2.delete_vpc_block_public_access_exclusion(ExclusionId=made["ExclusionId"])
    assert states()[arn] == "delete-complete"
    for wrong, message in (
        ({"VpcId": "vpc-0123456789abcdef0"}, "InvalidVpcID.NotFound"),
        ({"SubnetId": "subnet-0123456789abcdef0"}, "InvalidSubnetID.NotFound"),
        ({}, "InvalidParameterCombination"),
    ):
        with pytest.raises(ClientError, match=message):
            account.ec2.create_vpc_block_public_access_exclusion(
                InternetGatewayExclusionMode="allow-egress", **wrong
            )


def test_no_local_gateway_serves_a_vpc(account: Account, vpc: str) -> None:
    found = account.ec2.describe_local_gateway_route_table_vpc_associations(
        Filters=[{"Name": "vpc-id", "Values": [vpc]}]
    )
    assert found["LocalGatewayRouteTableVpcAssociations"] == []


def test_a_route_table_says_who_propagates_into_it(account: Account, vpc: str) -> None:
    mine = [{"Name": "vpc-id", "Values": [vpc]}]

    def propagating() -> Any:
        [table] = account.ec2.describe_route_tables(Filters=mine)["RouteTables"]
        return table["RouteTableId"], table["PropagatingVgws"]

    table, before = propagating()
    gateway = account.ec2.create_vpn_gateway(Type="ipsec.1")["VpnGateway"]["VpnGatewayId"]
    pair = {"RouteTableId": table, "GatewayId": gateway}
    account.ec2.enable_vgw_route_propagation(**pair)
    assert (before, propagating()[1]) == ([], [{"GatewayId": gateway}])
    account.ec2.disable_vgw_route_propagation(**pair)
    assert propagating()[1] == []
    account.ec2.delete_vpn_gateway(VpnGatewayId=gateway)


def test_a_vpc_with_something_in_it_is_not_deleted(account: Account) -> None:
    """As EC2: only what the VPC came with goes with it."""
    ec2 = account.ec2
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]

    def refused() -> None:
        with pytest.raises(ClientError) as raised:
            ec2.delete_vpc(VpcId=vpc)
        assert raised.value.response["Error"]["Code"] == "DependencyViolation"

    group = ec2.create_security_group(GroupName=name("left"), Description="left", VpcId=vpc)
    refused()
    ec2.delete_security_group(GroupId=group["GroupId"])
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    refused()
    ec2.delete_network_acl(NetworkAclId=acl)
    endpoint = ec2.create_vpc_endpoint(
        VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.s3", VpcEndpointType="Gateway"
    )
    refused()
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint["VpcEndpoint"]["VpcEndpointId"]])
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    refused()
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.delete_vpc(VpcId=vpc)
    with pytest.raises(ClientError) as raised:
        ec2.describe_vpcs(VpcIds=[vpc])
    assert raised.value.response["Error"]["Code"] == "InvalidVpcID.NotFound"
