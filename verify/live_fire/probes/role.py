"""Gives a role of its own policies that permit everything, which its boundary takes back.

The role is bounded by AWSDenyAll, so that nobody gains anything by it (IAM guide, "Permissions
boundaries for IAM entities"); the verifier's own permission to create roles holds for such roles
alone. The policies are withdrawn as soon as they are in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Mapping

from verify.account.answer import pick
from verify.account.errors import ActionFailedError
from verify.account.read import Read
from verify.live_fire import owner
from verify.live_fire.settling import once_known, with_code
from verify.live_fire.shot import Act, Removals, Shot
from verify.run.verification import Run

PATH = "/trailwarden-live-fire/"
_POLICY = "everything"
_NO_ROLE = "NoSuchEntity"


class RoleProbe:
    """See `verify.live_fire.shot.Probe`."""

    key = "role"
    acts = (
        Act(
            "role-policy",
            "administrator's inline policy",
            "PutRolePolicy",
            alarm="iam-policy-changes",
        ),
        Act(
            "role-administrator",
            "administrator's managed policy",
            "AttachRolePolicy",
            alarm="iam-policy-changes",
        ),
    )

    def fire(self, run: Run, shots: Mapping[str, Shot], removals: Removals) -> None:
        """Create the role, put the one policy and attach the other, and withdraw both."""
        aws, role = run.aws, owner.name(run.settings.run_id)
        for shot in shots.values():
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
            lambda: shots["role-policy"].act(
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
        shots["role-administrator"].act(
            lambda: aws.act(
                "iam", "attach_role_policy", RoleName=role, PolicyArn=_administrator(run)
            )
        )
        self._withdraw(run, role)

    def find(
        self, run: Run, wanted: Callable[[Mapping[str, str]], bool], names: Container[str]
    ) -> tuple[str, ...]:
        """Names of roles."""
        return tuple(name for name in self._names(run) if wanted(self._tags(run, name)))

    def remove(self, run: Run, identifier: str) -> None:
        """Delete the role, and before it the policies that a killed run may have left in it."""
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
        """IAM says the same of a role that is gone as of a policy that is not in it."""
        inline = {"RoleName": role, "PolicyName": _POLICY}
        attached = {"RoleName": role, "PolicyArn": _administrator(run)}
        for operation, parameters in (
            ("delete_role_policy", inline),
            ("detach_role_policy", attached),
        ):
            try:
                run.aws.act("iam", operation, **parameters)
            except ActionFailedError as error:
                if error.code != _NO_ROLE:
                    raise

    @staticmethod
    def _tags(run: Run, role: str) -> Mapping[str, str]:
        answer = run.aws.read_again(Read("iam", "list_role_tags", {"RoleName": role}, (_NO_ROLE,)))
        return {} if answer.response is None else owner.from_list(pick(answer.response, "Tags"))


def _administrator(run: Run) -> str:
    return f"arn:{run.deployment.partition}:iam::aws:policy/AdministratorAccess"
