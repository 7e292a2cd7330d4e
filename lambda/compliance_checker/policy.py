"""Judging policy documents: whom a resource policy lets in, and how much an IAM policy grants.

Rules of evaluation: IAM user guide, "IAM JSON policy elements reference" and "Policy evaluation
logic"; what makes a policy public: S3 user guide, "The meaning of 'public'". Documents are read
liberally (text, object or URL-encoded text; one statement or many; any case of key), because they
come from calls that AWS has already accepted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from .addresses import parse_block, reach_internet
from .frozen import frozen
from .record import mapping, members

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# A role's inline policies hold 10,240 characters, a key policy 32,768: nothing larger succeeds.
_MAXIMUM_DOCUMENT = 262_144


def parse_document(value: object) -> Mapping[str, Any] | None:
    """The policy document in any of CloudTrail's forms, or None if there is none.

    S3 logs an object; IAM and KMS log JSON text; IAM's responses hold URL-encoded JSON text.
    """
    if isinstance(value, dict):
        return value
    if not isinstance(value, str) or not 2 <= len(value) <= _MAXIMUM_DOCUMENT:
        return None
    if value.lstrip()[:1] == "%":
        from urllib.parse import unquote  # costs 6 ms at import, and is needed by few records

        value = unquote(value)
    try:
        document = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def matches(pattern: str, name: str) -> bool:
    """Whether an IAM pattern (``*`` any text, ``?`` one character) covers a name. Time O(n*m)."""
    if "?" not in pattern:
        star = pattern.find("*")
        if star < 0:
            return pattern == name
        if star == len(pattern) - 1:
            return name.startswith(pattern[:-1])
    position = place = 0
    star, mark = -1, 0
    while position < len(name):
        if place < len(pattern) and pattern[place] == "*":
            star, mark = place, position
            place += 1
        elif place < len(pattern) and pattern[place] in ("?", name[position]):
            place += 1
            position += 1
        elif star >= 0:
            mark += 1
            position, place = mark, star + 1
        else:
            return False
    return pattern[place:].strip("*") == ""


def _covered(patterns: Sequence[str], name: str) -> bool:
    return any(matches(pattern, name) for pattern in patterns)


@frozen
class Statement:
    """One statement of a policy; actions in lower case, as IAM ignores their case.

    ``principals`` holds every value of Principal, whatever its kind; ``conditions`` are triples of
    operator and key in lower case and the values.
    """

    sid: str | None
    allows: bool
    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    resources: tuple[str, ...]
    not_resources: tuple[str, ...]
    principals: tuple[str, ...]
    has_not_principal: bool
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...]

    def grants(self, action: str) -> bool:
        """Whether the statement speaks of an action (in lower case)."""
        if self.not_actions:
            return not _covered(self.not_actions, action)
        return _covered(self.actions, action)

    def reaches(self, resource: str) -> bool:
        """Whether the statement speaks of a resource."""
        if self.not_resources:
            return not _covered(self.not_resources, resource)
        return _covered(self.resources, resource)

    def as_details(self) -> dict[str, Any]:
        """The statement as it stands in an alert."""
        details: dict[str, Any] = {"sid": self.sid}
        if self.not_actions:
            details["not_action"] = list(self.not_actions[:10])
        else:
            details["action"] = list(self.actions[:10])
        if self.not_resources:
            details["not_resource"] = list(self.not_resources[:5])
        else:
            details["resource"] = list(self.resources[:5])
        if self.conditions:
            details["condition_keys"] = sorted({key for _, key, _ in self.conditions})[:10]
        return details


def _strings(value: object) -> tuple[str, ...]:
    found = []
    for member in members(value):
        if isinstance(member, bool):
            found.append("true" if member else "false")
        elif isinstance(member, (str, int, float)):
            found.append(str(member))
    return tuple(dict.fromkeys(found))


def _principals(value: object) -> tuple[str, ...]:
    if isinstance(value, dict):
        return tuple(name for kind in value.values() for name in _strings(kind))
    return _strings(value)


def _conditions(value: object) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    return tuple(
        (operator.lower(), key.lower(), _strings(expected))
        for operator, block in mapping(value).items()
        for key, expected in mapping(block).items()
    )


def statements(document: Mapping[str, Any]) -> list[Statement]:
    """The statements of a policy document; parts that are no JSON object are left out."""
    found = []
    for entry in members({key.lower(): value for key, value in document.items()}.get("statement")):
        if not isinstance(entry, dict):
            continue
        part = {key.lower(): value for key, value in entry.items()}
        sid = part.get("sid")
        found.append(
            Statement(
                sid=sid if isinstance(sid, str) and sid else None,
                allows=str(part.get("effect")).lower() == "allow",
                actions=tuple(name.lower() for name in _strings(part.get("action"))),
                not_actions=tuple(name.lower() for name in _strings(part.get("notaction"))),
                resources=_strings(part.get("resource")),
                not_resources=_strings(part.get("notresource")),
                principals=_principals(part.get("principal")),
                has_not_principal=bool(part.get("notprincipal")),
                conditions=_conditions(part.get("condition")),
            )
        )
    return found


# --- Resource policies: who is let in -------------------------------------------------------------

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
    return all(outer.grants(action) for action in inner.actions) and all(
        outer.reaches(resource) for resource in inner.resources
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


# --- IAM policies: how much is granted ------------------------------------------------------------

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


@frozen
class Grant:
    """An over-broad grant: its kind, what it covers in words, and the statements that make it."""

    kind: str
    extent: str
    statements: tuple[Statement, ...]


def _account_resource(service: str, account: str) -> str:
    """A resource of the service that only a grant over all of the account's covers."""
    if service == "s3":
        return "arn:aws:s3:::zq-any-bucket/any-key"
    if service in ("iam", "sts"):
        return f"arn:aws:iam::{account}:role/zq-any-role"
    return f"arn:aws:{service}:eu-north-1:{account}:zq-any/resource"


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
                reach[index, service] = statement.reaches(_account_resource(service, account))
            if reach[index, service] and statement.grants(action):
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
    if found := _granted(allows, _POWER + _ADMINISTRATION, owner):
        return [Grant("administrator", "every action on every resource", found)]
    if found := _granted(allows, _POWER, owner):
        return [Grant("power-user", "nearly every action on every resource", found)]
    untied = [statement for statement in allows if not _tied(statement)]
    grants = []
    for service, actions in _SERVICES.items():
        if found := _granted(untied, actions, owner):
            grants.append(Grant("whole-service", f"{service}:* on every resource", found))
    if grants and any("iam:*" in grant.extent for grant in grants):
        return grants
    for action in _ESCALATIONS:
        if found := _granted(untied, (action,), owner):
            grants.append(Grant("privilege-escalation", f"{action} on every resource", found))
            break
    if passing := _granted(untied, ("iam:passrole",), owner):
        running = [action for action in _COMPUTE if any(each.grants(action) for each in allows)]
        if running:
            grants.append(
                Grant("pass-any-role", f"iam:PassRole on every role with {running[0]}", passing)
            )
    return grants
