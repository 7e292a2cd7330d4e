"""What the roles need, by the baseline, and what their policies give them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.account.inventory import attached_policies
from verify.inputs.deployment import Deployment
from verify.model import NotVerifiedError
from verify.policy import Document, NamedPolicy, PolicyError, takes_resources

# In the place of actions: those of every reading that a check declares.
_WHAT_THE_CHECKS_READ = "what the checks read"


@dataclass(frozen=True)
class Need:
    """What a role must be able to do, and the additions that it may have, wholly or not at all."""

    required: NamedPolicy
    additions: Mapping[str, NamedPolicy]

    @property
    def everything(self) -> NamedPolicy:
        """The most that the role may be given."""
        return self.without(None)

    def without(self, addition: str | None) -> NamedPolicy:
        """The most that the role may be given if it has not this addition."""
        policies = [
            self.required,
            *(policy for name, policy in self.additions.items() if name != addition),
        ]
        statements = tuple(one for policy in policies for one in policy.document.statements)
        return NamedPolicy("the need", Document("2012-10-17", statements))


def need_of(role: str, required: Mapping[str, Any], read_actions: Collection[str]) -> Need:
    """The need of a role by the baseline's `roles`; none for a role that it does not know."""
    must: list[Mapping[str, Any]] = []
    may: dict[str, list[Mapping[str, Any]]] = {}
    for name, part in required["permissions"].get(role, {}).items():
        when = part.get("when", [])
        states = {
            addition: required["additions"].get(addition)
            for addition in ([when] if isinstance(when, str) else when)
        }
        statements = list(_statements(name, part, read_actions))
        if not when or "required" in states.values():
            must += statements
            continue
        for addition, state in states.items():
            if state == "permitted":
                may.setdefault(addition, []).extend(statements)
    return Need(
        _policy("the need", must), {name: _policy(name, parts) for name, parts in may.items()}
    )


def _statements(
    name: str, part: Mapping[str, Any], read_actions: Collection[str]
) -> Iterator[Mapping[str, Any]]:
    actions = part["actions"]
    if actions == _WHAT_THE_CHECKS_READ:
        actions = sorted(set(read_actions) - set(part.get("except", ())))
    on_resources = [action for action in actions if takes_resources(action)]
    for which, resources in (
        (on_resources, _resources(part)),
        ([action for action in actions if action not in on_resources], ["*"]),
    ):
        if which and resources is None:
            raise NotVerifiedError(
                f"the baseline's roles.permissions has no resources for {name}, though "
                f"{', '.join(which)} can name them: add `resources`"
            )
        # None are left of those that stand elsewhere in the baseline, if there it names none.
        if which and resources:
            yield {
                "Sid": name,
                "Effect": "Allow",
                "Action": which,
                "Resource": resources,
                "Condition": part.get("conditions", {}),
            }


def _resources(part: Mapping[str, Any]) -> list[str] | None:
    """The ARNs that a part names; with `of_any_path`, of whatever path what bears the name is."""
    resources: list[str] | None = part.get("resources")
    if resources is None or not part.get("of_any_path"):
        return resources
    return [
        f"{arn.partition('/')[0]}/{path}{arn.rpartition('/')[2]}"
        for arn in resources
        for path in ("", "*/")
    ]


def _policy(name: str, statements: list[Mapping[str, Any]]) -> NamedPolicy:
    document = {"Version": "2012-10-17", "Statement": statements}
    return NamedPolicy(name, Document.parse(document))


def policies_of(aws: Aws, deployment: Deployment, role: str) -> Iterator[NamedPolicy]:
    """Every policy of a role, inline and attached."""
    for name in aws.pick(reads.inline_policies(deployment, role), "PolicyNames"):
        answer = aws.pick(reads.inline_policy(role, name))
        if (pick(answer, "RoleName"), pick(answer, "PolicyName")) != (role, name):
            raise NotVerifiedError(f"AWS gave another policy than {name} of {role}")
        yield _parsed(name, pick(answer, "PolicyDocument"))
    for arn in attached_policies(aws, deployment, role):
        yield managed(aws, arn)


def begin_policies(aws: Aws, deployment: Deployment, roles: Iterable[str]) -> None:
    """Begin to read the attached policies of roles."""
    aws.side_by_side(
        partial(_in_force, aws, arn)
        for role in roles
        for arn in attached_policies(aws, deployment, role)
    )


def managed(aws: Aws, arn: str) -> NamedPolicy:
    """A managed policy in the version that is in force."""
    return _parsed(arn.rpartition("/")[2], _in_force(aws, arn))


def _in_force(aws: Aws, arn: str) -> Any:
    policy = aws.pick(reads.managed_policy(arn), "Policy")
    version = pick(policy, "DefaultVersionId")
    answer = aws.pick(reads.managed_policy_version(arn, version), "PolicyVersion")
    seen = (pick(policy, "Arn"), pick(answer, "VersionId"), pick(answer, "IsDefaultVersion"))
    if seen != (arn, version, True):
        raise NotVerifiedError(f"AWS did not give the version of {arn} that is in force")
    return pick(answer, "Document")


def _parsed(name: str, document: Any) -> NamedPolicy:
    try:
        return NamedPolicy(name, Document.parse(document))
    except PolicyError as error:
        raise NotVerifiedError(f"{name} cannot be read: {error}") from None
