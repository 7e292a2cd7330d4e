"""Whether a bucket's policy surely refuses what it must refuse.

Sources: S3 user guide, "Bucket policy examples" (managing access based on HTTP or HTTPS requests),
"Actions, resources, and condition keys for Amazon S3"; IAM user guide, "IfExists", "Null".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from verify.policy.document import Condition, Document, Statement
from verify.policy.finding import Judgement
from verify.policy.patterns import (
    action_matches,
    arn_covers,
    statement_covers_action,
    statement_covers_resource,
)

Policy = str | Mapping[str, Any] | Document

_NEGATED = frozenset({"arnnotlike", "arnnotequals", "stringnotlike", "stringnotequals"})


def denies_insecure_transport(document: Policy, bucket_arn: str) -> Judgement:
    """Whether every request to the bucket or its objects without TLS is denied.

    Holds when Deny statements for everyone, on all S3 actions, under no other condition than
    aws:SecureTransport false, cover both the bucket and all its objects, in one statement or in
    several. Every statement that comes close is named with what weakens it. Raises PolicyError.
    """
    parsed = Document.parse(document)
    wanted = {"the bucket": bucket_arn, "its objects": f"{bucket_arn}/*"}
    covered: dict[str, str] = {}
    near: list[str] = []
    for statement in parsed.statements:
        if statement.allows:
            continue
        about_transport = any(c.name == "aws:securetransport" for c in statement.conditions)
        if statement.conditions and not about_transport:
            continue
        weakness = _not_for_everyone(statement)
        if weakness is None and not statement_covers_action(statement, "s3:*"):
            weakness = "is not for all S3 actions"
        if weakness is None:
            weakness = _other_than_insecure(statement.conditions)
        if weakness is not None:
            if about_transport:
                near.append(f"{statement.label} {weakness}")
            continue
        for name, arn in wanted.items():
            if statement_covers_resource(statement, arn):
                covered.setdefault(name, statement.label)
    lacking = [name for name in wanted if name not in covered]
    if not lacking:
        labels = " and ".join(dict.fromkeys(covered.values()))
        return Judgement(True, f"{labels} denies requests without TLS")
    weak = f" ({'; '.join(near)})" if near else ""
    return Judgement(
        False, f"no statement denies requests without TLS for {' and '.join(lacking)}{weak}"
    )


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
    for action in actions:
        for resource in _resources_of(action, bucket_arn):
            label, weak = _first_without_weakness(
                (statement, _weakened(parsed, statement, action, permitted, services_exempt))
                for statement in denials
                if statement_covers_action(statement, action)
                and statement_covers_resource(statement, resource)
            )
            if label is None:
                failures.append(f"{action} on {resource} is not denied to everyone{weak}")
            else:
                holding.append(label)
    if failures:
        return Judgement(False, "; ".join(failures))
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
    accepted = {"key": (_KEY, {key_arn}), "algorithm": (_ALGORITHM, set(algorithms))}
    for what, (name, values) in accepted.items():
        label, weak = _first_without_weakness(
            (statement, _other_than_refusing(statement, bucket_arn, name, values))
            for statement in parsed.statements
            if not statement.allows and any(c.name == name for c in statement.conditions)
        )
        if label is None:
            failures.append(f"no statement denies files with another {what}{weak}")
        else:
            holding.append(label)
    if failures:
        return Judgement(False, "; ".join(failures))
    return Judgement(True, f"denied by {' and '.join(dict.fromkeys(holding))}")


def _first_without_weakness(
    candidates: Iterable[tuple[Statement, str | None]],
) -> tuple[str | None, str]:
    """The label of the first statement that has none; else how each falls short, in brackets."""
    near = []
    for statement, weakness in candidates:
        if weakness is None:
            return statement.label, ""
        near.append(f"{statement.label} {weakness}")
    return None, f" ({'; '.join(near)})" if near else ""


def _other_than_refusing(
    statement: Statement, bucket_arn: str, name: str, accepted: set[str]
) -> str | None:
    """What keeps a Deny from refusing every file with a value of `name` that is not accepted."""
    weakness = _not_for_everyone(statement)
    if weakness is None and not statement_covers_action(statement, "s3:PutObject"):
        weakness = "is not for s3:PutObject"
    if weakness is None and not statement_covers_resource(statement, f"{bucket_arn}/*"):
        weakness = "is not for every object"
    return weakness or _other_than_negated(statement.conditions, name, accepted)


def _other_than_negated(
    conditions: tuple[Condition, ...], name: str, accepted: set[str]
) -> str | None:
    """What keeps a Deny from holding for every stated value of `name` but the accepted ones."""
    for condition in conditions:
        operator = condition.operator.lower()
        if condition.name != name or condition.for_all or condition.for_any:
            return f"only denies when also {condition.describe()}"
        if operator == "null" and {value.lower() for value in condition.values} == {"false"}:
            continue
        if operator not in _NEGATED:
            return f"only denies when also {condition.describe()}"
        others = sorted(set(condition.values) - accepted)
        if others:
            return f"accepts {', '.join(others)}"
    return None


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


def _not_for_everyone(statement: Statement) -> str | None:
    if statement.not_principals:
        return "exempts principals by NotPrincipal"
    # "AWS": "*" is the same as "*" here: both mean everyone, anonymous callers and services too.
    if any(one.value == "*" and one.kind in ("*", "AWS") for one in statement.principals):
        return None
    names = ", ".join(one.describe() for one in statement.principals) or "no principal"
    return f"is only for {names}"


def _other_than_insecure(conditions: tuple[Condition, ...]) -> str | None:
    for condition in conditions:
        is_transport = (
            condition.name == "aws:securetransport"
            and condition.operator.lower() == "bool"
            and not (condition.for_all or condition.for_any)
            and "false" in {value.lower() for value in condition.values}
        )
        if not is_transport:
            return f"only denies when also {condition.describe()}"
    return None


def _weakened(
    document: Document,
    statement: Statement,
    action: str,
    exempt: tuple[str, ...],
    services_exempt: bool,
) -> str | None:
    """What keeps a Deny from being for everyone but the exempt; None when nothing does."""

    def spared(values: Iterable[str]) -> list[str]:
        return [
            value for value in values if not any(arn_covers(pattern, value) for pattern in exempt)
        ]

    if statement.not_principals:
        others = spared(one.value for one in statement.not_principals)
        if others:
            return f"exempts {', '.join(others)} by NotPrincipal"
    else:
        weakness = _not_for_everyone(statement)
        if weakness is not None:
            return weakness
    for condition in statement.conditions:
        operator = condition.operator.lower()
        values = {value.lower() for value in condition.values}
        if condition.name == "aws:principalarn" and operator in _NEGATED:
            if condition.for_any:
                return f"only denies when also {condition.describe()}"
            others = spared(_literal(operator, value) for value in condition.values)
            if others:
                return f"exempts {', '.join(others)}"
        elif (
            condition.name == "aws:principalisawsservice"
            and operator == "bool"
            and "false" in values
            and not (condition.for_all or condition.for_any)
        ):
            giver = None if services_exempt else _allows_a_service(document, action)
            if giver is not None:
                return f"exempts services, and {giver} allows one {action}"
        else:
            return f"only denies when also {condition.describe()}"
    return None


def _literal(operator: str, value: str) -> str:
    """The value as an ARN pattern: under StringNotLike a star may run across the fields."""
    if operator == "stringnotlike" and "*" in value.rsplit(":", 1)[0]:
        return "*"
    return value


def _allows_a_service(document: Document, action: str) -> str | None:
    for statement in document.statements:
        if not statement.allows:
            continue
        for_service = statement.not_principals or any(
            one.kind == "Service" or one.value == "*" for one in statement.principals
        )
        gives = (
            not any(action_matches(pattern, action) for pattern in statement.not_actions)
            if statement.not_actions
            else any(action_matches(pattern, action) for pattern in statement.actions)
        )
        if for_service and gives:
            return statement.label
    return None
