"""How much an identity policy grants: everything, whole services, or a way to become more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .document import Statement, statements

# One action of each kind for each service that matters: a grant of all of them is a grant of all.
_POWER = (
    "cloudtrail:stoplogging",
    "cloudwatch:deletealarms",
    "dynamodb:getitem",
    "ec2:authorizesecuritygroupingress",
    "ec2:runinstances",
    "kms:decrypt",
    "kms:schedulekeydeletion",
    "lambda:updatefunctioncode",
    "logs:deleteloggroup",
    "rds:deletedbinstance",
    "s3:getobject",
    "s3:putbucketpolicy",
    "secretsmanager:getsecretvalue",
    "sns:deletetopic",
    "sqs:purgequeue",
    "ssm:sendcommand",
)
_ADMINISTRATION = ("iam:attachuserpolicy", "iam:createaccesskey", "organizations:leaveorganization")
# Services over which nobody should hold everything, with actions that no narrower grant covers.
_SERVICES: Mapping[str, tuple[str, ...]] = {
    "cloudtrail": ("cloudtrail:deletetrail", "cloudtrail:lookupevents", "cloudtrail:stoplogging"),
    "iam": ("iam:attachuserpolicy", "iam:createaccesskey", "iam:deleterole", "iam:passrole"),
    "kms": ("kms:decrypt", "kms:putkeypolicy", "kms:schedulekeydeletion"),
    "organizations": ("organizations:createaccount", "organizations:leaveorganization"),
    "s3": ("s3:deletebucket", "s3:getobject", "s3:putbucketpolicy", "s3:putobject"),
    "secretsmanager": ("secretsmanager:deletesecret", "secretsmanager:getsecretvalue"),
    "sts": ("sts:assumerole", "sts:getfederationtoken", "sts:tagsession"),
}
# Each lets its holder become someone else or grant himself more, if it holds for every resource.
_ESCALATIONS = (
    "iam:addusertogroup",
    "iam:attachgrouppolicy",
    "iam:attachrolepolicy",
    "iam:attachuserpolicy",
    "iam:createaccesskey",
    "iam:createloginprofile",
    "iam:createpolicyversion",
    "iam:putgrouppolicy",
    "iam:putrolepolicy",
    "iam:putuserpolicy",
    "iam:setdefaultpolicyversion",
    "iam:updateassumerolepolicy",
    "iam:updateloginprofile",
)
# Services that run code with the role that is passed to them.
_COMPUTE = (
    "cloudformation:createstack",
    "codebuild:createproject",
    "datapipeline:createpipeline",
    "ec2:runinstances",
    "ecs:registertaskdefinition",
    "ecs:runtask",
    "glue:createdevendpoint",
    "glue:createjob",
    "lambda:createfunction",
    "lambda:updatefunctionconfiguration",
    "sagemaker:createnotebookinstance",
    "states:createstatemachine",
)
# Conditions that tie a grant to chosen resources, roles or requests; a demand for MFA does not.
_TYING_KEYS = ("aws:resourcetag/", "aws:requesttag/", "aws:principaltag/", "iam:", "aws:resource")


@dataclass(frozen=True, slots=True)
class Grant:
    """An over-broad grant: its kind, what it covers in words, and the statements that make it."""

    kind: str
    extent: str
    statements: tuple[Statement, ...]


def _partition(statement: Statement) -> str:
    """The partition whose resources a statement names; aws where it names none."""
    for resource in (*statement.resources, *statement.not_resources):
        parts = resource.split(":", 2)
        if parts[0] == "arn" and len(parts) == 3 and not any(sign in parts[1] for sign in "*?$"):
            return parts[1]
    return "aws"


def _account_resource(service: str, account: str, partition: str) -> str:
    """A resource of the service that only a grant over all of the account's covers."""
    if service == "s3":
        return f"arn:{partition}:s3:::zq-any-bucket/any-key"
    if service in ("iam", "sts"):
        return f"arn:{partition}:iam::{account}:role/zq-any-role"
    return f"arn:{partition}:{service}:eu-north-1:{account}:zq-any/resource"


def _granted(
    allows: Iterable[Statement], actions: Sequence[str], account: str
) -> tuple[Statement, ...]:
    """The statements that together grant every one of the actions on all resources, if they do."""
    used: dict[int, Statement] = {}
    reach: dict[tuple[int, str], bool] = {}
    candidates = list(allows)
    for action in actions:
        service = action.split(":", 1)[0]
        for index, statement in enumerate(candidates):
            if (index, service) not in reach:
                reach[index, service] = statement.covers_resource(
                    _account_resource(service, account, _partition(statement))
                )
            if reach[index, service] and statement.covers_action(action):
                used[index] = statement
                break
        else:
            return ()
    return tuple(used.values())


def _tied(statement: Statement) -> bool:
    return any(
        key.startswith(_TYING_KEYS) and not operator.endswith("ifexists")
        for operator, key, _ in statement.conditions
    )


def _nullified(every: Sequence[Statement]) -> bool:
    return any(
        not statement.allows
        and not statement.conditions
        and "*" in statement.actions
        and "*" in statement.resources
        for statement in every
    )


def broad_grants(document: Mapping[str, Any], account: str | None) -> list[Grant]:
    """How an identity policy grants more than anyone should hold; the widest grant alone.

    ``account`` completes ARNs such as ``arn:aws:iam::<account>:role/*``, which are as wide as
    ``*`` within the account.
    """
    every = statements(document)
    owner = account or "123456789012"
    allows = [statement for statement in every if statement.allows]
    if not allows or _nullified(every):
        return []
    return _over_everything(allows, owner) or _over_parts(allows, owner)


def _over_everything(allows: Sequence[Statement], account: str) -> list[Grant]:
    if found := _granted(allows, _POWER + _ADMINISTRATION, account):
        return [Grant("administrator", "every action on every resource", found)]
    if found := _granted(allows, _POWER, account):
        return [Grant("power-user", "nearly every action on every resource", found)]
    return []


def _over_parts(allows: Sequence[Statement], account: str) -> list[Grant]:
    untied = [statement for statement in allows if not _tied(statement)]
    services = _whole_services(untied, account)
    if any("iam:*" in grant.extent for grant in services):
        return services  # and with it every way to become more
    return services + _escalations(untied, account) + _passed_roles(untied, allows, account)


def _whole_services(untied: Sequence[Statement], account: str) -> list[Grant]:
    return [
        Grant("whole-service", f"{service}:* on every resource", found)
        for service, actions in _SERVICES.items()
        if (found := _granted(untied, actions, account))
    ]


def _escalations(untied: Sequence[Statement], account: str) -> list[Grant]:
    """The first action found by which a holder may become more; one is enough for an alert."""
    for action in _ESCALATIONS:
        if found := _granted(untied, (action,), account):
            return [Grant("privilege-escalation", f"{action} on every resource", found)]
    return []


def _passed_roles(
    untied: Sequence[Statement], allows: Sequence[Statement], account: str
) -> list[Grant]:
    passing = _granted(untied, ("iam:passrole",), account)
    if not passing:
        return []
    for action in _COMPUTE:
        if any(statement.covers_action(action) for statement in allows):
            extent = f"iam:PassRole on every role with {action}"
            return [Grant("pass-any-role", extent, passing)]
    return []
