"""What makes a network interface a way into the VPC, or out of it.

Whatever has a foot in a subnet has a network interface there, services of AWS included, so this
sees what no other call lists. Sources: EC2 API reference, NetworkInterface; EC2 user guide,
"Requester-managed network interfaces".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from verify.addresses import PUBLIC, AddressSet
from verify.exposure.rules import NO_ADDRESS

_OF_NETWORKS = ("CarrierIp", "CustomerOwnedIp")  # of a telephone network, of one's own house
_ADDRESSES = ("PublicIp", *_OF_NETWORKS)


def interface_kind(interface: Mapping[str, Any]) -> str:
    """The sort of an interface, such as `lambda` or `managed interface`.

    A load balancer's, a Client VPN's and a DNS resolver's are of the type `interface` as well: that
    AWS manages it is all that tells them from an instance's. Raises ValueError where it is missing.
    """
    kind = str(_part(interface, "InterfaceType"))
    operator = interface.get("Operator") or {}
    managed = _part(interface, "RequesterManaged") or operator.get("Managed")
    return f"managed {kind}" if managed and kind == "interface" else kind


def interface_weaknesses(
    interface: Mapping[str, Any],
    account: str,
    kinds: Collection[str],
    admitted: AddressSet = NO_ADDRESS,
    *,
    public: bool = False,
) -> Iterator[str]:
    """What is wrong with one entry of DescribeNetworkInterfaces in a VPC of `account`.

    `kinds` are the sorts of interfaces that there may be in its subnet, `admitted` the public IPv6
    addresses that the VPC itself may have; in a `public` subnet it may have an Elastic IP address,
    or one that AWS gave it. Raises ValueError for an interface that cannot be read.
    """
    kind = interface_kind(interface)
    if kind not in kinds:
        yield f"is a {kind} ({interface.get('Description') or 'without a description'})"
    if (owner := _part(interface, "OwnerId")) != account:
        yield f"belongs to account {owner}"
    for address in _public_addresses(interface, admitted, _OF_NETWORKS if public else _ADDRESSES):
        yield f"has the public address {address}"
    # What a router or a NAT instance needs, and nobody else. A NAT gateway, where one may be, is
    # there to forward.
    forwards = not _part(interface, "SourceDestCheck")
    if forwards and not (kind == "nat_gateway" and kind in kinds):
        yield "forwards what is not addressed to it (no source/destination check)"
    attachment = interface.get("Attachment") or {}
    holder = attachment.get("InstanceOwnerId", account)
    # Services attach theirs to machines of their own.
    if kind == "interface" and holder != account:
        yield f"is attached to a machine of account {holder}"


def _public_addresses(
    interface: Mapping[str, Any], admitted: AddressSet, named: tuple[str, ...]
) -> Iterator[str]:
    holders = [interface, *(_part(interface, "PrivateIpAddresses"))]
    associations = [holder.get("Association") or {} for holder in holders]
    ipv4 = (entry[key] for entry in associations for key in named if entry.get(key))
    yield from dict.fromkeys(ipv4)  # the first private address repeats the interface's own
    ipv6 = [entry["Ipv6Address"] for entry in _part(interface, "Ipv6Addresses")]
    ipv6 += [entry["Ipv6Prefix"] for entry in interface.get("Ipv6Prefixes") or ()]
    ipv6 += [interface["Ipv6Address"]] if interface.get("Ipv6Address") else []
    for address in dict.fromkeys(ipv6):
        if (AddressSet.parse(address) & PUBLIC) - admitted:
            yield address


def _part(interface: Mapping[str, Any], key: str) -> Any:
    if key not in interface:
        raise ValueError(
            f"a network interface without {key}: {interface.get('NetworkInterfaceId')}"
        )
    return interface[key]
