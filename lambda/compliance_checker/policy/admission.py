"""Whom a policy lets in: the callers of a resource, the identities that may assume a role.

What makes a policy public: S3 user guide, "The meaning of 'public'".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..addresses import parse_block, reach_internet
from .condition_keys import is_known, key_of, owner_in, serves_everyone
from .document import Statement, statements

# Variables that stand for the owner of the resource, or for the caller: as good as the name.
_OWNER_VARIABLES = {
    "account": "${aws:resourceaccount}",
    "network-account": "${aws:resourceaccount}",
    "organization": "${aws:resourceorgid}",
    "network-organization": "${aws:resourceorgid}",
    "resource-account": "${aws:principalaccount}",
    "resource-organization": "${aws:principalorgid}",
}
# Before this a value names its owner; all that follows may be a wildcard.
_OWNER_ENDS_AT = {"organization": "/", "network-organization": "/", "identity": ":"}
_ARNS = frozenset({"arn", "network-arn", "provider"})
# What AWS numbers itself, alike in no two accounts.
_NUMBERED = re.compile(r"(vpc/vpc|instance/i|managed-instance/mi)-[0-9a-f]{8,}", re.ASCII)
_TEXTS = frozenset({"stringequals", "stringequalsignorecase", "stringlike"})
_POSITIVE = _TEXTS | {"arnequals", "arnlike"}
_NEGATIVE = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
    "notipaddress": "ipaddress",
}
# A Deny that leaves services alone. The first key is missing from anonymous requests, so that these
# are kept out only with IfExists.
_SERVICE_OPERATORS = {
    "aws:principalisawsservice": frozenset({"boolifexists"}),
    "aws:viaawsservice": frozenset({"bool", "boolifexists"}),
}


def _fixed_prefix(value: str) -> str:
    for index, character in enumerate(value):
        if character in "*?$":
            return value[:index]
    return value


def _fixed_arn(operator: str, value: str) -> bool:
    """Whether an ARN pattern is tied to one account, or to one resource that has no account."""
    fixed = _fixed_prefix(value)
    parts = value.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn":
        return value == fixed and bool(value)
    account, resource = parts[4], parts[5]
    # Under StringLike a star runs across colons: a field counts only when all before it is fixed.
    whole = operator == "stringlike"
    if len(account) == 12 and account.isdigit():
        return not whole or len(fixed) >= len(":".join(parts[:5]))
    # A bucket's whole name belongs to one account in the world; its beginning to nobody.
    bucket = resource.split("/", 1)[0]
    if parts[2] == "s3" and bucket and bucket == _fixed_prefix(bucket):
        return not whole or len(fixed) >= len(value) - len(resource) + len(bucket)
    return not whole and _NUMBERED.fullmatch(resource) is not None


def _names_someone(operator: str, names: str, value: str) -> bool:
    if value.lower() == _OWNER_VARIABLES.get(names):
        return True
    if "${" in value or names.startswith("resource-") or not value:
        return False
    exact = operator in ("stringequals", "stringequalsignorecase") or value == _fixed_prefix(value)
    if names == "provider" and value.count(":") < 5:
        return False  # one of those that serve everyone
    if exact:
        return True
    if names in _ARNS:
        return _fixed_arn(operator, value)
    return _OWNER_ENDS_AT.get(names, "\0") in _fixed_prefix(value)


def _narrow(operator: str, key: str, values: tuple[str, ...]) -> bool:
    """Whether a positive comparison leaves only callers that someone has named."""
    names = key_of(key).names
    if not values or names == "nothing":
        return False
    if names == "address":
        if operator != "ipaddress":
            return False
        blocks = [parse_block(value) for value in values]
        return all(blocks) and not reach_internet(block for block in blocks if block)
    return operator in _POSITIVE and all(_names_someone(operator, names, value) for value in values)


def _narrowed(statement: Statement) -> bool:
    """Whether the conditions of an Allow leave only callers that someone has named."""
    demanded = {
        key
        for operator, key, values in statement.conditions
        if operator == "null" and values == ("false",)
    }
    return any(
        _condition_narrows(operator, key, values, demanded=key in demanded)
        for operator, key, values in statement.conditions
    )


def _condition_narrows(operator: str, key: str, values: tuple[str, ...], *, demanded: bool) -> bool:
    # A stranger's request may lack the key: these two pass it, unless the key is demanded besides,
    # or there in every request.
    demanded = demanded or key_of(key).always_there
    if operator.endswith("ifexists"):
        operator = operator.removesuffix("ifexists")
    elif not operator.startswith("forallvalues:"):
        demanded = True
    operator = operator.removeprefix("foranyvalue:").removeprefix("forallvalues:")
    return demanded and _narrow(operator, key, values)


def _denies_strangers(statement: Statement) -> bool:
    """Whether a Deny applies to everyone but callers whom its conditions name."""
    if statement.allows or statement.has_not_principal or "*" not in statement.principals:
        return False
    named = False
    for operator, key, values in statement.conditions:
        if operator in _SERVICE_OPERATORS.get(key, ()) and values == ("false",):
            continue
        if operator.startswith("foranyvalue:"):
            return False  # it does not hold of a stranger's request that lacks the key
        operator = operator.removeprefix("forallvalues:").removesuffix("ifexists")
        if operator not in _NEGATIVE or not _narrow(_NEGATIVE[operator], key, values):
            return False
        named = True
    return named


def _contains(outer: Statement, inner: Statement) -> bool:
    """Whether one statement speaks of every action and resource of another."""
    if inner.not_actions or inner.not_resources:
        return "*" in outer.actions and "*" in outer.resources
    return all(outer.covers_action(action) for action in inner.actions) and all(
        outer.covers_resource(resource) for resource in inner.resources
    )


def _anyone(principal: str) -> bool:
    if principal.strip("*") == "":
        return bool(principal)
    parts = principal.split(":")
    return len(parts) >= 6 and parts[0] == "arn" and "*" in parts[4]


def public_statements(document: Mapping[str, Any]) -> list[Statement]:
    """The statements of a resource policy that let in callers whom nobody has named.

    An Allow to everyone counts unless a condition ties it to named accounts, organisations,
    networks or services, or a Deny keeps out everyone else.
    """
    every = statements(document)
    barriers = [statement for statement in every if _denies_strangers(statement)]
    return [
        statement
        for statement in every
        if statement.allows
        and (statement.has_not_principal or any(map(_anyone, statement.principals)))
        and not _narrowed(statement)
        and not any(_contains(barrier, statement) for barrier in barriers)
    ]


def doubtful_keys(found: Iterable[Statement]) -> list[str]:
    """The condition keys of statements of which it is not known whom they hold back, sorted."""
    keys = {key for statement in found for _, key, _ in statement.conditions}
    return sorted(key for key in keys if not is_known(key))


def _claim_tied(owner: str, operator: str, value: str) -> bool:
    if "${" in value:
        return False
    fixed = value if operator.startswith("stringequals") else _fixed_prefix(value)
    if not owner:
        return fixed == value and bool(value)
    # "repo:owner/" ends the owner's name; without the stroke anyone can register a longer one.
    return re.match(owner, f"{value}:" if fixed == value else fixed) is not None


def _names_identities(provider: str, operator: str, key: str, values: tuple[str, ...]) -> bool:
    """Whether a condition admits only identities of a provider whose owner it names."""
    host, _, claim = key.rpartition(":")
    owner = owner_in(provider, claim) if host == provider else None
    return (
        owner is not None
        and operator.removeprefix("foranyvalue:") in _TEXTS
        and bool(values)
        and all(
            _claim_tied(owner, operator.removeprefix("foranyvalue:"), value) for value in values
        )
    )


@dataclass(frozen=True, slots=True)
class Federation:
    """A statement that admits identities of a provider without naming whose.

    ``serves_everyone`` is false for a provider of which it is not known whom it serves.
    """

    statement: Statement
    provider: str
    serves_everyone: bool


def _provider(principal: str) -> str | None:
    """The host, and path, of an identity provider; None for any other principal."""
    if principal.startswith("arn:"):
        _, found, provider = principal.partition(":oidc-provider/")
        return provider.lower() if found else None
    return principal.lower() if serves_everyone(principal.lower()) else None


def unbound_federations(document: Mapping[str, Any]) -> list[Federation]:
    """The statements of a trust policy that do not name whose identities of a provider they admit.

    Such as GitHub's without a condition on the repository (IAM user guide, "Create a role for
    OpenID Connect federation").
    """
    return [
        Federation(statement, provider, serves_everyone(provider))
        for statement in statements(document)
        if statement.allows
        for provider in filter(None, map(_provider, statement.principals))
        if not any(_names_identities(provider, *condition) for condition in statement.conditions)
    ]
