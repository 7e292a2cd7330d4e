"""What connects a VPC to elsewhere: each kind of it, how it is listed, and when it is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.account.read import Reading
from verify.inputs.deployment import Deployment
from verify.model import NotVerifiedError

_Item = Mapping[str, Any]


@dataclass(frozen=True)
class Connection:
    """One kind of connection.

    `gone` says of an element of `listing` that it connects the VPC of the deployment no more, or
    never did. What is on its way, in or out, is there.
    """

    noun: str
    reading: Reading[Any]
    listing: str
    identifier: str
    gone: Callable[[_Item, Deployment], bool]
    of_account: bool = False  # the call knows no filter for the VPC
    paged: bool = True  # boto3 follows the answer's token

    def present(self, aws: Aws, deployment: Deployment) -> Iterator[tuple[str, _Item]]:
        """Each connection with its id. Raises NotVerifiedError where AWS did not list them all."""
        read = self.reading() if self.of_account else self.reading(deployment)
        if not aws.read(read).found:
            return
        if not self.paged and aws.pick(read).get("NextToken"):
            raise NotVerifiedError(f"the answer of {read.operation} goes on, and was not followed")
        for item in aws.pick(read, self.listing):
            if not self.gone(item, deployment):
                yield str(pick(item, self.identifier)), item


def _in_state(*states: str, path: tuple[str, ...] = ("State",)) -> Callable[[_Item, Any], bool]:
    """Gone in these states; EC2 is not of one mind about their capitals."""
    return lambda item, _: str(pick(item, *path)).lower() in states


def _detached(listing: str) -> Callable[[_Item, Deployment], bool]:
    """Gone when every attachment to the VPC says so; what names none was listed for being there."""

    def gone(item: _Item, deployment: Deployment) -> bool:
        states = _attachments(item, listing, deployment)
        return bool(states) and set(states) == {"detached"}

    return gone


def _unattached(item: _Item, deployment: Deployment) -> bool:
    """Gone unless an attachment to the VPC is there: listed for the whole account."""
    return set(_attachments(item, "Attachments", deployment)) <= {"detached"}


def _attachments(item: _Item, listing: str, deployment: Deployment) -> list[str]:
    return [
        str(pick(attachment, "State"))
        for attachment in pick(item, listing)
        if pick(attachment, "VpcId") == deployment.vpc_id
    ]


def _not_peered(item: _Item, deployment: Deployment) -> bool:
    """Anybody may ask for a peering: a request to the VPC connects nothing until it is accepted."""
    sides = {side: pick(item, side, "VpcId") for side in ("AccepterVpcInfo", "RequesterVpcInfo")}
    state = str(pick(item, "Status", "Code"))
    if deployment.vpc_id not in sides.values():
        return True
    if state in ("initiating-request", "pending-acceptance"):
        return bool(sides["RequesterVpcInfo"] != deployment.vpc_id)
    return state in ("deleted", "rejected", "failed", "expired")


def _not_exempt(item: _Item, deployment: Deployment) -> bool:
    """An exemption is of the VPC or a subnet of it, and is disabled where it is overruled."""
    ours = {deployment.vpc_id, *deployment.private_subnet_ids, *deployment.public_subnet_ids}
    if str(pick(item, "ResourceArn")).rpartition("/")[2] not in ours:
        return True
    return pick(item, "State") in ("create-failed", "delete-complete", "disable-complete")


TO_THE_INTERNET = (
    Connection(
        "internet gateways",
        reads.internet_gateways,
        "InternetGateways",
        "InternetGatewayId",
        _detached("Attachments"),
    ),
    Connection(
        "egress-only internet gateways",
        reads.egress_only_gateways,
        "EgressOnlyInternetGateways",
        "EgressOnlyInternetGatewayId",
        _unattached,
        of_account=True,
    ),
    # One that is being deleted may still pass traffic (VPC user guide, "NAT gateway states").
    Connection(
        "NAT gateways",
        reads.nat_gateways,
        "NatGateways",
        "NatGatewayId",
        _in_state("deleted", "failed"),
    ),
    Connection(
        "carrier gateways",
        reads.carrier_gateways,
        "CarrierGateways",
        "CarrierGatewayId",
        _in_state("deleted"),
    ),
    Connection(
        "exemptions from the account's block on public access",
        reads.public_access_exclusions,
        "VpcBlockPublicAccessExclusions",
        "ExclusionId",
        _not_exempt,
        of_account=True,
        paged=False,
    ),
)

ENDPOINTS = Connection(
    "VPC endpoints",
    reads.vpc_endpoints,
    "VpcEndpoints",
    "VpcEndpointId",
    _in_state("deleted", "rejected", "failed", "expired"),
)

TO_OTHER_NETWORKS = (
    Connection(
        "virtual private gateways",
        reads.vpn_gateways,
        "VpnGateways",
        "VpnGatewayId",
        _detached("VpcAttachments"),
    ),
    Connection(
        "transit gateway attachments",
        reads.transit_gateway_attachments,
        "TransitGatewayVpcAttachments",
        "TransitGatewayAttachmentId",
        _in_state("deleted", "rejected", "failed"),
    ),
    Connection(
        "peering connections",
        reads.vpc_peerings,
        "VpcPeeringConnections",
        "VpcPeeringConnectionId",
        _not_peered,
        of_account=True,
    ),
    Connection(
        "local gateways",
        reads.local_gateway_associations,
        "LocalGatewayRouteTableVpcAssociations",
        "LocalGatewayId",
        _in_state("disassociated"),
    ),
    ENDPOINTS,
)


def readings(connections: tuple[Connection, ...]) -> tuple[Reading[Any], ...]:
    """What a check of these connections reads."""
    return tuple(connection.reading for connection in connections)
