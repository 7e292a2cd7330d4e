"""The remedies: for each rule that has one, the change that puts right what it found.

A remedy looks at the live state first: it acts only on what is still wrong, spares every resource
that has the exemption tag (and, since an exemption that cannot be read may exist, every resource
whose tags cannot be read), and says what was there before, what is there now and how to undo it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from . import aws
from .addresses import internet_openings
from .model import Violation
from .record import texts
from .rules.exposure import read_opening
from .rules.storage import PUBLIC_ACCESS_FLAGS
from .rules.trail import VALIDATION_OFF


class NotRemediatedError(Exception):
    """Why nothing was or could be put right: ``outcome`` as in the alert, and words."""

    def __init__(self, outcome: str, why: str) -> None:
        super().__init__(why)
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class Remedy:
    """One change: the call that makes it, what it replaces, and the command that undoes it."""

    call: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    undo: str
    act: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Case:
    """A violation to put right, where it happened."""

    violation: Violation
    record: Mapping[str, Any]
    clients: Callable[[str], Any]
    exemption_tag: str

    @property
    def resource(self) -> str:
        """The resource's name, id or ARN; NotRemediatedError if the record names none."""
        if not self.violation.resource_id:
            raise NotRemediatedError("not-possible", "the record does not name the resource")
        return self.violation.resource_id

    def spare_exempt(self, tags: list[Mapping[str, Any]]) -> None:
        """Raise NotRemediatedError if one of the tags (Key or TagKey) is the exemption."""
        for tag in tags:
            if (tag.get("Key") or tag.get("TagKey")) == self.exemption_tag:
                raise NotRemediatedError("exempt", f"the resource has the tag {self.exemption_tag}")


def _security_group(case: Case) -> Remedy:
    """Revoke the group's ingress rules that the call made and that are open to the Internet."""
    group, ec2 = case.resource, case.clients("ec2")
    if not group.startswith("sg-"):
        raise NotRemediatedError("not-possible", "the record names the group by its name alone")
    groups = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    case.spare_exempt(groups[0].get("Tags", []))
    exposures = {
        (each.get("protocol"), each.get("from_port"), each.get("to_port"), each.get("cidr"))
        for each in case.violation.details.get("exposures", [])
    }
    named = set(texts(case.violation.details.get("security_group_rule_ids")))
    pages = ec2.get_paginator("describe_security_group_rules").paginate(
        Filters=[{"Name": "group-id", "Values": [group]}]
    )
    found = []
    for rule in (each for page in pages for each in page["SecurityGroupRules"]):
        opening = read_opening(
            rule.get("IpProtocol"),
            rule.get("FromPort"),
            rule.get("ToPort"),
            rule.get("CidrIpv4") or rule.get("CidrIpv6"),
        )
        if rule["IsEgress"] or opening is None:
            continue
        details = opening.as_details()
        key = (details["protocol"], details["from_port"], details["to_port"], details["cidr"])
        made = key in exposures or rule["SecurityGroupRuleId"] in named
        if made and (key in exposures or internet_openings([opening])):
            found.append((rule["SecurityGroupRuleId"], details))
    if not found:
        raise NotRemediatedError("not-needed", "no such rule is in the group any more")
    identifiers = [identifier for identifier, _ in found]
    permissions = [_permission(details) for _, details in found]
    return Remedy(
        call="ec2:RevokeSecurityGroupIngress",
        before={"rules": [{"id": identifier, **details} for identifier, details in found[:10]]},
        after={"rules": []},
        undo=(
            f"aws ec2 authorize-security-group-ingress --group-id {group} "
            f"--ip-permissions '{json.dumps(permissions[:5])}'"
        ),
        act=lambda: ec2.revoke_security_group_ingress(
            GroupId=group, SecurityGroupRuleIds=identifiers
        ),
    )


def _permission(details: Mapping[str, Any]) -> dict[str, Any]:
    """An opening as EC2's calls take it."""
    ranges = ("Ipv6Ranges", "CidrIpv6") if ":" in details["cidr"] else ("IpRanges", "CidrIp")
    permission = {"IpProtocol": details["protocol"], ranges[0]: [{ranges[1]: details["cidr"]}]}
    if details["from_port"] is not None:
        permission |= {"FromPort": details["from_port"], "ToPort": details["to_port"]}
    return permission


def _public_access_block(case: Case) -> Remedy:
    """Put all four flags of a bucket's public access block back."""
    if case.violation.details.get("scope") != "bucket":
        raise NotRemediatedError("not-possible", "the account's own block is left to people")
    bucket, s3 = case.resource, case.clients("s3")
    tags = _answer(lambda: s3.get_bucket_tagging(Bucket=bucket)["TagSet"], "NoSuchTagSet")
    case.spare_exempt(tags or [])
    before = _answer(
        lambda: s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"],
        "NoSuchPublicAccessBlockConfiguration",
    )
    if before and all(before.get(name) for name in PUBLIC_ACCESS_FLAGS):
        raise NotRemediatedError("not-needed", "all four flags are on again")
    after = dict.fromkeys(PUBLIC_ACCESS_FLAGS, True)
    return Remedy(
        call="s3:PutBucketPublicAccessBlock",
        before={name: bool((before or {}).get(name)) for name in PUBLIC_ACCESS_FLAGS},
        after=after,
        undo=(
            f"aws s3api delete-public-access-block --bucket {bucket}"
            if before is None
            else f"aws s3api put-public-access-block --bucket {bucket} "
            f"--public-access-block-configuration '{json.dumps(before)}'"
        ),
        act=lambda: s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=after),
    )


def _answer(read: Callable[[], Any], absent: str) -> Any:
    """What a read answers, or None for the error code that means that there is nothing."""
    try:
        return read()
    except aws.errors() as error:
        if aws.code(error) == absent:
            return None
        raise


def _trail_arn(case: Case, cloudtrail: Any) -> str:
    arn = str(cloudtrail.get_trail(Name=case.resource)["Trail"]["TrailARN"])
    answer = cloudtrail.list_tags(ResourceIdList=[arn])
    case.spare_exempt(answer["ResourceTagList"][0]["TagsList"])
    return arn


def _logging(case: Case) -> Remedy:
    """Let a trail that was stopped record again; one that was deleted is beyond it."""
    if case.record.get("eventName") != "StopLogging":
        raise NotRemediatedError("not-possible", "a deleted trail must be made anew by its owner")
    cloudtrail = case.clients("cloudtrail")
    arn = _trail_arn(case, cloudtrail)
    if cloudtrail.get_trail_status(Name=arn)["IsLogging"]:
        raise NotRemediatedError("not-needed", "the trail records again")
    return Remedy(
        call="cloudtrail:StartLogging",
        before={"is_logging": False},
        after={"is_logging": True},
        undo=f"aws cloudtrail stop-logging --name {arn}",
        act=lambda: cloudtrail.start_logging(Name=arn),
    )


def _validation(case: Case) -> Remedy:
    """Let a trail write digest files again; its other weaknesses are left to people."""
    if VALIDATION_OFF not in case.violation.details.get("weaknesses", []):
        raise NotRemediatedError("not-possible", "what was changed of the trail is left to people")
    cloudtrail = case.clients("cloudtrail")
    arn = _trail_arn(case, cloudtrail)
    if cloudtrail.get_trail(Name=arn)["Trail"].get("LogFileValidationEnabled"):
        raise NotRemediatedError("not-needed", "log file validation is on")
    return Remedy(
        call="cloudtrail:UpdateTrail",
        before={"log_file_validation": False},
        after={"log_file_validation": True},
        undo=f"aws cloudtrail update-trail --name {arn} --no-enable-log-file-validation",
        act=lambda: cloudtrail.update_trail(Name=arn, EnableLogFileValidation=True),
    )


def _rotation(case: Case) -> Remedy:
    """Let a key rotate again."""
    key, kms = case.resource, case.clients("kms")
    case.spare_exempt(kms.list_resource_tags(KeyId=key)["Tags"])
    if kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]:
        raise NotRemediatedError("not-needed", "the key rotates again")
    return Remedy(
        call="kms:EnableKeyRotation",
        before={"key_rotation": False},
        after={"key_rotation": True},
        undo=f"aws kms disable-key-rotation --key-id {key}",
        act=lambda: kms.enable_key_rotation(KeyId=key),
    )


REMEDIES: Mapping[str, Callable[[Case], Remedy]] = {
    "kms-key-rotation-disabled": _rotation,
    "public-access-block-weakened": _public_access_block,
    "security-group-open-to-internet": _security_group,
    "security-group-rule-changed-to-internet": _security_group,
    "trail-stopped": _logging,
    "trail-weakened": _validation,
}
