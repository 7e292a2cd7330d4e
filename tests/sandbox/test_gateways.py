"""NAT gateways, endpoints, network ACLs and flow logs, where moto's answers differ from EC2's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from tests.sandbox.support import ACCOUNT, REGION, Account, name


@pytest.fixture
def vpc(account: Account) -> Iterator[str]:
    made: str = account.ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    with ExitStack() as mending:
        mending.callback(account.ec2.delete_vpc, VpcId=made)
        yield made


@pytest.fixture
def subnet(account: Account, vpc: str) -> Iterator[str]:
    made = account.ec2.create_subnet(VpcId=vpc, CidrBlock="10.8.1.0/24")["Subnet"]["SubnetId"]
    yield made
    account.ec2.delete_subnet(SubnetId=made)


def _interfaces(account: Account, vpc: str) -> list[dict[str, Any]]:
    mine = [{"Name": "vpc-id", "Values": [vpc]}]
    return list(account.ec2.describe_network_interfaces(Filters=mine)["NetworkInterfaces"])


def _in_subnet(interface: dict[str, Any]) -> bool:
    [private] = [entry["PrivateIpAddress"] for entry in interface["PrivateIpAddresses"]]
    assert interface["PrivateIpAddress"] == private
    return ip_address(private) in ip_network("10.8.1.0/24")


def test_a_nat_gateway_stands_in_its_subnet_under_no_group_and_leaves_nothing(
    account: Account, vpc: str, subnet: str
) -> None:
    address = account.ec2.allocate_address(Domain="vpc")["AllocationId"]
    made = account.ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]
    [interface] = _interfaces(account, vpc)
    assert interface["InterfaceType"] == "nat_gateway"
    assert (interface["Groups"], interface["SourceDestCheck"]) == ([], False)
    assert interface["RequesterManaged"] is True
    assert _in_subnet(interface)
    assert "PublicIp" in interface["Association"]
    account.ec2.delete_nat_gateway(NatGatewayId=made["NatGatewayId"])
    assert _interfaces(account, vpc) == []
    account.ec2.release_address(AllocationId=address)


def test_an_interface_endpoint_wears_its_groups(account: Account, vpc: str, subnet: str) -> None:
    groups = [
        account.ec2.create_security_group(GroupName=name("g"), Description="-", VpcId=vpc)[
            "GroupId"
        ]
        for _ in range(2)
    ]
    made = account.ec2.create_vpc_endpoint(
        VpcId=vpc,
        ServiceName=f"com.amazonaws.{REGION}.kms",
        VpcEndpointType="Interface",
        SubnetIds=[subnet],
        SecurityGroupIds=groups[:1],
        PrivateDnsEnabled=True,
    )["VpcEndpoint"]["VpcEndpointId"]

    def worn() -> list[str]:
        [interface] = _interfaces(account, vpc)
        assert interface["InterfaceType"] == "vpc_endpoint"
        assert _in_subnet(interface)
        return sorted(group["GroupId"] for group in interface["Groups"])

    def private() -> bool:
        [found] = account.ec2.describe_vpc_endpoints(VpcEndpointIds=[made])["VpcEndpoints"]
        return bool(found["PrivateDnsEnabled"])

    assert (worn(), private()) == (groups[:1], True)
    account.ec2.modify_vpc_endpoint(
        VpcEndpointId=made, AddSecurityGroupIds=groups[1:], PrivateDnsEnabled=False
    )
    assert (worn(), private()) == (sorted(groups), False)
    account.ec2.delete_vpc_endpoints(VpcEndpointIds=[made])
    assert _interfaces(account, vpc) == []
    for group in groups:
        account.ec2.delete_security_group(GroupId=group)


def test_a_gateway_endpoint_puts_its_route_into_its_tables(account: Account, vpc: str) -> None:
    table = account.ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    made = account.ec2.create_vpc_endpoint(
        VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.s3", VpcEndpointType="Gateway"
    )["VpcEndpoint"]["VpcEndpointId"]

    def led() -> bool:
        [found] = account.ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
        return made in [route.get("GatewayId") for route in found["Routes"]]

    assert not led()
    account.ec2.modify_vpc_endpoint(VpcEndpointId=made, AddRouteTableIds=[table])
    assert led()
    account.ec2.modify_vpc_endpoint(VpcEndpointId=made, RemoveRouteTableIds=[table])
    assert not led()
    account.ec2.delete_vpc_endpoints(VpcEndpointIds=[made])
    account.ec2.delete_route_table(RouteTableId=table)


def test_a_network_acl_keeps_types_of_icmp_and_denies_the_rest(account: Account, vpc: str) -> None:
    made = account.ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    account.ec2.create_network_acl_entry(
        NetworkAclId=made,
        RuleNumber=10,
        Egress=False,
        RuleAction="allow",
        Protocol="1",
        CidrBlock="0.0.0.0/0",
        IcmpTypeCode={"Type": 3, "Code": 4},
        PortRange={"From": 0, "To": 0},
    )
    [acl] = account.ec2.describe_network_acls(NetworkAclIds=[made])["NetworkAcls"]
    [icmp] = [entry for entry in acl["Entries"] if entry["RuleNumber"] == 10]
    assert icmp["IcmpTypeCode"] == {"Type": 3, "Code": 4}
    assert "PortRange" not in icmp
    last = [entry for entry in acl["Entries"] if entry["RuleNumber"] == 32767]
    assert sorted((entry["Egress"], entry["RuleAction"]) for entry in last) == [
        (False, "deny"),
        (True, "deny"),
    ]
    account.ec2.delete_network_acl(NetworkAclId=made)


def test_a_flow_log_arrives_where_its_role_may_write(account: Account, vpc: str) -> None:
    group = name("flows")
    account.logs.create_log_group(logGroupName=group)
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}"
    may = {"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": f"{arn}:*"}
    delivered = {}
    for service, statements in (
        ("vpc-flow-logs.amazonaws.com", [may]),
        ("vpc-flow-logs.amazonaws.com", []),
        ("ec2.amazonaws.com", [may]),
    ):
        [made] = account.ec2.create_flow_logs(
            ResourceType="VPC",
            ResourceIds=[vpc],
            TrafficType="ALL",
            LogDestination=arn,
            DeliverLogsPermissionArn=account.role(service, *statements),
            TagSpecifications=[
                {"ResourceType": "vpc-flow-log", "Tags": [{"Key": "Team", "Value": "us"}]}
            ],
        )["FlowLogIds"]
        [found] = account.ec2.describe_flow_logs(FlowLogIds=[made])["FlowLogs"]
        delivered[service, bool(statements)] = found["DeliverLogsStatus"]
        tagged = account.sandbox.client("resourcegroupstaggingapi").get_resources(
            TagFilters=[{"Key": "Team", "Values": ["us"]}]
        )["ResourceTagMappingList"]
        assert f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc-flow-log/{made}" in [
            entry["ResourceARN"] for entry in tagged
        ]
        account.ec2.delete_flow_logs(FlowLogIds=[made])
    account.logs.delete_log_group(logGroupName=group)
    assert delivered == {
        ("vpc-flow-logs.amazonaws.com", True): "SUCCESS",
        ("vpc-flow-logs.amazonaws.com", False): "FAILED",
        ("ec2.amazonaws.com", True): "FAILED",
    }
