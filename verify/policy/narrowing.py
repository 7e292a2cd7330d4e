"""Whether conditions keep a statement for anyone within known accounts, organisations or networks.

Sources: IAM user guide, "AWS global condition context keys", "Single-valued vs. multivalued context
keys", "IfExists"; S3 user guide, the meaning of "public"; KMS developer guide, "Condition keys".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from verify.addresses import AddressSet, is_internet
from verify.policy.document import Condition, Document, Statement
from verify.policy.patterns import arn_fields, has_wildcard, is_account, literal_start


class Caller(Enum):
    """Who a condition has to hold back: callers of any account, or a service acting for anyone."""

    ANYONE = "anyone"
    SERVICE = "service"


class ValueKind(Enum):
    """What the values of a condition key name."""

    ACCOUNT = "account"
    ARN = "ARN"
    ORGANIZATION = "organization"
    IDENTITY = "unique id"
    VPC = "VPC or endpoint"
    ADDRESS = "source address"


@dataclass(frozen=True)
class NarrowingKey:
    """A condition key with which a statement can be narrowed; `callers` against whom it works."""

    kind: ValueKind
    callers: frozenset[Caller]
    why: str


_ANYONE = frozenset({Caller.ANYONE})
_SERVICE = frozenset({Caller.SERVICE})
_BOTH = frozenset(Caller)

NARROWING_KEYS: dict[str, NarrowingKey] = {
    "aws:principalaccount": NarrowingKey(
        ValueKind.ACCOUNT, _ANYONE, "the caller's account, set by AWS"
    ),
    "aws:principalarn": NarrowingKey(ValueKind.ARN, _ANYONE, "the caller's ARN, set by AWS"),
    "aws:principalorgid": NarrowingKey(
        ValueKind.ORGANIZATION, _ANYONE, "the caller's organization, set by AWS"
    ),
    "aws:principalorgpaths": NarrowingKey(
        ValueKind.ORGANIZATION, _ANYONE, "the caller's place in an organization, set by AWS"
    ),
    "aws:userid": NarrowingKey(ValueKind.IDENTITY, _ANYONE, "the caller's unique id, set by AWS"),
    "aws:sourceaccount": NarrowingKey(
        ValueKind.ACCOUNT, _BOTH, "the account a service acts for, set by the service"
    ),
    "aws:sourceowner": NarrowingKey(
        ValueKind.ACCOUNT, _BOTH, "the older name of aws:SourceAccount, in default topic policies"
    ),
    "aws:sourcearn": NarrowingKey(
        ValueKind.ARN, _BOTH, "the resource a service acts for, set by the service"
    ),
    "aws:sourceorgid": NarrowingKey(
        ValueKind.ORGANIZATION, _BOTH, "the organization a service acts for, set by the service"
    ),
    "aws:sourceorgpaths": NarrowingKey(
        ValueKind.ORGANIZATION, _BOTH, "the place in an organization a service acts for"
    ),
    "aws:sourcevpc": NarrowingKey(ValueKind.VPC, _ANYONE, "the VPC a request came through"),
    "aws:sourcevpce": NarrowingKey(ValueKind.VPC, _ANYONE, "the endpoint a request came through"),
    "aws:vpceaccount": NarrowingKey(
        ValueKind.ACCOUNT, _ANYONE, "the account that owns the endpoint"
    ),
    "aws:vpceorgid": NarrowingKey(
        ValueKind.ORGANIZATION, _ANYONE, "the organization that owns the endpoint"
    ),
    "aws:sourceip": NarrowingKey(ValueKind.ADDRESS, _ANYONE, "the caller's public address"),
    "kms:calleraccount": NarrowingKey(ValueKind.ACCOUNT, _ANYONE, "the caller's account, for KMS"),
    "s3:dataaccesspointaccount": NarrowingKey(
        ValueKind.ACCOUNT, _ANYONE, "the account that owns the access point, which guards itself"
    ),
    "s3:dataaccesspointarn": NarrowingKey(
        ValueKind.ARN, _ANYONE, "the access point, which guards itself"
    ),
    "lambda:sourcefunctionarn": NarrowingKey(
        ValueKind.ARN, _ANYONE, "the function that calls, set by Lambda"
    ),
    # A caller may state any encryption context; these services state their own resource's ARN.
    "kms:encryptioncontext:aws:logs:arn": NarrowingKey(
        ValueKind.ARN, _SERVICE, "the log group that CloudWatch Logs encrypts for"
    ),
    "kms:encryptioncontext:aws:cloudtrail:arn": NarrowingKey(
        ValueKind.ARN, _SERVICE, "the trail that CloudTrail encrypts for"
    ),
    "kms:encryptioncontext:aws:sqs:arn": NarrowingKey(
        ValueKind.ARN, _SERVICE, "the queue that a service sends to, stated by SQS"
    ),
    "kms:encryptioncontext:aws:sns:topicarn": NarrowingKey(
        ValueKind.ARN,
        _SERVICE,
        "the topic that SNS encrypts for, whose own policy admits publishers",
    ),
}

# Keys that look as if they narrowed, and why they do not.
NOT_NARROWING_KEYS: dict[str, str] = {
    "kms:viaservice": "any account's callers can go through a service",
    "kms:grantisforawsresource": "any account's callers can go through a service",
    "aws:calledvia": "any account's callers can go through a service",
    "aws:viaawsservice": "any account's callers can go through a service",
    "aws:principalisawsservice": "services act for any account",
    "aws:principalservicename": "services act for any account",
    "aws:principaltype": "every account has principals of every type",
    "aws:principaltag": "whoever owns an account tags its principals",
    "aws:username": "names are free to choose in any account",
    "aws:vpcsourceip": "private addresses are the same in every VPC",
    "aws:securetransport": "everyone can use TLS",
    "aws:referer": "callers choose it",
    "aws:useragent": "callers choose it",
    "aws:multifactorauthpresent": "users of any account can have MFA",
    "aws:currenttime": "a time is not a caller",
    "sts:externalid": "it is a word that anyone who learns it can say",
    "s3:x-amz-acl": "callers choose it",
    "s3:x-amz-server-side-encryption-aws-kms-key-id": "callers choose it",
    "sns:protocol": "callers choose it",
    "sns:endpoint": "callers choose it",
}

# Values that AWS replaces by the resource's own owner.
_OWN_ACCOUNT = "${aws:resourceaccount}"
_OWN_ORGANIZATION = "${aws:resourceorgid}"

_TEXT_OPERATORS = frozenset({"stringequals", "stringequalsignorecase", "stringlike"})
_ARN_OPERATORS = frozenset({"arnequals", "arnlike"})
_KNOWN_OPERATORS = (
    _TEXT_OPERATORS
    | _ARN_OPERATORS
    | frozenset(
        {
            "stringnotequals",
            "stringnotequalsignorecase",
            "stringnotlike",
            "arnnotequals",
            "arnnotlike",
            "ipaddress",
            "notipaddress",
            "bool",
            "null",
        }
    )
)


class Openness(Enum):
    """Whether conditions narrow a statement."""

    NARROW = "narrow"
    OPEN = "open"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True)
class Bound:
    """One thing that a narrowing condition admits: an account, an organization, or something whose
    account the condition does not tell (`account` and `organization` both None)."""

    text: str
    account: str | None = None
    organization: str | None = None


@dataclass(frozen=True)
class Narrowing:
    """The outcome for a statement.

    `alternatives` has, for each narrowing condition, what it admits; all conditions hold together,
    so it is enough that one of them admits nothing unwelcome. `reasons` say why others do not
    narrow.
    """

    openness: Openness
    alternatives: tuple[tuple[Bound, ...], ...]
    reasons: tuple[str, ...]

    def within(self, accounts: frozenset[str], organizations: frozenset[str]) -> bool:
        """Whether some condition admits only these accounts and organizations."""
        return any(
            all(bound.account in accounts or bound.organization in organizations for bound in line)
            for line in self.alternatives
        )

    @property
    def tells_owners(self) -> bool:
        """Whether some condition tells the account or organization of all that it admits."""
        return any(
            all(bound.account or bound.organization for bound in line) for line in self.alternatives
        )


def narrowing_of(
    document: Document, statement: Statement, account: str, caller: Caller
) -> Narrowing:
    """Whether conditions keep callers, or what a service acts for, to something known."""
    present = {
        condition.name
        for condition in statement.conditions
        if condition.operator.lower() == "null"
        and not condition.if_exists
        and {value.lower() for value in condition.values} == {"false"}
    }
    alternatives: list[tuple[Bound, ...]] = []
    reasons: list[str] = []
    undecided = False
    for condition in statement.conditions:
        outcome = _narrow(document, condition, account, caller, condition.name in present)
        if isinstance(outcome, tuple):
            alternatives.append(outcome)
            continue
        reasons.append(f"{condition.describe()} does not narrow: {outcome.why}")
        undecided = undecided or outcome.undecided
    if alternatives:
        return Narrowing(Openness.NARROW, tuple(alternatives), tuple(reasons))
    openness = Openness.CANNOT_TELL if undecided else Openness.OPEN
    return Narrowing(openness, (), tuple(reasons))


@dataclass(frozen=True)
class _Not:
    why: str
    undecided: bool = False


def _narrow(
    document: Document, condition: Condition, account: str, caller: Caller, present: bool
) -> tuple[Bound, ...] | _Not:
    key = NARROWING_KEYS.get(condition.name)
    if key is None:
        stem = condition.name.split("/")[0]
        return _Not(NOT_NARROWING_KEYS.get(stem, "the key is not one that bounds callers"))
    if caller not in key.callers:
        return _Not(f"the key does not bound {_CALLER_WORDS[caller]}")
    operator = condition.operator.lower()
    if operator == "null":
        return _Not("that the key is there, or not, bounds nobody")
    if operator not in _KNOWN_OPERATORS:
        return _Not("the operator is not known here for this key", undecided=True)
    if "not" in operator:
        return _Not("it admits all but the values")
    if condition.if_exists and not present:
        return _Not("IfExists also admits requests without the key")
    if condition.for_all and not present:
        return _Not("ForAllValues also admits requests without the key")
    if key.kind is ValueKind.ADDRESS:
        return _addresses(condition, operator)
    if operator not in _TEXT_OPERATORS | _ARN_OPERATORS:
        return _Not("the operator does not fit the key", undecided=True)
    bounds = []
    for value in condition.values:
        bound = _bound(document, key.kind, operator, value, account)
        if isinstance(bound, _Not):
            return bound
        bounds.append(bound)
    return tuple(bounds)


_CALLER_WORDS = {Caller.ANYONE: "callers", Caller.SERVICE: "what a service acts for"}


def _addresses(condition: Condition, operator: str) -> tuple[Bound, ...] | _Not:
    if operator != "ipaddress":
        return _Not("the operator does not fit the key", undecided=True)
    try:
        addresses = AddressSet.parse(*condition.values)
    except ValueError as error:
        return _Not(str(error), undecided=True)
    if is_internet(addresses):
        return _Not("together the ranges are as good as the internet")
    return tuple(Bound(f"source address {value}") for value in condition.values)


def _bound(
    document: Document, kind: ValueKind, operator: str, value: str, account: str
) -> Bound | _Not:
    if "${" in value and document.has_variables:
        return _variable(kind, value, account)
    # StringEquals takes a star literally; ArnEquals does not.
    wild = operator in _ARN_OPERATORS or operator == "stringlike"
    if not (wild and has_wildcard(value)):
        return _exact(kind, value)
    if kind is ValueKind.ARN:
        return _arn_pattern(operator, value)
    literal = literal_start(value)
    separator = _OWNER_ENDS_AT.get(kind)
    if separator is not None and separator in literal:
        return _exact(kind, literal)
    return _Not(f"{value!r} has a wildcard where the {kind.value} is named")


# Before this the owner of what a value names is told: all that follows may be a wildcard.
_OWNER_ENDS_AT = {ValueKind.ORGANIZATION: "/", ValueKind.IDENTITY: ":"}


def _variable(kind: ValueKind, value: str, account: str) -> Bound | _Not:
    if kind is ValueKind.ACCOUNT and value.lower() == _OWN_ACCOUNT:
        return Bound(f"account {account}", account=account)
    if kind is ValueKind.ORGANIZATION and value.lower() == _OWN_ORGANIZATION:
        return Bound("the resource's own organization")
    return _Not(f"the policy variable in {value!r} cannot be resolved", undecided=True)


def _exact(kind: ValueKind, value: str) -> Bound:
    text = f"{kind.value} {value}"
    if kind is ValueKind.ACCOUNT:
        return Bound(text, account=value)
    if kind is ValueKind.ORGANIZATION:
        return Bound(text, organization=value.split("/")[0])
    if kind is ValueKind.IDENTITY and is_account(value.split(":")[0]):
        return Bound(text, account=value.split(":")[0])
    if kind is ValueKind.ARN:
        fields = arn_fields(value)
        return Bound(text, account=fields[4] if fields and fields[4] else None)
    return Bound(text)


def _arn_pattern(operator: str, value: str) -> Bound | _Not:
    fields = arn_fields(value)
    if fields is None:
        return _Not(f"{value!r} is a wildcard for any account")
    _, _, service, _, owner, resource = fields
    literal_until = len(literal_start(value))
    # Under StringLike a star runs across colons, so a field counts only when all before is literal.
    whole_text = operator == "stringlike"
    if is_account(owner):
        if whole_text and literal_until < len(":".join(fields[:5])):
            return _Not(
                f"under StringLike the wildcard in {value!r} can run past the account; "
                "ArnLike keeps it in its field",
                undecided=True,
            )
        return Bound(f"ARN {value}", account=owner)
    bucket = resource.split("/")[0]
    if service == "s3" and bucket and not has_wildcard(bucket):
        if whole_text and literal_until < len(value) - len(resource) + len(bucket):
            return _Not(f"the wildcard in {value!r} can run past the bucket", undecided=True)
        return Bound(f"bucket {bucket}")
    return _Not(f"{value!r} names no account")


def describe_bounds(lines: Iterable[Iterable[Bound]]) -> str:
    """What conditions admit, in words."""
    return " and ".join(" or ".join(bound.text for bound in line) for line in lines)
