"""Whom a policy lets in: the callers of a resource, the identities that may assume a role.

What makes a policy public: S3 user guide, "The meaning of 'public'".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..addresses import parse_block, reach_internet
from .document import Statement, statements

# Keys that name one account, organisation, network or service; a wildcard in the value unties them.
_NAMING_KEYS = frozenset(
    {
        "aws:principalaccount",
        "aws:principalorgid",
        "aws:principalservicename",
        "aws:sourceaccount",
        "aws:sourceorgid",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:vpceaccount",
        "aws:vpceorgid",
        "kms:calleraccount",
        "s3:dataaccesspointaccount",
    }
)
# Keys whose values are paths or identifiers with a fixed beginning.
_PREFIX_KEYS = frozenset(
    {"aws:principalorgpaths", "aws:sourceorgpaths", "aws:vpceorgpaths", "aws:userid"}
)
# Variables that stand for the owner of the resource: as good as the owner's name.
_OWNER_VARIABLES = {
    "aws:principalaccount": "${aws:resourceaccount}",
    "aws:principalorgid": "${aws:resourceorgid}",
    "aws:sourceaccount": "${aws:resourceaccount}",
    "aws:sourceorgid": "${aws:resourceorgid}",
    "aws:sourceowner": "${aws:resourceaccount}",
}
_ARN_KEYS = frozenset({"aws:principalarn", "aws:sourcearn", "s3:dataaccesspointarn"})
_POSITIVE = frozenset(
    {"stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "ipaddress"}
)
_NEGATIVE = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
    "notipaddress": "ipaddress",
}
_SERVICE_KEYS = frozenset({"aws:principalisawsservice", "aws:viaawsservice"})


def _fixed_prefix(value: str) -> str:
    for index, character in enumerate(value):
        if character in "*?$":
            return value[:index]
    return value


def _fixed_arn(value: str) -> bool:
    """Whether an ARN pattern is tied to one account, or to one resource that has no account."""
    parts = value.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn":
        return value == _fixed_prefix(value) and bool(value)
    account, resource = parts[4], parts[5]
    if account and account == _fixed_prefix(account):
        return True
    # A bucket's whole name belongs to one account in the world; its beginning to nobody.
    bucket = resource.split("/", 1)[0]
    return parts[2] == "s3" and bool(bucket) and bucket == _fixed_prefix(bucket)


def _names_someone(operator: str, key: str, value: str) -> bool:
    if key in _OWNER_VARIABLES and value.lower() == _OWNER_VARIABLES[key]:
        return True
    literal = operator in ("stringequals", "stringequalsignorecase") and "${" not in value
    if key in _NAMING_KEYS:
        return bool(value) and (literal or value == _fixed_prefix(value))
    if key in _PREFIX_KEYS:
        return literal or len(_fixed_prefix(value)) >= 8
    if key in _ARN_KEYS:
        return literal or _fixed_arn(value)
    return False


def _narrow(operator: str, key: str, values: tuple[str, ...]) -> bool:
    """Whether a positive comparison leaves only callers that someone has named."""
    if not values:
        return False
    if key == "aws:sourceip":  # aws:VpcSourceIp would be the same in everyone's VPC
        if operator != "ipaddress":
            return False
        blocks = [parse_block(value) for value in values]
        return all(blocks) and not reach_internet(block for block in blocks if block)
    return operator in _POSITIVE and all(_names_someone(operator, key, value) for value in values)


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
    # A stranger's request lacks the key: these two pass it, unless the key is demanded besides.
    # The source address is always there.
    if operator.endswith("ifexists"):
        operator = operator.removesuffix("ifexists")
        demanded = demanded or key == "aws:sourceip"
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
        operator = operator.removeprefix("foranyvalue:").removesuffix("ifexists")
        if operator == "bool" and key in _SERVICE_KEYS and values == ("false",):
            continue
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


# Identity providers that serve everyone, and the claims that tell whose identity it is.
_SHARED_PROVIDERS: Mapping[str, tuple[str, ...]] = {
    "accounts.google.com": ("aud", "oaud", "sub"),
    "agent.buildkite.com": ("sub",),
    "app.terraform.io": ("sub",),
    "cognito-identity.amazonaws.com": ("aud", "sub"),
    "gitlab.com": ("sub",),
    "graph.facebook.com": ("app_id",),
    "token.actions.githubusercontent.com": ("sub",),
    "www.amazon.com": ("app_id", "user_id"),
}


def _claim_tied(value: str, operator: str) -> bool:
    if operator.startswith("stringequals"):
        return bool(value) and "${" not in value
    prefix = _fixed_prefix(value)
    # "repo:owner/" ends the owner's name; without the stroke anyone can register a longer one.
    return prefix == value or "/" in prefix or (":" in prefix and not prefix.startswith("repo:"))


def _admits_any_identity(statement: Statement, principal: str) -> bool:
    provider = principal.rsplit("oidc-provider/", 1)[-1]
    claims = _SHARED_PROVIDERS.get(provider)
    if claims is None:
        return False
    keys = {f"{provider}:{claim}" for claim in claims}
    return not any(
        key in keys
        and operator in ("stringequals", "stringequalsignorecase", "stringlike")
        and values
        and all(_claim_tied(value, operator) for value in values)
        for operator, key, values in (
            (operator.removeprefix("foranyvalue:"), key, values)
            for operator, key, values in statement.conditions
        )
    )


def unbound_federations(document: Mapping[str, Any]) -> list[Statement]:
    """The statements of a trust policy that admit every identity of a provider open to everyone.

    Such as GitHub's without a condition on the repository (IAM user guide, "Create a role for
    OpenID Connect federation").
    """
    return [
        statement
        for statement in statements(document)
        if statement.allows
        and any(_admits_any_identity(statement, principal) for principal in statement.principals)
    ]
