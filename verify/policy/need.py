"""Whether a role's policies give exactly what the role needs: nothing beyond it, nothing less.

What is granted and what is needed are sets of requests: an action on a resource, under conditions.
They are compared as sets, so that a grant means the same in one statement or in three, by a
wildcard or by names, whatever its case and order. Sources: IAM user guide, "Policy evaluation
logic", "IAM JSON policy elements: Resource" (a `*` may run past a colon, missing ARN segments are
filled up), "Variables and tags", "Permissions boundaries for IAM entities".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache, partial
from itertools import product

from verify.policy.conditions import Context, all_of, evaluate
from verify.policy.document import Condition, Document, Statement
from verify.policy.finding import Finding, Verdict
from verify.policy.globs import Patterns, TooManyStatesError, may_meet, met_by_pattern
from verify.policy.identity import overbroad_identity_statements
from verify.policy.implication import implies, implies_line
from verify.policy.patterns import has_wildcard, matches
from verify.policy.requests import resources_of

# A statement's conditions are taken apart by their values up to this many combinations.
_MAXIMUM_COMBINATIONS = 64
_VARIABLE = re.compile(r"\$\{([^}]*)\}")


@dataclass(frozen=True)
class NamedPolicy:
    """One of a role's policies; `name` is how findings call it."""

    name: str
    document: Document


@dataclass(frozen=True)
class _Side:
    """A set of actions or resources: what one of `patterns` matches and none of `but` does."""

    patterns: tuple[str, ...]
    but: tuple[str, ...] = ()

    def has(self, text: str) -> bool:
        """Whether a text is in it."""
        return self._matched.match(text) and not self._excepted.match(text)

    # Most are names: to look one up is quicker than to hold a text to each of hundreds.
    @cached_property
    def _matched(self) -> Patterns:
        return Patterns(self.patterns)

    @cached_property
    def _excepted(self) -> Patterns:
        return Patterns(self.but)


class _ActionsOf:
    """The actions of some grants, of which many are asked in turn: who names one is looked up."""

    def __init__(self, grants: Iterable[_Grant]) -> None:
        self._sides = [grant.actions for grant in grants]
        self._named: dict[str, set[int]] = {}
        self._tried: list[int] = []
        for i, side in enumerate(self._sides):
            if side.but or any(map(has_wildcard, side.patterns)):
                self._tried.append(i)
            else:
                for name in side.patterns:
                    self._named.setdefault(name, set()).add(i)

    def ways(self, action: str, within: _Side) -> frozenset[frozenset[int]]:
        """For each kind of action that a pattern means, of those `within`: the grants that have it.

        The pattern is one of the side's own.
        """
        if within.but:
            found = _ways(action, [*self._sides, within])
            return frozenset(way - {len(self._sides)} for way in found if len(self._sides) in way)
        if has_wildcard(action):
            return _ways(action, self._sides)
        tried = (i for i in self._tried if self._sides[i].has(action))
        return frozenset({frozenset({*self._named.get(action, ()), *tried})})


@dataclass(frozen=True, eq=False)  # hashed as the one that it is, not by all that it holds
class _Grant:
    """A statement of a policy as a set of requests.

    A policy variable that is not known here may stand for anything: `sure` are the resources that
    are meant whatever it stands for, `possible` those that may be.
    """

    policy: NamedPolicy
    statement: Statement
    actions: _Side
    sure: _Side
    possible: _Side
    conditions: tuple[Condition, ...]

    @property
    def name(self) -> str:
        return f"{self.policy.name}, {self.statement.label},"

    def holds(self, context: Context) -> bool | None:
        """Whether its conditions hold for a request; None where that cannot be told."""
        outcomes = [
            evaluate(line, context, self.policy.document.has_variables)
            if line.name in context
            else None
            for line in self.conditions
        ]
        return all_of(outcomes)


# On what an action can be asked for: a side of resources, or the one text that there is.
_Askable = tuple[_Side, str | None]


def beyond_need(
    granted: Sequence[NamedPolicy],
    needed: NamedPolicy,
    account: str,
    *,
    concerning: NamedPolicy | None = None,
) -> tuple[Finding, ...]:
    """What a role of `account` may do beyond its need: a finding for each action of a statement.

    With `concerning`, only of actions that may be actions of that policy. A Deny takes away from
    what is granted if it has no conditions; whether one with conditions would, is not asked. A
    permissions boundary does not count: a grant that only it holds back is one too many.
    CANNOT_TELL where it depends on a variable. Raises PolicyError.
    """
    grants = [grant for policy in granted for grant in _grants(policy, account)]
    denies = [grant for grant in grants if not grant.statement.allows and not grant.conditions]
    needs = _grants(needed, account)
    asked = None if concerning is None else _named_actions(concerning)
    exceeds = cache(_exceeds)  # most actions of a statement can be asked for on the same
    findings: dict[str, Finding] = {}
    others = (*needs, *denies)
    known = _ActionsOf(others)
    for grant in grants:
        if grant.statement.allows:
            for action in grant.actions.patterns:
                if asked is not None and not any(may_meet(action, other) for other in asked):
                    continue
                found = _excess(grant, action, others, known, exceeds)
                if found is not None:
                    findings.setdefault(found.reason, found)
    return tuple(findings.values())


def lacking(
    granted: Sequence[NamedPolicy], needed: NamedPolicy, account: str, context: Context
) -> tuple[Finding, ...]:
    """What of its need a role of `account` may not do: a finding for each action of a need.

    `context` has the condition keys that every request of the role has. An allowance on a condition
    that does not follow from it or from the need, like a Deny on one, is CANNOT_TELL. Raises
    PolicyError.
    """
    grants = [grant for policy in granted for grant in _grants(policy, account)]
    known = _ActionsOf(grants)
    lacks = cache(partial(_lacks, context=context))  # as in `beyond_need`
    findings: dict[str, Finding] = {}
    for need in _grants(needed, account):
        for action in need.actions.patterns:
            found = _lack(need, action, grants, known, lacks)
            if found is not None:
                findings.setdefault(found.reason, found)
    return tuple(findings.values())


# --- what is granted beyond the need --------------------------------------------------------------


def _excess(
    grant: _Grant,
    action: str,
    others: Sequence[_Grant],
    known: _ActionsOf,
    exceeds: Callable[[_Grant, str, _Askable, tuple[_Grant, ...]], bool],
) -> Finding | None:
    try:
        resources = sorted(
            {
                resource
                for resource, askable, here in _kinds(grant, action, others, known)
                if exceeds(grant, resource, askable, here)
            }
        )
    except TooManyStatesError as error:
        what = f"allows {action}: {error}"
        return _about(grant, action, what, Verdict.CANNOT_TELL)
    if not resources:
        return None
    surely = [resource for resource in resources if resource in grant.sure.patterns]
    if not surely:
        what = f"may allow {action} on more than is needed, by the variables in its resources"
        return _about(grant, action, what, Verdict.CANNOT_TELL)
    broad = {
        found.subject.lower(): found.reason.removeprefix(f"{grant.statement.label} ")
        for found in overbroad_identity_statements(grant.policy.document)
        if found.index == grant.statement.index
    }
    named = action if grant.statement.actions else "notaction"
    what = (
        broad.get(named)
        or broad.get("notresource")
        or f"allows {_written(grant, action)} on {', '.join(surely)}"
    )
    return _about(grant, action, f"{what}, which the role does not need")


def _written(grant: _Grant, action: str) -> str:
    """The action as its statement writes it."""
    return next((name for name in grant.statement.actions if name.lower() == action), action)


def _about(grant: _Grant, action: str, what: str, verdict: Verdict = Verdict.VIOLATION) -> Finding:
    statement = grant.statement
    return Finding(verdict, statement.index, statement.sid, action, f"{grant.name} {what}")


def _kinds(
    grant: _Grant, action: str, others: Sequence[_Grant], known: _ActionsOf
) -> Iterator[tuple[str, _Askable, tuple[_Grant, ...]]]:
    """Each resource with what can be asked for, and those of the others that know the action."""
    for way in known.ways(action, grant.actions):
        here = tuple(one for i, one in enumerate(others) if i in way)
        for resource in grant.possible.patterns:
            askable = _askable(action, resource)
            if askable is not None:
                yield resource, askable, here


def _exceeds(grant: _Grant, resource: str, askable: _Askable, here: tuple[_Grant, ...]) -> bool:
    """Whether some of what is granted on a resource is neither needed nor denied."""
    of_action, alone = askable
    sides = [grant.possible, of_action, *(one.sure for one in here)]
    for met in _ways(resource, sides, alone=alone):
        meeting = [one for i, one in enumerate(here, 2) if i in met]
        if {0, 1} <= met and not any(
            not one.statement.allows or implies(grant.conditions, one.conditions) for one in meeting
        ):
            return True
    return False


# --- what is needed and not granted ---------------------------------------------------------------


# Why some requests on a resource are not permitted, and whether they surely are not.
_Reason = tuple[str, bool]


def _lack(
    need: _Grant,
    action: str,
    grants: Sequence[_Grant],
    known: _ActionsOf,
    lacks: Callable[[_Grant, str, _Askable, tuple[_Grant, ...]], tuple[_Reason, ...]],
) -> Finding | None:
    missing: dict[str, None] = {}
    doubtful: dict[str, None] = {}
    try:
        for way in known.ways(action, need.actions):
            here = tuple(grant for i, grant in enumerate(grants) if i in way)
            for resource in need.possible.patterns:
                askable = _askable(action, resource, needed=True)
                for why, surely in () if askable is None else lacks(need, resource, askable, here):
                    text = f"{resource} ({why})" if why else resource
                    (missing if surely else doubtful)[text] = None
    except TooManyStatesError as error:
        doubtful[str(error)] = None
    if not (missing or doubtful):
        return None
    verdict = Verdict.VIOLATION if missing else Verdict.CANNOT_TELL
    what = "cannot surely" if not missing else "cannot"
    reason = f"{what} {_written(need, action)} on {', '.join(missing or doubtful)}"
    return Finding(verdict, need.statement.index, need.statement.sid, action, reason)


def _lacks(
    need: _Grant, resource: str, askable: _Askable, here: tuple[_Grant, ...], context: Context
) -> tuple[_Reason, ...]:
    """The reasons for which not all of what is needed on a resource is permitted."""
    of_action, alone = askable
    sides = [of_action, *(one.sure for one in here), *(one.possible for one in here)]
    found = []
    for met in _ways(resource, sides, alone=alone):
        if 0 not in met:
            continue
        meeting = [
            (one, i + 1 in met) for i, one in enumerate(here) if met & {i + 1, i + 1 + len(here)}
        ]
        permitted, why = _permitted(need, meeting, context)
        if permitted is not True:
            found.append((why, permitted is False))
    return tuple(found)


def _permitted(
    need: _Grant, meeting: Sequence[tuple[_Grant, bool]], context: Context
) -> tuple[bool | None, str]:
    """Whether requests are permitted that all of the grants meet, surely or perhaps."""
    known = {**context, **_stated(need.conditions)}
    doubts, allowed = [], False
    for grant, surely in meeting:
        holds = True if _follow(need, grant) else grant.holds(known)
        if holds is False:
            continue
        if not grant.statement.allows and holds and surely:
            return False, f"denied by {grant.name[:-1]}"
        if not (holds and surely):
            says = "allows" if grant.statement.allows else "denies"
            doubts.append((grant.statement.allows, f"{grant.name} {says} it on a condition"))
        elif grant.statement.allows:
            allowed = True
    relevant = [text for allows, text in doubts if not (allows and allowed)]
    if relevant:
        return None, "; ".join(relevant)
    vainly = not allowed and any(grant.statement.allows for grant, _ in meeting)
    return allowed, "only on a condition that never holds" if vainly else ""


def _follow(need: _Grant, grant: _Grant) -> bool:
    """Whether a grant's conditions follow from the need's."""
    return all(
        any(implies_line(stated, line) for stated in need.conditions) for line in grant.conditions
    )


def _stated(conditions: Iterable[Condition]) -> Context:
    """The keys that requests surely have under these conditions, with the only value they take."""
    return {
        line.name: line.values
        for line in conditions
        if line.operator.lower() == "stringequals"
        and len(line.values) == 1
        and not (line.if_exists or line.for_all or line.for_any)
    }


# --- statements as sets ---------------------------------------------------------------------------


def _grants(policy: NamedPolicy, account: str) -> list[_Grant]:
    found = []
    for statement in policy.document.statements:
        actions = _Side(
            tuple(name.lower() for name in statement.actions) or ("*",),
            tuple(name.lower() for name in statement.not_actions),
        )
        has_variables = policy.document.has_variables
        sure, possible = (
            _resources(statement, has_variables, account, widely) for widely in (False, True)
        )
        for conditions in _combinations(statement.conditions):
            found.append(_Grant(policy, statement, actions, sure, possible, conditions))
    return found


def _named_actions(policy: NamedPolicy) -> frozenset[str]:
    return frozenset(
        name.lower()
        for statement in policy.document.statements
        for name in statement.actions or ("*",)
    )


def _resources(statement: Statement, has_variables: bool, account: str, widely: bool) -> _Side:
    def patterns(stated: tuple[str, ...], wide: bool) -> tuple[str, ...]:
        known = (_resolved(text, account, wide) if has_variables else text for text in stated)
        return tuple(_filled_up(text) for text in known if text is not None)

    if statement.not_resources:
        return _Side(("*",), patterns(statement.not_resources, not widely))
    return _Side(patterns(statement.resources, widely))


def _resolved(text: str, account: str, widely: bool) -> str | None:
    """A resource with its variables replaced, an unknown one by a star; None if `widely` is not."""
    unknown = False

    def replacement(found: re.Match[str]) -> str:
        nonlocal unknown
        if found[1].strip().lower() == "aws:principalaccount":
            return account
        unknown = True
        return "*"

    resolved = _VARIABLE.sub(replacement, text)
    return None if unknown and not widely else resolved


def _filled_up(resource: str) -> str:
    if not resource.startswith("arn:"):
        return resource
    return resource + ":*" * max(0, 5 - resource.count(":"))


def _combinations(conditions: tuple[Condition, ...]) -> Iterator[tuple[Condition, ...]]:
    """The conditions taken apart: a line that any of several values meets is several grants."""
    lines = [
        [replace(line, values=(value,)) for value in line.values] if _is_choice(line) else [line]
        for line in conditions
    ]
    count = 1
    for choices in lines:
        count *= len(choices)
    yield from product(*lines) if count <= _MAXIMUM_COMBINATIONS else (conditions,)


def _is_choice(line: Condition) -> bool:
    return "not" not in line.operator.lower() and not line.for_all


@lru_cache(16_384)  # the same few actions are asked for on the same few resources, role by role
def _askable(action: str, resource: str, *, needed: bool = False) -> _Askable | None:
    """On what an action can be asked for, where a resource lies; see `Resources.alone`.

    If `needed`, on what it is for. None where no text of the resource can be asked for.
    """
    partition = (*resource.split(":", 2), "")[1]
    known = "" if not partition or has_wildcard(partition) else partition
    resources = resources_of(action, known) if known else resources_of(action)
    patterns = resources.first if needed and resources.first else resources.patterns
    side = _Side(("*",)) if resources.alone is not None else _Side(patterns, resources.but)
    return (side, resources.alone) if _meet(resource, side, resources.alone) else None


@lru_cache(16_384)  # most actions of a service can be asked for on the same
def _meet(resource: str, side: _Side, alone: str | None) -> bool:
    return any(_ways(resource, [side], alone=alone))


def _ways(
    pattern: str, sides: Sequence[_Side], *, alone: str | None = None
) -> frozenset[frozenset[int]]:
    """For each kind of text of `pattern`: the `sides` that it is in.

    With `alone`, the one text that there is: none, if the pattern does not match it.
    """
    if alone is None and not has_wildcard(pattern):
        alone = pattern
    if alone is not None:
        if not matches(pattern, alone):
            return frozenset()
        return frozenset({frozenset(i for i, side in enumerate(sides) if side.has(alone))})
    flat = tuple(dict.fromkeys(text for side in sides for text in (*side.patterns, *side.but)))
    ways = met_by_pattern(pattern, flat)
    place: Mapping[str, int] = {text: i for i, text in enumerate(flat)}
    return frozenset(
        frozenset(
            i
            for i, side in enumerate(sides)
            if any(place[text] in met for text in side.patterns)
            and not any(place[text] in met for text in side.but)
        )
        for met in ways
    )
