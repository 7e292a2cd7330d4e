"""Opens a network ACL of its own to the world, which no subnet is associated with."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from typing import Any

from verify.account.door import Aws
from verify.account.errors import ActionFailedError
from verify.account.read import Read
from verify.live_fire import owner
from verify.live_fire.settling import once_known, with_code
from verify.live_fire.shot import Act, Removals, Shot
from verify.run.verification import Run

_NO_ACL = "InvalidNetworkAclID.NotFound"
_RULE = 100


class NetworkProbe:
    """See `verify.live_fire.shot.Probe`."""

    key = "network"
    acts = (
        Act("network-acl", "opened network ACL", "CreateNetworkAclEntry"),
        Act("network-acl-replaced", "replaced network ACL entry", "ReplaceNetworkAclEntry"),
    )

    def fire(self, run: Run, shots: Mapping[str, Shot], removals: Removals) -> None:
        """Create the ACL, admit tcp/22 from 0.0.0.0/0 to it, and then tcp/3389 in its place."""
        made = ""
        removals.add(lambda: self._remove_own(run, made))
        tags = owner.tags(run.settings.run_id, run.settings.alert_timeout)
        created = run.aws.act(
            "ec2",
            "create_network_acl",
            VpcId=run.deployment.vpc_id,
            TagSpecifications=[{"ResourceType": "network-acl", "Tags": owner.as_list(tags)}],
        )
        made = created["NetworkAcl"]["NetworkAclId"]
        opened, replaced = shots["network-acl"], shots["network-acl-replaced"]
        opened.subject = replaced.subject = made
        once_known(
            lambda: opened.act(
                lambda: run.aws.act("ec2", "create_network_acl_entry", **_entry(made, 22))
            ),
            with_code(_NO_ACL),
        )
        replaced.act(lambda: run.aws.act("ec2", "replace_network_acl_entry", **_entry(made, 3389)))

    def find(
        self, run: Run, wanted: Callable[[Mapping[str, str]], bool], names: Container[str]
    ) -> tuple[str, ...]:
        """Ids of network ACLs."""
        return tuple(identifier for identifier, tags in _acls(run.aws) if wanted(tags))

    def remove(self, run: Run, identifier: str) -> None:
        """Delete the ACL."""
        try:
            run.aws.act("ec2", "delete_network_acl", NetworkAclId=identifier)
        except ActionFailedError as error:
            if error.code != _NO_ACL:
                raise

    def _remove_own(self, run: Run, identifier: str) -> None:
        """By the identifier that the creation answered with; by its tags where it did not."""
        run_id = run.settings.run_id
        found = (
            (identifier,)
            if identifier
            else self.find(run, lambda tags: owner.of_run(tags, run_id), ())
        )
        for each in found:
            self.remove(run, each)


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


def _acls(aws: Aws) -> Iterator[tuple[str, Mapping[str, str]]]:
    ours = [{"Name": f"tag:{owner.PURPOSE_TAG}", "Values": [owner.PURPOSE]}]
    read = Read("ec2", "describe_network_acls", {"Filters": ours})
    for acl in aws.pick_again(read, "NetworkAcls"):
        yield acl["NetworkAclId"], owner.from_list(acl.get("Tags", []))
