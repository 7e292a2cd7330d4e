"""What a document alone answers to one request.

Source: IAM user guide, "Policy evaluation logic": an explicit deny wins, then an allow, else
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from verify.policy.conditions import Context, all_of, any_of, evaluate, negate, resolve
from verify.policy.document import Document, Policy, Principal, Statement
from verify.policy.patterns import arn_fields, arn_matches, is_account, statement_matches_action
from verify.policy.principals import is_service

ContextValue = str | bool | int | float | Iterable[str]


class Decision(Enum):
    """What a document says to a request."""

    ALLOWED = "allowed"
    DENIED = "explicitly denied"
    NOT_ALLOWED = "not allowed"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True)
class Evaluation:
    """A decision, with the statement that made it (None when none matched)."""

    decision: Decision
    reason: str
    statement: Statement | None = None

    @property
    def allowed(self) -> bool:
        """Whether the document surely allows the request."""
        return self.decision is Decision.ALLOWED

    @property
    def refused(self) -> bool:
        """Whether the document surely does not allow the request."""
        return self.decision in (Decision.DENIED, Decision.NOT_ALLOWED)


def effective_allows(
    document: Policy,
    principal: str,
    action: str,
    resource: str,
    context: Mapping[str, ContextValue] | None = None,
) -> Evaluation:
    """What a document alone says to a request.

    `principal`: an IAM or STS ARN, an account id, a service such as `cloudtrail.amazonaws.com`, or
    `*` for an anonymous caller. It is not looked at in statements without Principal (identity
    policies). `context`: the condition keys of the request; a key that is left out is missing from
    the request. aws:PrincipalArn, aws:PrincipalAccount, aws:PrincipalIsAWSService and
    aws:PrincipalServiceName follow from the principal unless given. An Allow for an account (its
    root ARN) matches every principal of the account: on AWS, other than for the root user itself,
    the account's own policies must also allow.

    Other policies (boundaries, SCPs, the other side's) are not considered. Raises PolicyError.
    """
    parsed = Document.parse(document)
    request = _context(principal, context or {})
    undecided: dict[str, Statement] = {}
    allowing: Statement | None = None
    for statement in parsed.statements:
        outcome = _applies(parsed, statement, principal, action, resource, request)
        if outcome is None:
            undecided.setdefault(statement.effect, statement)
        elif outcome and not statement.allows:
            reason = f"{statement.label} denies {action} on {resource} to {principal}"
            return Evaluation(Decision.DENIED, reason, statement)
        elif outcome:
            allowing = allowing or statement
    asked = f"{action} on {resource} to {principal}"
    if allowing is None and "Allow" not in undecided:
        return Evaluation(Decision.NOT_ALLOWED, f"no statement allows {asked}")
    doubtful = undecided.get("Deny") or (undecided["Allow"] if allowing is None else None)
    if doubtful is not None:
        reason = f"cannot tell whether {doubtful.label} applies to {asked}: {_doubt(doubtful)}"
        return Evaluation(Decision.CANNOT_TELL, reason, doubtful)
    assert allowing is not None  # noqa: S101 - both other cases have returned
    return Evaluation(Decision.ALLOWED, f"{allowing.label} allows {asked}", allowing)


def _doubt(statement: Statement) -> str:
    lines = "; ".join(condition.describe() for condition in statement.conditions)
    return f"its conditions [{lines}] or the variables in it cannot be evaluated here"


def _context(principal: str, given: Mapping[str, ContextValue]) -> Context:
    found = _keys_of(principal)
    for key, value in given.items():
        if isinstance(value, bool):
            found[key.lower()] = ("true" if value else "false",)
        elif isinstance(value, str | int | float):
            found[key.lower()] = (str(value),)
        else:
            found[key.lower()] = tuple(value)
    return found


def _keys_of(principal: str) -> dict[str, tuple[str, ...]]:
    """The condition keys that follow from who calls."""
    if principal == "*":
        # All others are missing from anonymous requests.
        return {"aws:principalaccount": ("anonymous",), "aws:principaltype": ("Anonymous",)}
    if is_service(principal):
        return {
            "aws:principalisawsservice": ("true",),
            "aws:principalservicename": (principal,),
        }
    found: dict[str, tuple[str, ...]] = {"aws:principalisawsservice": ("false",)}
    fields = arn_fields(principal)
    if fields and is_account(fields[4]):
        found["aws:principalarn"] = (_role_of_session(principal) or principal,)
        found["aws:principalaccount"] = (fields[4],)
    elif is_account(principal):
        found["aws:principalaccount"] = (principal,)
    return found


def _role_of_session(arn: str) -> str | None:
    """The role's ARN for a session's, as far as a session tells: without the role's path."""
    fields = arn_fields(arn)
    if fields is None or fields[2] != "sts" or not fields[5].startswith("assumed-role/"):
        return None
    return f"{fields[0]}:{fields[1]}:iam::{fields[4]}:role/{fields[5].split('/')[1]}"


def _applies(
    document: Document,
    statement: Statement,
    principal: str,
    action: str,
    resource: str,
    context: Context,
) -> bool | None:
    outcomes: list[bool | None] = []
    if statement.principals:
        outcomes.append(_is_among(principal, statement.principals))
    if statement.not_principals:
        outcomes.append(not _is_among(principal, statement.not_principals))
    outcomes.append(statement_matches_action(statement, action))
    if statement.resources:
        outcomes.append(_on_resource(document, statement.resources, resource, context))
    if statement.not_resources:
        outcomes.append(negate(_on_resource(document, statement.not_resources, resource, context)))
    outcomes += [
        evaluate(condition, context, document.has_variables) for condition in statement.conditions
    ]
    return all_of(outcomes)


def _on_resource(
    document: Document, patterns: tuple[str, ...], resource: str, context: Context
) -> bool | None:
    outcomes: list[bool | None] = []
    for pattern in patterns:
        resolved = resolve(pattern, context, document.has_variables)
        outcomes.append(None if resolved is None else arn_matches(resolved, resource))
    return any_of(outcomes)


def _is_among(principal: str, stated: Iterable[Principal]) -> bool:
    return any(_is_meant(candidate, principal) for candidate in stated)


def _is_meant(stated: Principal, principal: str) -> bool:
    """Whether a principal in a policy stands for the one that calls."""
    if stated.value == "*":
        return True
    if stated.kind != "AWS":
        return stated.value == principal
    account = stated.value
    fields = arn_fields(stated.value)
    if fields and fields[5] == "root":
        account = fields[4]
    if is_account(account):
        caller = arn_fields(principal)
        return principal == account or (caller is not None and caller[4] == account)
    if arn_matches(stated.value, principal):
        return True
    role = _role_of_session(principal)
    if role is None or fields is None:
        return False
    # A session does not show its role's path, so the role's last segment is what can be compared.
    bare = f"{fields[0]}:{fields[1]}:iam::{fields[4]}:role/{fields[5].rsplit('/', 1)[-1]}"
    return fields[5].startswith("role/") and bare == role
