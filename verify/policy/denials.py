"""Whether a bucket's policy surely refuses what it must refuse.

Sources: S3 user guide, "Bucket policy examples" (managing access based on HTTP or HTTPS requests),
"Actions, resources, and condition keys for Amazon S3"; IAM user guide, "IfExists", "Null".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from verify.policy.condition_keys import key_of
from verify.policy.document import Condition, Document, Policy, Statement
from verify.policy.finding import Judgement
from verify.policy.patterns import (
    arn_covers,
    statement_covers_action,
    statement_covers_resource,
    statement_matches_action,
)
from verify.policy.principals import open_to_anyone

_TRANSPORT = "aws:securetransport"
_NEGATED = frozenset({"arnnotlike", "arnnotequals", "stringnotlike", "stringnotequals"})


@dataclass(frozen=True)
class _Weakness:
    """What keeps a Deny from being one for everyone; `undecided` where it may not keep it."""

    text: str
    undecided: bool = False


def denies_insecure_transport(document: Policy, bucket_arn: str) -> Judgement:
    """Whether every request to the bucket or its objects without TLS is denied.

    Holds when Deny statements for everyone, on all S3 actions, under no other condition than
    aws:SecureTransport false, cover both the bucket and all its objects, in one statement or in
    several. Every statement that comes close is named with what weakens it. Raises PolicyError.
    """
    wanted = {"the bucket": bucket_arn, "its objects": f"{bucket_arn}/*"}
    covered: dict[str, str] = {}
    near: list[str] = []
    undecided = False
    for statement in Document.parse(document).statements:
        about_transport = _is_about(statement, _TRANSPORT)
        if statement.allows or (statement.conditions and not about_transport):
            continue
        weakness = _other_than_insecure(statement)
        if weakness is None:
            for name, arn in wanted.items():
                if statement_covers_resource(statement, arn):
                    covered.setdefault(name, statement.label)
        elif about_transport:
            near.append(f"{statement.label} {weakness.text}")
            undecided = undecided or weakness.undecided
    lacking = [name for name in wanted if name not in covered]
    if not lacking:
        labels = " and ".join(dict.fromkeys(covered.values()))
        return Judgement(True, f"{labels} denies requests without TLS")
    weak = f" ({'; '.join(near)})" if near else ""
    reason = f"no statement denies requests without TLS for {' and '.join(lacking)}{weak}"
    return Judgement(False, reason, undecided)


def denies_people(
    document: Policy,
    bucket_arn: str,
    actions: Iterable[str],
    exempt: Iterable[str] = (),
    *,
    services_exempt: bool = False,
) -> Judgement:
    """Whether every one of the actions is denied to everyone but the exempt principals.

    `actions` such as s3:DeleteObject, s3:PutLifecycleConfiguration; each is looked for on the
    bucket, on all its objects, or both, as the action demands. `exempt` are ARNs or ARN patterns.
    The only exemptions that do not weaken the Deny are NotPrincipal or a negated condition on
    aws:PrincipalArn, with nobody but the exempt, and aws:PrincipalIsAWSService false as long as no
    statement allows a service the action; with `services_exempt` one may (which services, is not
    judged here). Raises PolicyError.
    """
    parsed = Document.parse(document)
    permitted = tuple(exempt)
    denials = [statement for statement in parsed.statements if not statement.allows]
    failures: list[str] = []
    holding: list[str] = []
    doubts: list[bool] = []
    for action in actions:
        for resource in _resources_of(action, bucket_arn):
            label, weak, undecided = _first_without_weakness(
                (statement, _weakened(parsed, statement, action, permitted, services_exempt))
                for statement in denials
                if statement_covers_action(statement, action)
                and statement_covers_resource(statement, resource)
            )
            if label is None:
                failures.append(f"{action} on {resource} is not denied to everyone{weak}")
                doubts.append(undecided)
            else:
                holding.append(label)
    if failures:
        return Judgement(False, "; ".join(failures), all(doubts))
    if not holding:
        return Judgement(False, "no action was asked about")
    return Judgement(True, f"denied by {', '.join(dict.fromkeys(holding))}")


_ALGORITHM = "s3:x-amz-server-side-encryption"
_KEY = "s3:x-amz-server-side-encryption-aws-kms-key-id"


def denies_other_encryption(
    document: Policy, bucket_arn: str, key_arn: str, algorithms: Iterable[str]
) -> Judgement:
    """Whether a file is refused that states another key than `key_arn` or another algorithm.

    Holds when Deny statements for everyone on writing any object say so by a negated condition
    with nothing but what is accepted. A Null test that leaves requests alone that state none is no
    weakness: the bucket's default decides for these. Raises PolicyError.
    """
    parsed = Document.parse(document)
    failures: list[str] = []
    holding: list[str] = []
    doubts: list[bool] = []
    accepted = {"key": (_KEY, {key_arn}), "algorithm": (_ALGORITHM, set(algorithms))}
    for what, (name, values) in accepted.items():
        label, weak, undecided = _first_without_weakness(
            (statement, _other_than_refusing(statement, bucket_arn, name, values))
            for statement in parsed.statements
            if not statement.allows and _is_about(statement, name)
        )
        if label is None:
            failures.append(f"no statement denies files with another {what}{weak}")
            doubts.append(undecided)
        else:
            holding.append(label)
    if failures:
        return Judgement(False, "; ".join(failures), all(doubts))
    return Judgement(True, f"denied by {' and '.join(dict.fromkeys(holding))}")


def _first_without_weakness(
    candidates: Iterable[tuple[Statement, _Weakness | None]],
) -> tuple[str | None, str, bool]:
    """The label of the first statement that has none; else how each falls short, in brackets.

    Last, whether one of these may yet have none.
    """
    near = []
    undecided = False
    for statement, weakness in candidates:
        if weakness is None:
            return statement.label, "", False
        near.append(f"{statement.label} {weakness.text}")
        undecided = undecided or weakness.undecided
    return None, f" ({'; '.join(near)})" if near else "", undecided


def _other_than_refusing(
    statement: Statement, bucket_arn: str, name: str, accepted: set[str]
) -> _Weakness | None:
    """What keeps a Deny from refusing every file with a value of `name` that is not accepted."""
    weakness = _not_for_everyone(statement)
    if weakness is None and not statement_covers_action(statement, "s3:PutObject"):
        weakness = _Weakness("is not for s3:PutObject")
    if weakness is None and not statement_covers_resource(statement, f"{bucket_arn}/*"):
        weakness = _Weakness("is not for every object")
    return weakness or _worst(
        _other_than_negated(condition, name, accepted) for condition in statement.conditions
    )


def _worst(weaknesses: Iterable[_Weakness | None]) -> _Weakness | None:
    """The first that is certain; else the first; None when there is none."""
    found = [weakness for weakness in weaknesses if weakness is not None]
    certain = [weakness for weakness in found if not weakness.undecided]
    return next(iter([*certain, *found]), None)


def _other_than_negated(condition: Condition, name: str, accepted: set[str]) -> _Weakness | None:
    """What keeps a Deny from holding for every stated value of `name` but the accepted ones."""
    operator = condition.operator.lower()
    if condition.name != name or condition.for_all or condition.for_any:
        return _only_when(condition)
    if operator == "null" and {value.lower() for value in condition.values} == {"false"}:
        return None
    if operator not in _NEGATED:
        return _only_when(condition)
    others = sorted(set(condition.values) - accepted)
    return _Weakness(f"accepts {', '.join(others)}") if others else None


# Actions on objects whose name does not say so; all others have "Object" or "Multipart" in it.
_OBJECT_ACTIONS = frozenset(
    {
        "s3:bypassgovernanceretention",
        "s3:replicatedelete",
        "s3:replicatetags",
        "s3:abortmultipartupload",
        "s3:listmultipartuploadparts",
    }
)


def _resources_of(action: str, bucket_arn: str) -> tuple[str, ...]:
    name = action.lower()
    if "*" in name or "?" in name:
        return bucket_arn, f"{bucket_arn}/*"
    if name in _OBJECT_ACTIONS or ("object" in name and "bucket" not in name):
        return (f"{bucket_arn}/*",)
    return (bucket_arn,)


def _is_about(statement: Statement, key: str) -> bool:
    return any(condition.name == key for condition in statement.conditions)


def _not_for_everyone(statement: Statement) -> _Weakness | None:
    if statement.not_principals:
        return _Weakness("exempts principals by NotPrincipal")
    # "AWS": "*" is the same as "*" here: both mean everyone, anonymous callers and services too.
    if any(
        principal.value == "*" and principal.kind in ("*", "AWS")
        for principal in statement.principals
    ):
        return None
    names = ", ".join(principal.describe() for principal in statement.principals)
    return _Weakness(f"is only for {names or 'no principal'}")


def _other_than_insecure(statement: Statement) -> _Weakness | None:
    """What keeps a Deny from refusing everyone every S3 action without TLS."""
    weakness = _not_for_everyone(statement)
    if weakness is not None:
        return weakness
    if not statement_covers_action(statement, "s3:*"):
        return _Weakness("is not for all S3 actions")
    return _worst(
        None
        if condition.name == _TRANSPORT and _is_plainly_false(condition)
        else _only_when(condition)
        for condition in statement.conditions
    )


def _is_plainly_false(condition: Condition) -> bool:
    """Whether a condition holds whenever its key is false."""
    return (
        condition.operator.lower() == "bool"
        and not (condition.for_all or condition.for_any)
        and "false" in {value.lower() for value in condition.values}
    )


def _only_when(condition: Condition) -> _Weakness:
    return _Weakness(
        f"only denies when also {condition.describe()}", undecided=key_of(condition.name) is None
    )


def _weakened(
    document: Document,
    statement: Statement,
    action: str,
    exempt: tuple[str, ...],
    services_exempt: bool,
) -> _Weakness | None:
    """What keeps a Deny from being for everyone but the exempt; None when nothing does."""
    if statement.not_principals:
        others = _not_exempt((named.value for named in statement.not_principals), exempt)
        weakness = _Weakness(f"exempts {', '.join(others)} by NotPrincipal") if others else None
    else:
        weakness = _not_for_everyone(statement)
    if weakness is not None:
        return weakness
    return _worst(
        _weakened_by(document, condition, action, exempt, services_exempt)
        for condition in statement.conditions
    )


def _weakened_by(
    document: Document,
    condition: Condition,
    action: str,
    exempt: tuple[str, ...],
    services_exempt: bool,
) -> _Weakness | None:
    if condition.name == "aws:principalarn" and condition.operator.lower() in _NEGATED:
        return _weakened_by_arn(condition, exempt)
    if condition.name == "aws:principalisawsservice" and _is_plainly_false(condition):
        return _weakened_by_services(document, condition, action, services_exempt)
    return _only_when(condition)


def _weakened_by_services(
    document: Document, condition: Condition, action: str, services_exempt: bool
) -> _Weakness | None:
    """What a Deny for all but services leaves open, as the key is missing from anonymous calls."""
    giver = None if services_exempt else _allows_a_service(document, action)
    if giver is not None:
        return _Weakness(f"exempts services, and {giver} allows one {action}")
    giver = None if condition.if_exists else _allows_anyone(document, action)
    if giver is not None:
        return _Weakness(f"exempts anonymous callers, and {giver} allows anyone {action}")
    return None


def _weakened_by_arn(condition: Condition, exempt: tuple[str, ...]) -> _Weakness | None:
    if condition.for_any:
        return _only_when(condition)
    operator = condition.operator.lower()
    others = _not_exempt((_as_arn_pattern(operator, value) for value in condition.values), exempt)
    return _Weakness(f"exempts {', '.join(others)}") if others else None


def _not_exempt(values: Iterable[str], exempt: tuple[str, ...]) -> list[str]:
    return [value for value in values if not any(arn_covers(pattern, value) for pattern in exempt)]


def _as_arn_pattern(operator: str, value: str) -> str:
    """The value as an ARN pattern: under StringNotLike a star may run across the fields."""
    if operator == "stringnotlike" and "*" in value.rsplit(":", 1)[0]:
        return "*"
    return value


def _allows_a_service(document: Document, action: str) -> str | None:
    """The name of a statement that allows some service the action; None when there is none."""
    for statement in document.statements:
        for_service = statement.not_principals or any(
            principal.kind == "Service" or principal.value == "*"
            for principal in statement.principals
        )
        if statement.allows and for_service and statement_matches_action(statement, action):
            return statement.label
    return None


def _allows_anyone(document: Document, action: str) -> str | None:
    """The name of a statement that allows anyone at all the action; None when there is none."""
    for statement in document.statements:
        if (
            statement.allows
            and open_to_anyone(statement) is not None
            and statement_matches_action(statement, action)
        ):
            return statement.label
    return None
