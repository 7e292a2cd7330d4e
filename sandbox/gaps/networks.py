"""Where moto's answers about networks differ from EC2's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.ec2.exceptions import InvalidNetworkAclIdError, InvalidRouteTableIdError
from moto.ec2.models.network_acls import NetworkAclBackend

from sandbox.replacement import Kind, Replacement
from sandbox.world import World


def describe_network_acls(
    world: World,
    original: Callable[..., Any],
    backend: Any,
    network_acl_ids: list[str] | None = None,
    filters: Any = None,
) -> Any:
    """Network ACLs. Raises InvalidNetworkAclIdError for an id that there is not."""
    try:
        return original(backend, network_acl_ids, filters)
    except InvalidRouteTableIdError:
        known = {acl.id for acl in original(backend)}
        missing = [name for name in network_acl_ids or () if name not in known]
        raise InvalidNetworkAclIdError(missing[0]) from None


REPLACEMENTS = (
    Replacement(
        NetworkAclBackend,
        "describe_network_acls",
        describe_network_acls,
        "Of an unknown ACL moto speaks as of a route table; by the code the provider tells an ACL "
        "that has gone, with its VPC, from an error.",
        Kind.AROUND,
    ),
)
