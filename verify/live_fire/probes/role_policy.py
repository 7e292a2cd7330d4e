"""Gives a role of its own a policy that permits everything, which its boundary takes back.

The role is bounded by AWSDenyAll, so that nobody gains anything by it (IAM guide, "Permissions
boundaries for IAM entities"); the verifier's own permission to create roles holds for such roles
alone. The policy is withdrawn as soon as it is in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Mapping

from verify.account.answer import pick
from verify.account.errors import ActionFailedError
from verify.account.read import Read
from verify.live_fire import owner
from verify.live_fire.settling import once_known, with_code
from verify.live_fire.shot import Removals, Shot
from verify.run.verification import Run

PATH = "/trailwarden-live-fire/"
_POLICY = "everything"
_NO_ROLE = "NoSuchEntity"


class RolePolicyProbe:
    """See `verify.live_fire.shot.Probe`."""

    key = "role-policy"
    name = "administrator's inline policy"
    event_name = "PutRolePolicy"

    def fire(self, run: Run, shot: Shot, removals: Removals) -> None:
        """Create the role, put the policy and withdraw it."""
        aws, role = run.aws, owner.name(run.settings.run_id)
        shot.subject = role
        made = False
        removals.add(lambda: self.remove(run, role) if made else self._remove_if_made(run, role))
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
        aws.act(
            "iam",
            "create_role",
            RoleName=role,
            Path=PATH,
            Description="Trailwarden live fire: bounded to nothing, removed within minutes",
            AssumeRolePolicyDocument=json.dumps(trust),
            PermissionsBoundary=f"arn:{run.deployment.partition}:iam::aws:policy/AWSDenyAll",
            Tags=owner.as_list(owner.tags(run.settings.run_id, run.settings.alert_timeout)),
        )
        made = True
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
        once_known(
            lambda: shot.act(
                lambda: aws.act(
                    "iam",
                    "put_role_policy",
                    RoleName=role,
                    PolicyName=_POLICY,
                    PolicyDocument=document,
                )
            ),
            with_code(_NO_ROLE),
        )
        self._withdraw(run, role)

    def find(
        self, run: Run, wanted: Callable[[Mapping[str, str]], bool], names: Container[str]
    ) -> tuple[str, ...]:
        """Names of roles."""
        return tuple(name for name in self._names(run) if wanted(self._tags(run, name)))

    def remove(self, run: Run, identifier: str) -> None:
        """Delete the role, and before it the policy that a killed run may have left in it."""
        self._withdraw(run, identifier)
        try:
            run.aws.act("iam", "delete_role", RoleName=identifier)
        except ActionFailedError as error:
            if error.code != _NO_ROLE:
                raise

    def _remove_if_made(self, run: Run, role: str) -> None:
        # The permission to remove is for roles on our path, and one that was not made has none.
        if role in self._names(run):
            self.remove(run, role)

    @staticmethod
    def _names(run: Run) -> list[str]:
        roles = run.aws.pick_again(Read("iam", "list_roles", {"PathPrefix": PATH}), "Roles")
        return [role["RoleName"] for role in roles]

    @staticmethod
    def _withdraw(run: Run, role: str) -> None:
        try:
            run.aws.act("iam", "delete_role_policy", RoleName=role, PolicyName=_POLICY)
        except ActionFailedError as error:
            if error.code != _NO_ROLE:
                raise

    @staticmethod
    def _tags(run: Run, role: str) -> Mapping[str, str]:
        answer = run.aws.read_again(Read("iam", "list_role_tags", {"RoleName": role}, (_NO_ROLE,)))
        return {} if answer.response is None else owner.from_list(pick(answer.response, "Tags"))
