"""Who in an account may do something, by all policies that have a say: its own and the resource's.

What cannot be decided counts as permitted: a condition on what is not known of a request may hold
where it allows, and need not where it denies. Service control policies and session policies only
take away, and are not looked at. Sources: IAM user guide, "Policy evaluation logic", "Evaluating
policies within a single account", "Permissions boundaries"; KMS developer guide, "Key policies"
(IAM policies count where the key policy lets the account), "Grants in AWS KMS".
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from verify.policy.conditions import Context, all_of, evaluate, resolve
from verify.policy.document import Document, Principal, Statement
from verify.policy.globs import TooManyStatesError, met_by_pattern
from verify.policy.identities import Identity
from verify.policy.need import NamedPolicy
from verify.policy.patterns import arn_fields, arn_matches, is_account, statement_matches_action

_VARIABLE = re.compile(r"\$\{[^}]*\}")
_ASSUME = "sts:AssumeRole"
# In the place of anyone: a principal of an account that is nobody's.
_SOMEBODY = "arn:aws:iam::000000000000:user/somebody"


@dataclass(frozen=True)
class Guard:
    """The resource's side: its policy, if it has one, and who is let in beside all policies.

    Where `alone` is set, policies of users and roles count only as far as the resource's own lets
    their account (keys, and roles that are assumed); else they are enough by themselves.
    """

    policy: NamedPolicy | None = None
    alone: bool = False
    grantees: Mapping[str, str] = field(default_factory=dict)  # ARN -> by what


@dataclass(frozen=True)
class Asked:
    """One action on any of the resources of a pattern, with what is known of every such request."""

    action: str
    resource: str
    guard: Guard = field(default_factory=Guard)
    context: Context = field(default_factory=dict)


def how_it_may(identity: Identity, asked: Asked) -> str | None:
    """By what a user or role may do what is asked, in words; None if it surely may not."""
    context = {**_known_of(identity), **asked.context}
    own = [rule for policy in identity.policies for rule in _rules(policy, asked, context)]
    bound = None if identity.boundary is None else list(_rules(identity.boundary, asked, context))
    guard = list(_guarding(asked, identity.arn, context))
    sides = _Sides(own, bound, guard, asked.guard, identity.arn)
    try:
        return next(filter(None, map(sides.permits, _ways(asked.resource, sides.rules))), None)
    except TooManyStatesError as error:
        return f"what cannot be told: {error}"


def others_who_may(
    asked: Asked, identities: Iterable[Identity], admitted: Collection[str]
) -> Iterator[str]:
    """Every user and role that may do what is asked and is not admitted, and by what.

    `admitted` are ARNs, also with wildcards.
    """
    for identity in identities:
        if not _is_admitted(identity.arn, admitted):
            how = how_it_may(identity, asked)
            if how is not None:
                yield f"{identity.name}, by {how}"


def chains_to(
    roles: Iterable[str], identities: Sequence[Identity], admitted: Mapping[str, Collection[str]]
) -> Iterator[str]:
    """Every user and role that may become one of `roles`, by one assumption or by several.

    `admitted` are the ARNs, also with wildcards, that may assume each role; those of "" any. They
    are not looked at further: what leads to them is what leads to an administrator.
    """
    known = {identity.arn: identity for identity in identities}
    frontier = [(arn, arn.rpartition(":")[2].replace("/", " ", 1)) for arn in roles]
    seen = {arn for arn, _ in frontier}
    while frontier:
        arn, way = frontier.pop(0)
        role = known.get(arn)
        if role is None or role.trust is None:
            continue
        asked = Asked(_ASSUME, arn, Guard(NamedPolicy("its trust", role.trust), alone=True))
        welcome = [*admitted.get(arn, ()), *admitted.get("", ())]
        for identity in identities:
            if identity.arn in seen or _is_admitted(identity.arn, welcome):
                continue
            how = how_it_may(identity, asked)
            if how is not None:
                chain = f"{identity.name} -> {way}"
                yield f"{chain}, by {how}"
                seen.add(identity.arn)
                frontier.append((identity.arn, chain))


def strangers_who_may(asked: Asked, account: str) -> Iterator[str]:
    """Whom the resource's own policy lets do what is asked, that no policy of the account binds.

    Those are principals of other accounts, and anyone. What denies it to them is heeded where it
    surely does. Services are not among them: what they may is judged apart.
    """
    policy = asked.guard.policy
    if policy is None:
        return
    for statement in policy.document.statements:
        if not (statement.allows and statement_matches_action(statement, asked.action)):
            continue
        for principal in statement.principals or (Principal("*", "*"),):
            if not _is_strange(principal, account):
                continue
            allowing = NamedPolicy(policy.name, Document(policy.document.version, (statement,)))
            known = {**_known_of_stranger(principal), **asked.context}
            # Whoever that is, it is not one of the principals that a Deny spares by name.
            somebody = {"aws:principalarn": (_SOMEBODY,), **known}
            rules = [
                *(rule for rule in _rules(allowing, asked, known)),
                *(
                    rule
                    for rule in _guarding(asked, somebody["aws:principalarn"][0], somebody)
                    if not rule.allows
                ),
            ]
            sides = _Sides([], None, rules, asked.guard, principal.value)
            if any(map(sides.permits, _ways(asked.resource, sides.rules))):
                yield f"{principal.describe()}, by {_label(policy, statement)}"


# --- one kind of request --------------------------------------------------------------------------


@dataclass(frozen=True)
class _Rule:
    """What a statement says to the action: on which resources, and on which it does not.

    What allows allows all that it may; what denies denies what it surely does.
    """

    label: str
    allows: bool
    patterns: tuple[str, ...]
    but: tuple[str, ...] = ()
    delegates: bool = False  # it lets the account, and not its principals

    def meets(self, met: Collection[str]) -> bool:
        return any(one in met for one in self.patterns) and not any(one in met for one in self.but)


@dataclass(frozen=True)
class _Sides:
    """All that has a say: the identity's own rules, its boundary's, the resource's."""

    own: Sequence[_Rule]
    bound: Sequence[_Rule] | None
    guarding: Sequence[_Rule]
    guard: Guard
    arn: str

    @property
    def rules(self) -> tuple[_Rule, ...]:
        return (*self.own, *(self.bound or ()), *self.guarding)

    def permits(self, met: frozenset[str]) -> str | None:
        """By what a request is permitted on resources that these patterns match."""
        if any(not rule.allows and rule.meets(met) for rule in self.rules):
            return None
        by_guard = [rule for rule in self.guarding if rule.allows and rule.meets(met)]
        direct = next((rule.label for rule in by_guard if not rule.delegates), None)
        granted = self._granted()
        if direct or granted:
            return direct or granted
        if self.guard.alone and not any(rule.delegates for rule in by_guard):
            return None
        if self.bound is not None and not _first(self.bound, met):
            return None
        return _first(self.own, met)

    def _granted(self) -> str | None:
        return next(
            (what for arn, what in self.guard.grantees.items() if _is_of(arn, self.arn)), None
        )


def _first(rules: Iterable[_Rule], met: frozenset[str]) -> str | None:
    return next((rule.label for rule in rules if rule.allows and rule.meets(met)), None)


def _ways(resource: str, rules: Sequence[_Rule]) -> Iterator[frozenset[str]]:
    """For each kind of the resources of a pattern: which patterns of the rules match it."""
    flat = tuple(dict.fromkeys(text for rule in rules for text in (*rule.patterns, *rule.but)))
    for met in met_by_pattern(resource, flat):
        yield frozenset(flat[i] for i in met)


def _rules(policy: NamedPolicy, asked: Asked, context: Context) -> Iterator[_Rule]:
    for statement in policy.document.statements:
        if statement_matches_action(statement, asked.action):
            holds = _holds(policy.document, statement, context)
            if holds or (holds is None and statement.allows):
                yield _rule(policy, statement, context)


def _rule(
    policy: NamedPolicy, statement: Statement, context: Context, *, delegates: bool = False
) -> _Rule:
    widely = statement.allows
    document = policy.document
    if statement.not_resources:
        patterns: tuple[str, ...] = ("*",)
        but = _patterns(document, statement.not_resources, context, widely=not widely)
    else:
        stated = statement.resources or ("*",)
        patterns, but = _patterns(document, stated, context, widely=widely), ()
    return _Rule(_label(policy, statement), statement.allows, patterns, but, delegates)


def _patterns(
    document: Document, stated: Iterable[str], context: Context, *, widely: bool
) -> tuple[str, ...]:
    """Patterns with their variables replaced; an unknown one by a star, or left out."""
    found = []
    for text in stated:
        resolved = resolve(text, context, document.has_variables)
        if resolved is None and widely:
            resolved = _VARIABLE.sub("*", text)
        if resolved is not None:
            missing = max(0, 5 - resolved.count(":")) if resolved.startswith("arn:") else 0
            found.append(resolved + ":*" * missing)
    return tuple(found)


def _holds(document: Document, statement: Statement, context: Context) -> bool | None:
    """Whether the conditions hold; None where something decides that is not known of requests."""
    return all_of(
        [
            evaluate(line, context, document.has_variables) if line.name in context else None
            for line in statement.conditions
        ]
    )


def _label(policy: NamedPolicy, statement: Statement) -> str:
    return f"{policy.name}, {statement.label}"


# --- the resource's side --------------------------------------------------------------------------


def _guarding(asked: Asked, arn: str, context: Context, *, anyone: bool = False) -> Iterator[_Rule]:
    """What the resource's policy says of a principal; with `anyone`, of one of no account."""
    policy = asked.guard.policy
    for statement in policy.document.statements if policy else ():
        if not statement_matches_action(statement, asked.action):
            continue
        meant = _meant(statement, arn)
        if not meant.surely and not (statement.allows and meant.perhaps):
            continue
        assert policy is not None  # noqa: S101 - it has statements
        holds = _holds(policy.document, statement, context)
        if holds or (holds is None and statement.allows):
            yield _rule(policy, statement, context, delegates=meant.as_account)


@dataclass(frozen=True)
class _Meant:
    """Whether a statement is about a principal: surely, perhaps, and only as one of its account."""

    surely: bool
    perhaps: bool
    as_account: bool = False


def _meant(statement: Statement, arn: str) -> _Meant:
    if statement.not_principals:
        # Who is left out must be left out with its account and, of a role, with its sessions.
        spared = any(
            _names(one, arn) or _is_account_of(one, arn) for one in statement.not_principals
        )
        return _Meant(surely=not spared, perhaps=True)
    named = any(_names(one, arn) for one in statement.principals)
    of_account = any(_is_account_of(one, arn) for one in statement.principals)
    # A Deny of a session is not one of every session.
    surely = of_account or any(
        _names(one, arn) and ":assumed-role/" not in one.value for one in statement.principals
    )
    return _Meant(surely, named or of_account, as_account=of_account and not named)


def _names(principal: Principal, arn: str) -> bool:
    if principal.value == "*":
        return principal.kind in ("*", "AWS")
    return principal.kind == "AWS" and _is_of(principal.value, arn)


def _is_of(named: str, arn: str) -> bool:
    """Whether an ARN is a principal's own, or that of a session of a role."""
    if named == arn:
        return True
    ours, theirs = arn_fields(arn), arn_fields(named)
    if ours is None or theirs is None or ours[4] != theirs[4]:
        return False
    # A session does not show its role's path.
    kind, _, role = theirs[5].partition("/")
    return (
        (theirs[2], kind) == ("sts", "assumed-role")
        and ours[5].startswith("role/")
        and role.partition("/")[0] == ours[5].rpartition("/")[2]
    )


def _is_account_of(principal: Principal, arn: str) -> bool:
    fields = arn_fields(arn)
    if principal.kind != "AWS" or fields is None:
        return False
    owner = arn_fields(principal.value)
    if owner is not None and owner[2] == "iam" and owner[5] == "root":
        return owner[4] == fields[4]
    return is_account(principal.value) and principal.value == fields[4]


def _is_strange(principal: Principal, account: str) -> bool:
    if principal.kind == "Service":
        return False
    fields = arn_fields(principal.value)
    owner = fields[4] if fields else principal.value
    return owner != account


# --- what is known of everybody's requests --------------------------------------------------------


def _known_of(identity: Identity) -> Context:
    fields = arn_fields(identity.arn)
    account = fields[4] if fields else ""
    known = {
        "aws:principalaccount": (account,),
        "aws:principalarn": (identity.arn,),
        "aws:principalisawsservice": ("false",),
        "aws:principaltype": ("AssumedRole" if identity.is_role else "User",),
        "aws:securetransport": ("true",),
        "kms:calleraccount": (account,),
    }
    if not identity.is_role:
        known["aws:username"] = (identity.arn.rpartition("/")[2],)
    return known


def _known_of_stranger(principal: Principal) -> Context:
    known: dict[str, tuple[str, ...]] = {"aws:securetransport": ("true",)}
    known["aws:principalisawsservice"] = ("false",)
    fields = arn_fields(principal.value)
    if fields and fields[2] == "iam" and fields[5] != "root":
        known["aws:principalarn"] = (principal.value,)
    return known


def _is_admitted(arn: str, admitted: Collection[str]) -> bool:
    return any(arn_matches(pattern, arn) for pattern in admitted)
