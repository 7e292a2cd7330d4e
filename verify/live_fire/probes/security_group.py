"""Opens a rule to the world on a security group of its own, which nothing is attached to."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from contextlib import suppress

from verify.account.errors import ActionFailedError
from verify.account.read import Read
from verify.live_fire import owner
from verify.live_fire.probes.tagged import OURS, tagged
from verify.live_fire.settling import once_known, unless_gone, with_code
from verify.live_fire.shot import Act, Removals, Shot
from verify.run.verification import Run

PORT = 22
SOURCE = "0.0.0.0/0"
# A group that the first act could not find may be as unknown to the one that removes it.
_REMOVED_WITHIN = 20.0
_NO_GROUP = ("InvalidGroup.NotFound", "InvalidGroupId.NotFound")


class SecurityGroupProbe:
    """See `verify.live_fire.shot.Probe`."""

    key = "security-group"
    acts = (
        Act(
            "security-group",
            "opened security-group rule",
            "AuthorizeSecurityGroupIngress",
            alarm="security-group-changes",
        ),
    )

    def fire(self, run: Run, shots: Mapping[str, Shot], removals: Removals) -> None:
        """Create the group, then open tcp/22 to 0.0.0.0/0."""
        shot = shots["security-group"]
        name = owner.name(run.settings.run_id)
        removals.add(lambda: self._remove_own(run, name, shot.subject))
        tags = owner.tags(run.settings.run_id, run.settings.alert_timeout)
        created = run.aws.act(
            "ec2",
            "create_security_group",
            GroupName=name,
            Description="Trailwarden live fire: attached to nothing, removed within minutes",
            VpcId=run.deployment.vpc_id,
            TagSpecifications=[{"ResourceType": "security-group", "Tags": owner.as_list(tags)}],
        )
        shot.subject = created["GroupId"]
        opened = {
            "IpProtocol": "tcp",
            "FromPort": PORT,
            "ToPort": PORT,
            "IpRanges": [{"CidrIp": SOURCE, "Description": "Trailwarden live fire"}],
        }
        once_known(
            lambda: shot.act(
                lambda: run.aws.act(
                    "ec2",
                    "authorize_security_group_ingress",
                    GroupId=shot.subject,
                    IpPermissions=[opened],
                )
            ),
            with_code(*_NO_GROUP),
        )

    def find(
        self, run: Run, wanted: Callable[[Mapping[str, str]], bool], names: Container[str]
    ) -> tuple[str, ...]:
        """Ids of security groups."""
        read = Read("ec2", "describe_security_groups", OURS)
        found = tagged(run.aws, read, "SecurityGroups", "GroupId")
        return tuple(identifier for identifier, tags in found if wanted(tags))

    def remove(self, run: Run, identifier: str) -> None:
        """Delete the group."""
        unless_gone(
            lambda: run.aws.act("ec2", "delete_security_group", GroupId=identifier), *_NO_GROUP
        )

    def _remove_own(self, run: Run, name: str, identifier: str) -> None:
        """By the identifier that the creation answered with; by name where it did not answer."""
        if identifier:
            with suppress(ActionFailedError):  # Let the last refusal be that of the plain removal.
                once_known(
                    lambda: run.aws.act("ec2", "delete_security_group", GroupId=identifier),
                    with_code(*_NO_GROUP),
                    _REMOVED_WITHIN,
                )
                return
            self.remove(run, identifier)
            return
        filters = [
            {"Name": "group-name", "Values": [name]},
            {"Name": "vpc-id", "Values": [run.deployment.vpc_id]},
        ]
        read = Read("ec2", "describe_security_groups", {"Filters": filters})
        for group in run.aws.pick_again(read, "SecurityGroups"):
            self.remove(run, group["GroupId"])
