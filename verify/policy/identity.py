"""Whether a role's or user's policy gives more than it names.

Sources: IAM user guide, "Apply least-privilege permissions"; Service Authorization Reference, the
tables of actions with their resource types.
"""

from __future__ import annotations

import re

from verify.policy.document import Document, Policy, Statement
from verify.policy.finding import Finding
from verify.policy.patterns import action_matches, arn_fields, has_wildcard
from verify.policy.requests import takes_resources


def overbroad_identity_statements(document: Policy) -> tuple[Finding, ...]:
    """Allow statements that give more than they name; empty when none does. Raises PolicyError.

    - every action (`*`), every action of a service (`s3:*`), a wildcard in the service's name, or a
      verb that begins with a wildcard;
    - NotAction, NotResource;
    - iam:PassRole on any role, whatever its conditions;
    - a resource that stands for everything (`*`, an ARN with nothing but wildcards for its
      resource) or for every one of a kind (`key/*`), with an action that could name one,
      conditions or not.
    """
    findings = []
    for statement in Document.parse(document).statements:
        if statement.allows:
            findings += _judge(statement)
    return tuple(findings)


def _judge(statement: Statement) -> list[Finding]:
    findings = []
    if statement.not_actions:
        names = ", ".join(statement.not_actions)
        findings.append(
            Finding.about(statement, "NotAction", f"allows every action but {names} (NotAction)")
        )
    if statement.not_resources:
        names = ", ".join(statement.not_resources)
        findings.append(
            Finding.about(statement, "NotResource", f"allows all but {names} (NotResource)")
        )
    everything = {
        resource: what
        for resource in statement.resources
        if (what := _everything(resource)) is not None
    }
    for action in statement.actions:
        broad = _breadth(action)
        if broad is not None:
            findings.append(Finding.about(statement, action, f"allows {action}: {broad}"))
        elif everything and takes_resources(action) and action.lower() != "iam:passrole":
            stands = ", ".join(f"{resource}, {what}" for resource, what in everything.items())
            what = f"allows {action} on {stands}, though it can name its resources"
            findings.append(Finding.about(statement, action, what))
        if action_matches(action, "iam:PassRole") and _any_role(statement):
            what = f"lets any role be passed on ({action} on {', '.join(statement.resources)})"
            findings.append(Finding.about(statement, "iam:PassRole", what))
    return findings


def _breadth(action: str) -> str | None:
    service, colon, verb = action.partition(":")
    if not colon:
        return "every action of every service" if has_wildcard(action) else "not an action"
    if has_wildcard(service):
        return "actions of more than one service"
    if not verb.strip("*?"):
        return f"every action of {service}"
    if verb[0] in "*?":
        return "actions of any beginning"
    return None


# What a kind of resource is called in an ARN, before nothing but wildcards: key/*, log-group:*.
_KIND = re.compile(r"([a-z][a-z-]*)[:/][*?:/]*[*][*?:/]*")


def _everything(resource: str) -> str | None:
    """What a resource stands for that is no certain one: everything, or every one of a kind."""
    fields = arn_fields(resource)
    if fields is None:
        return "everything" if has_wildcard(resource) else None
    if has_wildcard(fields[2]) or not fields[5].strip("*?:/"):
        return "everything"
    kind = _KIND.fullmatch(fields[5])
    return f"every {kind[1]}" if kind else None


def _any_role(statement: Statement) -> bool:
    for resource in statement.resources:
        fields = arn_fields(resource)
        if fields is None or _everything(resource) == "everything":
            return True
        kind, _, name = fields[5].partition("/")
        if kind in ("role", "*") and not name.strip("*?/"):
            return True
    return bool(statement.not_resources)
