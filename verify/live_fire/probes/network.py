"""Opens a network ACL of its own to the world, which no subnet is associated with.

And makes a route table that no subnet has and a gateway that nothing is attached to: of these the
alarms tell, and the function need not.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from verify.account.errors import ActionFailedError
from verify.account.read import Read
from verify.live_fire import owner
from verify.live_fire.probes.tagged import OURS, tagged
from verify.live_fire.settling import once_known, unless_gone, with_code
from verify.live_fire.shot import Act, Removals, Shot
from verify.run.verification import Run

_RULE = 100


class NetworkProbe:
    """See `verify.live_fire.shot.Probe`."""

    key = "network"
    acts = (
        Act(
            "network-acl",
            "opened network ACL",
            "CreateNetworkAclEntry",
            alarm="network-acl-changes",
        ),
        Act(
            "network-acl-replaced",
            "replaced network ACL entry",
            "ReplaceNetworkAclEntry",
            alarm="network-acl-changes",
        ),
        Act(
            "route-table",
            "new route table",
            "CreateRouteTable",
            alarm="route-table-changes",
            alerts=False,
        ),
        Act(
            "gateway",
            "new internet gateway",
            "CreateInternetGateway",
            alarm="gateway-changes",
            alerts=False,
        ),
    )

    def fire(self, run: Run, shots: Mapping[str, Shot], removals: Removals) -> None:
        """Create the ACL, admit tcp/22 from 0.0.0.0/0 to it, then tcp/3389 in its place; the rest.

        An account has few places for gateways: where none is left, it keeps that act from being.
        """
        all_made: list[str] = []
        removals.add(lambda: self._remove_own(run, all_made))
        vpc = {"VpcId": run.deployment.vpc_id}
        made = _identifier(_ACL, _make(run, _ACL, vpc))
        all_made.append(made)
        opened, replaced = shots["network-acl"], shots["network-acl-replaced"]
        opened.subject = replaced.subject = made
        once_known(
            lambda: opened.act(
                lambda: run.aws.act("ec2", "create_network_acl_entry", **_entry(made, 22))
            ),
            with_code(_ACL.absent),
        )
        replaced.act(lambda: run.aws.act("ec2", "replace_network_acl_entry", **_entry(made, 3389)))
        for key, kind, where in (("route-table", _ROUTE_TABLE, vpc), ("gateway", _GATEWAY, {})):
            shot = shots[key]
            try:
                shot.subject = _identifier(kind, shot.act(partial(_make, run, kind, where)))
                all_made.append(shot.subject)
            except ActionFailedError as error:
                if error.code != kind.full:
                    raise
                shot.prevented = f"the account has no place left for one more ({error.code})"

    def find(
        self, run: Run, wanted: Callable[[Mapping[str, str]], bool], names: Container[str]
    ) -> tuple[str, ...]:
        """Ids of network ACLs, route tables and internet gateways."""
        return tuple(
            identifier
            for kind in _KINDS
            for identifier, tags in tagged(
                run.aws, Read("ec2", f"describe_{kind.name}s", OURS), kind.answer, kind.member
            )
            if wanted(tags)
        )

    def remove(self, run: Run, identifier: str) -> None:
        """Delete it."""
        [kind] = [kind for kind in _KINDS if identifier.startswith(kind.prefix)]
        called = {kind.member: identifier}
        unless_gone(lambda: run.aws.act("ec2", f"delete_{kind.name}", **called), kind.absent)

    def _remove_own(self, run: Run, made: Sequence[str]) -> None:
        """By the identifiers that were answered; by its tags what was made without an answer."""
        for each in made:
            self.remove(run, each)
        run_id = run.settings.run_id
        for each in self.find(run, lambda tags: owner.of_run(tags, run_id), ()):
            self.remove(run, each)


@dataclass(frozen=True)
class _Kind:
    """A kind of EC2 resource: as its calls and tags name it, and EC2's words for none and full."""

    name: str
    prefix: str
    member: str  # of a request
    answer: str  # of what describes it
    absent: str
    full: str

    @property
    def tagged(self) -> str:
        return self.name.replace("_", "-")


_ACL = _Kind(
    "network_acl",
    "acl-",
    "NetworkAclId",
    "NetworkAcls",
    "InvalidNetworkAclID.NotFound",
    "NetworkAclLimitExceeded",
)
_ROUTE_TABLE = _Kind(
    "route_table",
    "rtb-",
    "RouteTableId",
    "RouteTables",
    "InvalidRouteTableID.NotFound",
    "RouteTableLimitExceeded",
)
_GATEWAY = _Kind(
    "internet_gateway",
    "igw-",
    "InternetGatewayId",
    "InternetGateways",
    "InvalidInternetGatewayID.NotFound",
    "InternetGatewayLimitExceeded",
)
_KINDS = (_ACL, _ROUTE_TABLE, _GATEWAY)


def _make(run: Run, kind: _Kind, where: Mapping[str, str]) -> Mapping[str, Any]:
    """Create one with live fire's tags; see `_identifier`. Raises ActionFailedError."""
    tags = owner.tags(run.settings.run_id, run.settings.alert_timeout)
    return run.aws.act(
        "ec2",
        f"create_{kind.name}",
        TagSpecifications=[{"ResourceType": kind.tagged, "Tags": owner.as_list(tags)}],
        **where,
    )


def _identifier(kind: _Kind, made: Mapping[str, Any]) -> str:
    """The id of what an answer says was made."""
    return str(made[kind.answer.removesuffix("s")][kind.member])


def _entry(acl: str, port: int) -> dict[str, Any]:
    return {
        "NetworkAclId": acl,
        "RuleNumber": _RULE,
        "Protocol": "6",
        "RuleAction": "allow",
        "Egress": False,
        "CidrBlock": "0.0.0.0/0",
        "PortRange": {"From": port, "To": port},
    }
