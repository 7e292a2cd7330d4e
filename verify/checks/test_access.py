"""Access: who may see the trail's records and who may stop it, by all policies of the account."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.account.read import Read
from verify.check import Check
from verify.inputs.deployment import Deployment
from verify.model import NotVerifiedError
from verify.policy import Decision, Document, NamedPolicy, PolicyError, effective_allows
from verify.policy.access import (
    Asked,
    Guard,
    chains_to,
    how_it_may,
    others_who_may,
    strangers_who_may,
)
from verify.policy.identities import Identity, identities_of
from verify.policy.patterns import arn_fields

# What shows a log group's events, or sends them where they can be seen.
_READING_EVENTS = (
    "logs:CreateExportTask",
    "logs:FilterLogEvents",
    "logs:GetLogEvents",
    "logs:GetLogRecord",
    "logs:StartLiveTail",
    "logs:StartQuery",
)
_EVERYTHING = Document.parse(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)
_DECRYPT = "decrypt log files"
_RESOURCE_POLICIES = (reads.bucket_policy, reads.key_policy, reads.key_grants)


# --- what the account's policies are --------------------------------------------------------------


def _identities(aws: Aws, deployment: Deployment) -> tuple[Identity, ...]:
    """Every user and role of the account, the deployment's own among them."""
    answer = aws.read(reads.account_authorization()).response or {}
    for member in ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"):
        pick(answer, member)
    try:
        found = identities_of(answer)
    except PolicyError as error:
        raise NotVerifiedError(f"who in the account may do what cannot be told: {error}") from None
    except KeyError as error:
        raise NotVerifiedError(f"the API's answer on the account's IAM lacks {error}") from None
    told = {identity.arn for identity in found}
    untold = [arn for arn in deployment.identified("aws_iam_role") if arn not in told]
    if untold:
        raise NotVerifiedError(f"AWS did not tell of {', '.join(untold)} among the account's roles")
    return found


def _bucket_guard(aws: Aws, deployment: Deployment, name: str = "") -> Guard:
    answer = aws.read(reads.bucket_policy(deployment, name)).response
    return Guard() if answer is None else Guard(_parsed("the bucket's policy", answer, "Policy"))


def _key_guard(aws: Aws, deployment: Deployment) -> Guard:
    answer = aws.read(reads.key_policy(deployment)).response or {}
    grantees = {
        str(grant["GranteePrincipal"]): f"the grant {pick(grant, 'GrantId')} of the key"
        for grant in aws.pick(reads.key_grants(deployment), "Grants")
        if "GranteePrincipal" in grant and _of_log_files(grant)
    }
    return Guard(_parsed("the key's policy", answer, "Policy"), alone=True, grantees=grantees)


def _of_log_files(grant: Mapping[str, Any]) -> bool:
    """Whether a grant may decrypt what S3 keeps: none is bound to another encryption context."""
    constraints = grant.get("Constraints") or {}
    bound = {
        name
        for kind in ("EncryptionContextEquals", "EncryptionContextSubset")
        for name in constraints.get(kind) or {}
    }
    return "Decrypt" in grant.get("Operations", ()) and bound <= {
        "aws:s3:arn",
        "aws:cloudtrail:arn",
    }


def _parsed(name: str, answer: Mapping[str, Any], member: str) -> NamedPolicy:
    try:
        return NamedPolicy(name, Document.parse(pick(answer, member)))
    except PolicyError as error:
        raise NotVerifiedError(f"{name} cannot be read: {error}") from None


# --- who sees -------------------------------------------------------------------------------------


def _reading(
    deployment: Deployment, bucket: Guard, key: Guard, queried: Mapping[str, Guard]
) -> Iterator[tuple[str, str, str, tuple[Asked, ...]]]:
    """What reading takes: of which resource, which readers, what it is, and the requests.

    `queried` are the buckets of what queries found, where there are any, by name what guards each.
    """
    files = f"{deployment.log_bucket_arn}/*"
    yield (
        deployment.log_bucket_name,
        "files",
        "read log files",
        tuple(Asked(f"s3:GetObject{end}", files, bucket) for end in ("", "Version")),
    )
    for found, results in queried.items():
        arn = f"{deployment.bucket_arn(found)}/*"
        yield (
            found,
            "results",
            "read what queries found in them",
            tuple(Asked(f"s3:GetObject{end}", arn, results) for end in ("", "Version")),
        )
    suffix = deployment.placeholders()["dns_suffix"]
    through = {"kms:viaservice": (f"s3.{deployment.region}.{suffix}",)}
    yield (
        deployment.kms_key_arn,
        "files",
        _DECRYPT,
        (Asked("kms:Decrypt", deployment.kms_key_arn, key, through),),
    )
    name = deployment.if_there("trail_log_group_name")
    if name is None:
        return
    group = reads.log_group_arn(deployment, name)
    yield (
        name,
        "events",
        "read events",
        tuple(Asked(one, arn) for one in _READING_EVENTS for arn in (group, f"{group}:*")),
    )


@pytest.mark.control(
    "logs-read-by-named-roles-alone", reads.account_authorization, *_RESOURCE_POLICIES
)
def test_the_records_are_read_by_named_roles_alone(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    access = baseline["access"]
    people = _identities(aws, deployment)
    administrators = access["administrators"]
    bucket, key = _bucket_guard(aws, deployment), _key_guard(aws, deployment)
    queried = {
        name: _bucket_guard(aws, deployment, name)
        for name in deployment.investigation_results_bucket_names
    }
    by_kind = {**access["readers"], "results": baseline["investigation"]["readers"]}
    for subject, kind, what, requests in _reading(deployment, bucket, key, queried):
        readers = by_kind[kind]
        admitted = [*readers, *administrators]
        if what == _DECRYPT:
            admitted += access.get("copiers", [])
        others = {who for asked in requests for who in others_who_may(asked, people, admitted)}
        check.none(subject, f"others who may {what}", sorted(others))
        strangers = {
            who for one in requests for who in strangers_who_may(one, deployment.account_id)
        }
        check.none(subject, f"strangers who may {what}", sorted(strangers))
        if kind != "events":
            # Whoever gives itself every permission is still refused by what guards the files.
            anybody = _anybody(deployment)
            ways = {how for one in requests if (how := how_it_may(anybody, one))}
            check.none(subject, f"ways for whoever may do everything to {what}", sorted(ways))
    readers = sorted({*access["readers"]["files"], *access["readers"]["events"]})
    known = {identity.arn for identity in people}
    for reader in readers:
        seen = "there" if reader in known else "no such role"
        check.equal(reader, "the reader's role", expected="there", seen=seen)
    check.none(
        ", ".join(arn.rpartition("/")[2] for arn in readers),
        "others who may become one of them",
        list(chains_to(readers, people, _who_may_assume(readers, baseline))),
    )


@pytest.mark.control("application-logs-unmasked-for-nobody", reads.account_authorization)
def test_what_applications_mask_is_seen_by_nobody_else(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    unless_owned: Callable[[], None],
) -> None:
    unless_owned()
    required = baseline["application_logs"]
    if not required["groups"]:
        check.not_applicable("the baseline's application_logs.groups name no application")
    people = _identities(aws, deployment)
    admitted = [*required["unmasked_for"], *baseline["access"]["administrators"]]
    for name in required["groups"]:
        group = reads.log_group_arn(deployment, name)
        requests = [Asked("logs:Unmask", arn) for arn in (group, f"{group}:*")]
        others = {who for asked in requests for who in others_who_may(asked, people, admitted)}
        check.none(name, "others who may see what is masked", sorted(others))


def _anybody(deployment: Deployment, *policies: NamedPolicy) -> Identity:
    arn = f"arn:{deployment.partition}:iam::{deployment.account_id}:user/whoever-may-do-everything"
    return Identity(arn, (NamedPolicy("every permission", _EVERYTHING), *policies))


def _who_may_assume(roles: Sequence[str], baseline: Mapping[str, Any]) -> dict[str, Any]:
    """By role the principals that it serves; by "" the administrators."""
    serves = {arn: baseline["roles"]["serves"].get(arn.rpartition("/")[2], ()) for arn in roles}
    listed = {arn: served for arn, served in serves.items() if not isinstance(served, str)}
    return {**listed, "": baseline["access"]["administrators"]}


# --- who stops ------------------------------------------------------------------------------------


def _acts(
    acts: Mapping[str, Any], deployment: Deployment, bucket: Guard, key: Guard
) -> Iterator[Asked]:
    # The key's grants are of Decrypt here; what else a grant permits, key-grants judges.
    guards = {"s3": bucket, "kms": replace(key, grantees={})}
    for act in acts.values():
        for resource in act["resources"]:
            fields = arn_fields(resource)
            service = fields[2] if fields else ""
            for action in act["actions"]:
                # What a rule elsewhere forwards is judged where it is: at home.
                where = {"aws:requestedregion": (deployment.region,)} if service == "events" else {}
                yield Asked(action, resource, guards.get(service, Guard()), where)


@pytest.mark.control(
    "trail-cannot-be-stopped-by-others", reads.account_authorization, *_RESOURCE_POLICIES
)
def test_nobody_else_may_stop_the_trail_or_blind_it(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    access = baseline["access"]
    people = _identities(aws, deployment)
    bucket, key = _bucket_guard(aws, deployment), _key_guard(aws, deployment)
    # What the deployment's own roles may, roles-least-privilege holds to their need.
    admitted = [*access["administrators"], *deployment.identified("aws_iam_role")]
    for part, spared in (("acts", [access["break_glass"]["role"]]), ("role_acts", [])):
        asked = list(_acts(access[part], deployment, bucket, key))
        found: dict[str, list[str]] = {}
        for one in asked:
            for who in others_who_may(one, people, [*admitted, *spared]):
                found.setdefault(who, []).append(one.action)
        who_and_what = [f"{who}: {', '.join(dict.fromkeys(what))}" for who, what in found.items()]
        check.none(deployment.trail_name, _ASPECTS[part], who_and_what)
    _hold_protection(check, aws, deployment, access)


_ASPECTS = {
    "acts": "others who may stop the trail or blind it",
    "role_acts": "others who may alter the roles and policies that guard it",
}


def _hold_protection(
    check: Check, aws: Aws, deployment: Deployment, access: Mapping[str, Any]
) -> None:
    """The protecting policy denies all that, to all but the break-glass role, and is attached."""
    arns = deployment.trail_protection_policy_arns
    check.equal(deployment.trail_name, "protecting policies", expected=1, seen=len(arns))
    details = aws.read(reads.account_authorization()).response or {}
    for arn in arns:
        live = next((one for one in pick(details, "Policies") if pick(one, "Arn") == arn), None)
        check.equal(arn, "policy", expected="there", seen="there" if live else "no such policy")
        if live is None:
            continue
        [document] = [
            pick(version, "Document")
            for version in pick(live, "PolicyVersionList")
            if pick(version, "VersionId") == pick(live, "DefaultVersionId")
        ]
        policy = NamedPolicy("the protecting policy", Document.parse(document))
        _hold_denials(check, deployment, access, arn, policy)
        check.equal(
            arn,
            "the document that the outputs give away",
            expected=json.loads(deployment.trail_protection_policy_document or "null"),
            seen=document,
        )
        attached = {
            pick(role, "RoleName")
            for role in pick(details, "RoleDetailList")
            for one in pick(role, "AttachedManagedPolicies")
            if pick(one, "PolicyArn") == arn
        }
        missing = sorted(set(access["protected_roles"]) - attached)
        check.none(arn, "roles that it is not attached to", missing)


def _hold_denials(
    check: Check,
    deployment: Deployment,
    access: Mapping[str, Any],
    arn: str,
    policy: NamedPolicy,
) -> None:
    anybody = _anybody(deployment, policy)
    everything = NamedPolicy("every permission", _EVERYTHING)
    spared = Identity(access["break_glass"]["role"], (everything, policy))
    acts = {**access["acts"], **access["role_acts"]}
    asked = list(_acts(acts, deployment, Guard(), Guard()))
    left = [f"{one.action} on {one.resource}" for one in asked if how_it_may(anybody, one)]
    check.none(arn, "acts that it does not deny", left)
    denied = [one.action for one in asked if not how_it_may(spared, one)]
    check.none(arn, "acts that it denies to the break-glass role", denied)


# --- break glass ----------------------------------------------------------------------------------


@pytest.mark.control("break-glass-role-guarded", reads.other_role)
def test_the_break_glass_role_is_guarded(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    required = baseline["access"]["break_glass"]
    arn = required["role"]
    role = aws.read(reads.other_role(arn.rpartition("/")[2])).response
    seen = pick(role, "Role", "Arn") if role is not None else "no such role"
    check.equal(arn, "the break-glass role", expected=arn, seen=seen)
    if role is None or seen != arn:
        return
    longest, session = required["maximum_session_seconds"], pick(role, "Role", "MaxSessionDuration")
    check.holds(
        arn,
        "longest session",
        session <= longest,
        expected=f"at most {longest} seconds",
        seen=session,
    )
    document = pick(role, "Role", "AssumeRolePolicyDocument")
    for attempt in _attempts(deployment, required):
        _hold_attempt(check, arn, document, attempt)


_Keys = Mapping[str, str]
_FACTOR, _AGE = "aws:MultiFactorAuthPresent", "aws:MultiFactorAuthAge"


@dataclass(frozen=True)
class _Attempt:
    """Who tries to assume the role, how, with which condition keys, and whether it must succeed."""

    who: str
    how: str
    keys: _Keys
    succeeds: bool = False


def _attempts(deployment: Deployment, required: Mapping[str, Any]) -> Iterator[_Attempt]:
    root = f"arn:{deployment.partition}:iam::{deployment.account_id}"
    old = str(required["mfa_age_seconds"] + 1)
    listed = required["principals"]
    for user in listed:
        good = _guarded_session(user.rpartition("/")[2])
        factorless = {key: value for key, value in good.items() if key not in (_FACTOR, _AGE)}
        yield _Attempt(user, "as it should", good, succeeds=True)
        yield _Attempt(user, "without a second factor", factorless)
        yield _Attempt(user, "with keys that bear none", {**good, _FACTOR: "false"})
        yield _Attempt(user, "with an old second factor", {**good, _AGE: old})
        yield _Attempt(user, "under another's name", {**good, "sts:RoleSessionName": "somebody"})
    for stranger in (
        f"{root}:user/somebody-else",
        f"{root}:role/some-role",
        f"{root}:root",
        f"arn:{deployment.partition}:iam::999999999999:user/somebody-else",
    ):
        if stranger not in listed:
            keys = _guarded_session(stranger.rpartition("/")[2])
            yield _Attempt(stranger, "whom nobody named", keys)


def _guarded_session(name: str) -> dict[str, str]:
    return {
        _FACTOR: "true",
        _AGE: "0",
        "aws:SecureTransport": "true",
        "aws:username": name,
        "sts:RoleSessionName": name,
    }


def _hold_attempt(check: Check, arn: str, document: Any, attempt: _Attempt) -> None:
    try:
        said = effective_allows(document, attempt.who, "sts:AssumeRole", arn, attempt.keys)
    except PolicyError as error:
        check.unknown(arn, f"its trust policy: {error}")
        return
    if said.decision is Decision.CANNOT_TELL:
        check.unknown(arn, said.reason)
        return
    check.holds(
        arn,
        f"assumption by {attempt.who} {attempt.how}",
        said.allowed is attempt.succeeds,
        expected="allowed" if attempt.succeeds else "refused",
        seen=said.reason,
    )


# --- what IAM itself says -------------------------------------------------------------------------


@pytest.mark.control("access-roles-refused-by-simulation", reads.simulation)
def test_iam_itself_refuses_the_acts_to_all_but_the_break_glass_role(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    access = baseline["access"]
    spared = access["break_glass"]["role"]
    # A break-glass role that is another's is not for the verifier to simulate.
    ours = deployment.access_role_arns
    roles = [*ours, deployment.verifier_role_arn]
    readers = sorted({*access["readers"]["files"], *access["readers"]["events"]})
    unknown = [arn for arn in readers if arn not in roles and arn != spared]
    check.none(deployment.trail_name, "readers that are none of the deployment's roles", unknown)
    acts = [(purpose, act, part) for part in _ASPECTS for purpose, act in access[part].items()]
    asked = {(arn, purpose): _simulated(arn, act) for arn in roles for purpose, act, _ in acts}
    aws.side_by_side(partial(aws.read, read) for read in asked.values())
    for arn in roles:
        for purpose, act, part in acts:
            decisions = _decisions(aws, asked[arn, purpose], act)
            may = arn == spared and part == "acts"
            wrong = sorted(
                f"{action} on {resource}: {decision}"
                for (action, resource), decision in decisions.items()
                if (decision == "allowed") is not may
            )
            expected = "all allowed" if may else "all refused"
            check.none(arn, f"acts on {purpose} that are not", wrong, expected=expected)


def _simulated(arn: str, act: Mapping[str, Any]) -> Read:
    return reads.simulation(arn, sorted(act["actions"]), _one_of_each(act))


def _one_of_each(act: Mapping[str, Any]) -> list[str]:
    """A resource of each pattern: the simulator is asked of resources."""
    return [one if one == "*" else one.replace("*", "any") for one in act["resources"]]


def _decisions(aws: Aws, read: Read, act: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """What the simulator says to each action on each resource; nothing may be left out."""
    found = {
        (pick(one, "EvalActionName"), pick(one, "EvalResourceName")): pick(one, "EvalDecision")
        for one in aws.pick(read, "EvaluationResults")
    }
    wanted = {(action, resource) for action in act["actions"] for resource in _one_of_each(act)}
    if set(found) != wanted:
        raise NotVerifiedError("IAM's simulator answered other questions than it was asked")
    odd = sorted(set(found.values()) - _SIMULATED)
    if odd:
        raise NotVerifiedError(f"IAM's simulator says {', '.join(odd)}, which is not known here")
    return found


_SIMULATED = frozenset({"allowed", "explicitDeny", "implicitDeny"})
