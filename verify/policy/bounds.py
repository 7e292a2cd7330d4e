"""What a value of a condition key admits: an account, an organization, a service, a network.

Sources: IAM user guide, "AWS global condition context keys", "IAM policy elements: Variables and
tags", "Condition operators" (StringLike, ArnLike).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from verify.addresses import AddressSet, is_internet
from verify.policy.condition_keys import Names
from verify.policy.document import Condition, Document
from verify.policy.patterns import arn_fields, has_wildcard, is_account, literal_start

TEXT_OPERATORS = frozenset({"stringequals", "stringequalsignorecase", "stringlike"})
ARN_OPERATORS = frozenset({"arnequals", "arnlike"})


@dataclass(frozen=True)
class Bound:
    """One thing that a narrowing condition admits.

    `account`, `organization` or `service` is whose it is; all are None where the condition does not
    tell. `of_network` means that they own the network: who calls through it is not told.
    """

    text: str
    account: str | None = None
    organization: str | None = None
    service: str | None = None
    of_network: bool = False

    @property
    def has_owner(self) -> bool:
        """Whether the condition tells whose it is."""
        return self.account is not None or self.organization is not None

    def is_of(self, accounts: frozenset[str], organizations: frozenset[str]) -> bool:
        """Whether it belongs to one of these."""
        return self.account in accounts or self.organization in organizations


@dataclass(frozen=True)
class Unbound:
    """Why a condition, or a value of it, holds nobody back; or, `undecided`, may or may not."""

    why: str
    undecided: bool = False


def describe_bounds(lines: Iterable[Iterable[Bound]]) -> str:
    """What conditions admit, in words."""
    return " and ".join(" or ".join(bound.text for bound in line) for line in lines)


def addresses_of(condition: Condition, operator: str) -> tuple[Bound, ...] | Unbound:
    """What a condition on a public address admits."""
    if operator != "ipaddress":
        return Unbound("the operator does not fit the key", undecided=True)
    try:
        addresses = AddressSet.parse(*condition.values)
    except ValueError as error:
        return Unbound(str(error), undecided=True)
    if is_internet(addresses):
        return Unbound("together the ranges are as good as the internet")
    return tuple(Bound(f"source address {value}") for value in condition.values)


def bound_of(
    document: Document, names: Names, operator: str, value: str, account: str
) -> Bound | Unbound:
    """What one value admits, by a text or ARN operator in lower case; `account` is the owner's."""
    if "${" in value and document.has_variables:
        return _variable(names, value.lower(), account)
    if names in _OF_RESOURCE:
        return Unbound("it tells of the resource, not of the caller")
    # StringEquals takes a star literally; ArnEquals does not.
    wild = operator in ARN_OPERATORS or operator == "stringlike"
    if wild and has_wildcard(value):
        found = _pattern(names, operator, value)
    else:
        found = _exact(names, value)
    if isinstance(found, Bound) and names in _OF_NETWORK:
        return replace(found, of_network=True)
    return found


_OF_NETWORK = frozenset(
    {Names.NETWORK, Names.NETWORK_ARN, Names.NETWORK_ACCOUNT, Names.NETWORK_ORGANIZATION}
)
_OF_RESOURCE = frozenset({Names.RESOURCE_ACCOUNT, Names.RESOURCE_ORGANIZATION})

# The variables that bind a key to the resource's own owner: on either side of the comparison.
_OWN_ACCOUNT = {
    Names.ACCOUNT: "${aws:resourceaccount}",
    Names.NETWORK_ACCOUNT: "${aws:resourceaccount}",
    Names.RESOURCE_ACCOUNT: "${aws:principalaccount}",
}
_OWN_ORGANIZATION = {
    Names.ORGANIZATION: "${aws:resourceorgid}",
    Names.NETWORK_ORGANIZATION: "${aws:resourceorgid}",
    Names.RESOURCE_ORGANIZATION: "${aws:principalorgid}",
}


def _variable(names: Names, value: str, account: str) -> Bound | Unbound:
    of_network = names in _OF_NETWORK
    if value == _OWN_ACCOUNT.get(names):
        return Bound(f"account {account}", account=account, of_network=of_network)
    if value == _OWN_ORGANIZATION.get(names):
        return Bound("the resource's own organization", of_network=of_network)
    return Unbound(f"the policy variable in {value!r} cannot be resolved", undecided=True)


def _exact(names: Names, value: str) -> Bound | Unbound:
    make = _EXACT.get(names)
    return Bound(f"{_WORDS.get(names, names.value)} {value}") if make is None else make(value)


def _exact_account(value: str) -> Bound:
    return Bound(f"account {value}", account=value)


def _exact_organization(value: str) -> Bound:
    return Bound(f"organization {value}", organization=value.split("/")[0])


def _exact_identity(value: str) -> Bound:
    # The unique id of a root user is its account's.
    owner = value.split(":")[0]
    return Bound(f"unique id {value}", account=owner if is_account(owner) else None)


def _exact_arn(value: str) -> Bound:
    fields = arn_fields(value)
    return Bound(f"ARN {value}", account=fields[4] if fields and fields[4] else None)


def _exact_provider(value: str) -> Bound | Unbound:
    if arn_fields(value) is None:
        return Unbound(f"{value} serves everyone")
    return _exact_arn(value)


def _exact_service(value: str) -> Bound:
    return Bound(f"service {value}", service=value)


_EXACT: dict[Names, Callable[[str], Bound | Unbound]] = {
    Names.ACCOUNT: _exact_account,
    Names.NETWORK_ACCOUNT: _exact_account,
    Names.ORGANIZATION: _exact_organization,
    Names.NETWORK_ORGANIZATION: _exact_organization,
    Names.IDENTITY: _exact_identity,
    Names.ARN: _exact_arn,
    Names.NETWORK_ARN: _exact_arn,
    Names.PROVIDER: _exact_provider,
    Names.SERVICE: _exact_service,
}
_WORDS = {Names.NETWORK: "VPC or endpoint"}

# Before this the owner of what a value names is told: all that follows may be a wildcard.
_OWNER_ENDS_AT = {
    Names.ORGANIZATION: "/",
    Names.NETWORK_ORGANIZATION: "/",
    Names.IDENTITY: ":",
}
_ARNS = frozenset({Names.ARN, Names.NETWORK_ARN, Names.PROVIDER})


def _pattern(names: Names, operator: str, value: str) -> Bound | Unbound:
    if names in _ARNS:
        return _arn_pattern(operator, value)
    literal = literal_start(value)
    separator = _OWNER_ENDS_AT.get(names)
    if separator is not None and separator in literal:
        return _exact(names, literal)
    return Unbound(f"{value!r} has a wildcard where the {_WORDS.get(names, names.value)} is named")


# What AWS numbers itself, alike in no two accounts.
_NUMBERED = re.compile(r"(vpc/vpc|instance/i|managed-instance/mi)-[0-9a-f]{8,}", re.ASCII)


def _arn_pattern(operator: str, value: str) -> Bound | Unbound:
    fields = arn_fields(value)
    if fields is None:
        return Unbound(f"{value!r} is a wildcard for any account")
    _, _, service, _, owner, resource = fields
    literal_until = len(literal_start(value))
    # Under StringLike a star runs across colons, so a field counts only when all before is literal.
    whole_text = operator == "stringlike"
    if is_account(owner):
        if whole_text and literal_until < len(":".join(fields[:5])):
            return Unbound(
                f"under StringLike the wildcard in {value!r} can run past the account; "
                "ArnLike keeps it in its field",
                undecided=True,
            )
        return Bound(f"ARN {value}", account=owner)
    bucket = resource.split("/")[0]
    if service == "s3" and bucket and not has_wildcard(bucket):
        if whole_text and literal_until < len(value) - len(resource) + len(bucket):
            return Unbound(f"the wildcard in {value!r} can run past the bucket", undecided=True)
        return Bound(f"bucket {bucket}")
    if not whole_text and _NUMBERED.fullmatch(resource):
        return Bound(f"ARN {value}")
    return Unbound(f"{value!r} names no account")
