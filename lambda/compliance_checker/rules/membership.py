"""What a new member of a group may do by it, asked of the account: the record only names the group.

A group holds inline policies and attached ones (IAM user guide, "IAM user groups"). Each is judged
by itself, as it would have been when it was given, and then all of them together: what one policy
alone does not grant, such as passing any role to a service of one's choice, two of them may.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from ..live import OTHER_ACCOUNT, LiveState, NotReadError, Place
from ..model import Confirmed, Finding, Severity
from ..policy.document import parse_document
from ..policy.privilege import Grant, broad_grants
from ..record import Event, members, text
from .grants import AWS_POLICY, extents_of, grant_details, granted_by_aws_policy, severity_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Held:
    """One broad policy of a group, or all of them together."""

    severity: Severity
    extent: str
    details: Mapping[str, object]


class _Group:
    """A group's policies, each read when it is asked for; keeps which reads brought no answer."""

    def __init__(self, live: LiveState, account: str | None, name: str) -> None:
        self._live = live
        self._account = account
        self._place = Place(account, None)  # IAM is global
        self._name = name
        self._documents: list[Mapping[str, Any]] = []
        self.not_read: list[NotReadError] = []

    def broad(self) -> list[_Held]:
        """What is too broad, as far as the group's policies could be read."""
        found = []
        for held in self._each():
            found.append(held)
            if held.severity == "CRITICAL":  # nothing is wider: no more reads
                return found
        if not found and len(self._documents) > 1:
            merged = [
                statement
                for document in self._documents
                for statement in members(document.get("Statement"))
            ]
            grants = broad_grants({"Statement": merged}, self._account)
            found.extend(_told("the group's policies together", grants))
        return found

    def _each(self) -> Iterator[_Held]:
        live, place, name = self._live, self._place, self._name
        nothing: list[str] = []
        attached = self._asked(partial(live.attached_group_policies, place, name), nothing)
        for arn in attached:
            if (broad := granted_by_aws_policy(arn)) is not None:
                extent, severity = broad
                yield _Held(severity, extent, {"policy": arn})
        for arn in attached:
            if AWS_POLICY not in arn:
                yield from self._judged(arn, partial(live.policy_document, place, arn))
        for policy in self._asked(partial(live.inline_group_policies, place, name), nothing):
            yield from self._judged(policy, partial(live.inline_group_policy, place, name, policy))

    def _judged(self, policy: str, read: Callable[[], object]) -> list[_Held]:
        document = parse_document(self._asked(read, None))
        if document is None:
            return []
        self._documents.append(document)
        return _told(policy, broad_grants(document, self._account))

    def _asked(self, read: Callable[[], T], nothing: T) -> T:
        try:
            return read()
        except NotReadError as error:
            # As for a policy that was attached: what is gone grants nothing, and of another
            # account there is nothing to add to the record.
            if not error.gone and error.code != OTHER_ACCOUNT:
                self.not_read.append(error)
            return nothing


def _told(policy: str, grants: list[Grant]) -> list[_Held]:
    if not grants:
        return []
    details = {"policy": policy, "grants": grant_details(grants)}
    return [_Held(severity_of(grants), extents_of(grants), details)]


def confirm_membership(event: Event, live: LiveState) -> Confirmed:
    """Whether the group that a user was added to grants too much (IAM AddUserToGroup).

    What could not be read is alerted as LOW if nothing else was found: it may grant everything.
    """
    user = text(event.parameters.get("userName"))
    name = text(event.parameters.get("groupName"))
    if name is None:
        return Confirmed(None)
    group = _Group(live, event.account, name)
    broad = group.broad()
    not_read = tuple(group.not_read)
    added = f"User {user or '(unnamed)'} was added to group {name}"
    if broad:
        broad.sort(key=lambda held: held.severity != "CRITICAL")
        extents = "; ".join(dict.fromkeys(held.extent for held in broad[:3]))
        return Confirmed(
            Finding(
                resource_id=user,
                reason=(
                    f"{added}, whose policies grant {extents}. Whoever holds them can reach all "
                    "data and remove every safeguard within that reach."
                ),
                details={"group_name": name, "policies": [held.details for held in broad[:5]]},
                severity=broad[0].severity,
                resource_type="AWS::IAM::User",
            ),
            read=True,
            not_read=not_read,
        )
    if not_read:
        return Confirmed(
            Finding(
                resource_id=user,
                reason=f"{added}, whose policies could not all be read: it may grant everything.",
                details={"group_name": name},
                severity="LOW",
                resource_type="AWS::IAM::User",
            ),
            not_read=not_read,
        )
    return Confirmed(None, True)
