"""Whether a role's trust names whose identities of an identity provider it admits.

Which providers serve everyone, and which claim tells whose identity it is, is in
identity-providers.json, beside this module: one table for the verification suite and for the
function. Source: IAM user guide, "Create a role for OpenID Connect federation".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from verify.policy.bounds import Bound, Unbound
from verify.policy.document import Condition, Document, Statement
from verify.policy.narrowing import demanded_keys
from verify.policy.patterns import has_wildcard, literal_start

_TABLE = json.loads(Path(__file__).with_name("identity-providers.json").read_text("utf-8"))
_SHARED: Mapping[str, Mapping[str, str | None]] = _TABLE["providers"]
_TENANTS = re.compile("|".join(f"(?:{pattern})" for pattern in _TABLE["tenants"]))
# Of a provider that is not known; whom an audience stands for is the provider's to say.
_SUBJECT: Mapping[str, str | None] = {"sub": ""}

_OPERATORS = frozenset({"stringequals", "stringequalsignorecase", "stringlike"})


def provider_of(principal: str) -> tuple[str, str]:
    """Of a federated principal: `saml-provider`, `oidc-provider` or nothing; and host with path."""
    resource = principal.split(":", 5)[-1]
    kind, slash, host = resource.partition("/")
    if slash and kind in ("saml-provider", "oidc-provider"):
        return kind, host.lower()
    return "", principal.lower()


def narrowed_identities(document: Document, statement: Statement, host: str) -> Bound | Unbound:
    """Whose identities of the provider at `host` the conditions of a statement admit."""
    doubts = []
    for condition in statement.conditions:
        prefix, _, claim = condition.name.rpartition(":")
        if prefix != host:
            continue
        there = condition.name in demanded_keys(statement)
        found = _claimed(document, condition, claim, host, there=there)
        if isinstance(found, Bound):
            return found
        doubts.append(found)
    claims = [claim for claim, owner in _claims_of(host).items() if owner is not None]
    wanted = " or ".join(sorted(f"{host}:{claim}" for claim in claims)) or f"a claim of {host}"
    why = "; ".join([f"no condition on {wanted}", *(doubt.why for doubt in doubts)])
    return Unbound(why, host not in _SHARED or any(doubt.undecided for doubt in doubts))


def _claims_of(host: str) -> Mapping[str, str | None]:
    """The claims of which it is known whether they tell whose identity it is; see the table."""
    if host in _SHARED:
        return _SHARED[host]
    return {} if _TENANTS.fullmatch(host) else _SUBJECT


def _claimed(
    document: Document, condition: Condition, claim: str, host: str, *, there: bool
) -> Bound | Unbound:
    """What a condition on a claim admits; `there` where tokens without the claim are refused."""
    operator = condition.operator.lower()
    claims = _claims_of(host)
    # The provider of one customer admits nobody else: any of its claims narrows further.
    owner = "" if _TENANTS.fullmatch(host) else claims.get(claim)
    if owner is None:
        known = claim in claims
        why = "anyone can have alike" if known else "is not known here"
        return Unbound(f"{condition.key} {why}", undecided=not known)
    if operator == "null" or "not" in operator:
        return Unbound(f"{condition.describe()} admits all but what it names")
    if operator not in _OPERATORS:
        return Unbound(f"{condition.describe()} is no comparison that is known here", True)
    if (condition.if_exists or condition.for_all) and not there:
        return Unbound(f"{condition.describe()} also admits tokens without the claim")
    for value in condition.values:
        doubt = _doubt(document, owner, operator, value)
        if doubt is not None:
            return doubt
    return Bound(f"{condition.key} {' or '.join(condition.values)}")


def _doubt(document: Document, owner: str, operator: str, value: str) -> Unbound | None:
    """Why a claim's value names no owner; None when it names one."""
    if "${" in value and document.has_variables:
        return Unbound(f"the policy variable in {value!r} cannot be resolved", undecided=True)
    wild = operator == "stringlike" and has_wildcard(value)
    literal = literal_start(value) if wild else value
    if owner:
        if re.match(owner, literal if wild else f"{value}:"):
            return None
        # What stands there whole may name an owner in a way that is not known here.
        return Unbound(f"{value!r} does not name the owner to its end", undecided=not wild)
    if not wild and literal:
        return None
    return Unbound(f"{value!r} has a wildcard where the identity is named", undecided=bool(literal))
