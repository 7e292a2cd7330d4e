"""The users and roles of an account, each with every policy that speaks for or against it.

Source: IAM API reference, GetAccountAuthorizationDetails (UserDetail, GroupDetail, RoleDetail,
ManagedPolicyDetail); IAM user guide, "Policies and groups", "Permissions boundaries".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from verify.policy.document import Document, PolicyError
from verify.policy.need import NamedPolicy

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Identity:
    """A user or a role: its own policies, those attached to it, and those of its groups.

    `boundary` is what bounds it; None where nothing does, or what does was not told: a boundary
    only takes away. `trust` says who may assume a role; None for a user.
    """

    arn: str
    policies: tuple[NamedPolicy, ...]
    boundary: NamedPolicy | None = None
    trust: Document | None = None

    @property
    def name(self) -> str:
        """What messages call it: `user path/ada`, `role operator`."""
        return self.arn.rpartition(":")[2].replace("/", " ", 1)

    @property
    def is_role(self) -> bool:
        """Whether it is a role."""
        return self.trust is not None


def identities_of(details: Mapping[str, Any]) -> tuple[Identity, ...]:
    """The users and roles in the answer to GetAccountAuthorizationDetails, of all its pages.

    Raises PolicyError for a document that cannot be read, and for a policy or group that is named
    and was not told: what it permits is not known.
    """
    known = _Managed(details["Policies"])
    groups = {group["GroupName"]: group for group in details["GroupDetailList"]}
    users = tuple(_user(user, groups, known) for user in details["UserDetailList"])
    return users + tuple(_role(role, known) for role in details["RoleDetailList"])


class _Managed:
    """The managed policies that were told, by ARN: read where they are attached, and once."""

    def __init__(self, policies: Sequence[Entry]) -> None:
        self._told = {policy["Arn"]: policy for policy in policies}
        self._read: dict[str, NamedPolicy] = {}

    def get(self, arn: str) -> NamedPolicy | None:
        """The policy in the version that is in force; None if it was not told."""
        if arn in self._told and arn not in self._read:
            policy = self._told[arn]
            versions = policy["PolicyVersionList"]
            in_force = [one for one in versions if one["IsDefaultVersion"]]
            if [one["VersionId"] for one in in_force] != [policy["DefaultVersionId"]]:
                raise PolicyError(f"{arn}: the version that is in force was not told")
            name = f"policy {arn.rpartition('/')[2]}"
            self._read[arn] = _parsed(name, in_force[0]["Document"])
        return self._read.get(arn)


def _user(user: Entry, groups: Mapping[str, Entry], known: _Managed) -> Identity:
    policies = [*_inline(user.get("UserPolicyList", [])), *_attached(user, known)]
    for name in user["GroupList"]:
        if name not in groups:
            raise PolicyError(f"{user['Arn']} is in the group {name}, which was not told")
        policies += _of_group(groups[name], known)
    return Identity(user["Arn"], tuple(policies), _boundary(user, known))


def _of_group(group: Entry, known: _Managed) -> Iterator[NamedPolicy]:
    for policy in (*_inline(group["GroupPolicyList"]), *_attached(group, known)):
        yield NamedPolicy(f"group {group['GroupName']}, {policy.name}", policy.document)


def _role(role: Entry, known: _Managed) -> Identity:
    return Identity(
        role["Arn"],
        (*_inline(role["RolePolicyList"]), *_attached(role, known)),
        _boundary(role, known),
        _parsed(f"trust of {role['Arn']}", role["AssumeRolePolicyDocument"]).document,
    )


def _inline(policies: Sequence[Entry]) -> Iterator[NamedPolicy]:
    for policy in policies:
        name = f"inline policy {policy['PolicyName']}"
        yield _parsed(name, policy["PolicyDocument"])


def _attached(entry: Entry, known: _Managed) -> Iterator[NamedPolicy]:
    for policy in entry["AttachedManagedPolicies"]:
        arn = policy["PolicyArn"]
        found = known.get(arn)
        if found is None:
            raise PolicyError(f"{arn} is attached, and was not told")
        yield found


def _boundary(entry: Entry, known: _Managed) -> NamedPolicy | None:
    return known.get(entry.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""))


def _parsed(name: str, document: Any) -> NamedPolicy:
    try:
        return NamedPolicy(name, Document.parse(document))
    except PolicyError as error:
        raise PolicyError(f"{name}: {error}") from None
