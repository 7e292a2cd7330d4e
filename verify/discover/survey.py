"""What a trail stands on, as its account shows it: from the trail to whatever it names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from verify.discover.alarms import alarms_and_topic
from verify.discover.deliveries import log_group, notices
from verify.discover.facts import Known, Survey, others
from verify.discover.reading import Account
from verify.inputs.absence import PARTS
from verify.policy.lifecycle import default_lock_days, locks_as

Say = Callable[[str], None]


class DiscoverError(Exception):
    """Nothing can be discovered. The message names the cause and the remedy."""


def survey(account: Account, arn: str, required: Mapping[str, Any], say: Say) -> Survey:
    """What the trail of that ARN stands on, seen against the values of a baseline.

    `say` tells of what is being looked at. Raises DiscoverError where the trail cannot be read.
    """
    found = Survey()
    say(f"looking at the trail {arn}")
    trail = _trail(account, found, arn, required["trail"])
    say(f"looking at the bucket {trail['S3BucketName']}")
    _bucket(account, found, trail["S3BucketName"], required["log_bucket"])
    _key(account, found, trail.get("KmsKeyId"), required["key"])
    log_group(account, found, trail, required["log_groups"])
    notices(account, found, trail)
    say("looking at the alarms, and at whom they tell")
    alarms_and_topic(account, found)
    for part, reason in _NOT_LOOKED_FOR.items():
        if found.unseen.keys().isdisjoint(PARTS[part].outputs):
            found.without(part, reason)
    return found


# Parts that a trail does not lead to. What belongs to none of its resources is no part of it.
_NOT_LOOKED_FOR = {
    "access-roles": "not looked for: a trail does not name who reads it",
    "applications": "not looked for: a trail does not name applications",
    "copies": "not looked for: replication is told by the bucket's own controls",
    "dashboard": "not looked for: a trail does not name a dashboard",
    "detection": "not looked for: a trail does not name what else watches the account",
    "function": "no resource of the trail leads to the compliance function of this project",
    "investigation": "not looked for: a trail does not name who asks its files",
    "network": "no resource of the trail stands in a VPC",
    "reports": "not looked for: a trail does not name where reports are kept",
    "verifier": "not looked for: whoever verifies gives the role by --role, or uses its own",
}


def _trail(
    account: Account, found: Survey, arn: str, required: Mapping[str, Any]
) -> Mapping[str, Any]:
    answer = account.ask("cloudtrail", "describe_trails", trailNameList=[arn])
    if answer.problem:
        raise DiscoverError(
            f"the trail cannot be read: {answer.problem}: use credentials of its account with the "
            "permissions that --help lists"
        )
    listed = [one for one in answer.known.get("trailList", []) if one.get("TrailARN") == arn]
    if not listed:
        raise DiscoverError(
            f"there is no trail {arn}: check the ARN (aws cloudtrail list-trails), and that the "
            "credentials are of its account"
        )
    trail: Mapping[str, Any] = listed[0]
    partition, region, owner = arn.split(":")[1], arn.split(":")[3], arn.split(":")[4]
    found.take("the trail's ARN", account_id=owner, region=region, partition=partition)
    found.take(
        f"{answer.source}: Name, TrailARN, HomeRegion",
        trail_name=trail["Name"],
        trail_arn=arn,
        trail_home_region=trail["HomeRegion"],
    )
    for member, key in (
        ("multi_region", "IsMultiRegionTrail"),
        ("global_service_events", "IncludeGlobalServiceEvents"),
        ("log_file_validation", "LogFileValidationEnabled"),
    ):
        live = trail.get(key, False)
        found.expect(f"trail.{member}", required[member], live, f"{answer.source}: {key}")
    status = account.ask("cloudtrail", "get_trail_status", Name=arn)
    if not status.problem and not status.known.get("IsLogging"):
        found.shortcomings.append(f"{status.source}: the trail is not logging")
    if not account.ask("cloudtrail", "get_event_selectors", TrailName=arn).problem:
        found.notes.append("which events it records is judged by trail-management-events")
    if trail.get("IsOrganizationTrail"):
        found.settings["trail", "organization"] = Known(
            True, f"{answer.source}: IsOrganizationTrail"
        )
        _organization(account, found)
    if trail.get("S3KeyPrefix"):
        found.shortcomings.append(
            f"{answer.source}: the files lie below the folder {trail['S3KeyPrefix']}, and "
            "trail-destination asks for none"
        )
    return trail


def _organization(account: Account, found: Survey) -> None:
    answer = account.ask("organizations", "describe_organization")
    place = "trail", "organization_id"
    if answer.problem:
        found.settings[place] = Known(None, f"not seen: {answer.problem}: fill in the id (o-...)")
    else:
        identifier = answer.known["Organization"]["Id"]
        found.settings[place] = Known(identifier, f"{answer.source}: Id")


def _bucket(account: Account, found: Survey, name: str, required: Mapping[str, Any]) -> None:
    partition = found.outputs["partition"].value
    found.take(
        "cloudtrail.describe_trails: S3BucketName",
        log_bucket_name=name,
        log_bucket_arn=f"arn:{partition}:s3:::{name}",
    )
    owner = {"Bucket": name, "ExpectedBucketOwner": found.outputs["account_id"].value}
    encryption = account.ask(
        "s3", "get_bucket_encryption", ["ServerSideEncryptionConfigurationNotFoundError"], **owner
    )
    rules = encryption.known.get("ServerSideEncryptionConfiguration", {}).get("Rules", [{}])
    algorithm = rules[0].get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm", "none")
    versioning = account.ask("s3", "get_bucket_versioning", **owner)
    blocks = account.ask(
        "s3", "get_public_access_block", ["NoSuchPublicAccessBlockConfiguration"], **owner
    )
    for answer, member, live in (
        (encryption, "encryption_algorithm", algorithm),
        (versioning, "versioning", versioning.known.get("Status", "never on")),
    ):
        if not answer.problem:
            found.expect(f"log_bucket.{member}", required[member], live, answer.source)
    open_ways = 4 - sum(blocks.known.get("PublicAccessBlockConfiguration", {}).values())
    if not blocks.problem and open_ways:
        found.shortcomings.append(f"{blocks.source}: {open_ways} of 4 blocks are off")
    _lock(account, found, owner, required["object_lock"])
    logging = account.ask("s3", "get_bucket_logging", **owner)
    target = logging.known.get("LoggingEnabled", {}).get("TargetBucket")
    if target is not None:
        found.take(f"{logging.source}: TargetBucket", access_log_bucket_names=[target])
        arn = f"arn:{partition}:s3:::{target}"
        if arn not in required["sends_to"]:
            found.shortcomings.append(
                f"{logging.source}: access logs go to {target}: log-bucket-sends-nothing-away "
                f"fails until log_bucket.sends_to lists {arn}"
            )
    elif logging.problem:
        found.not_seen("access-logs", logging.problem)
    else:
        found.without("access-logs", f"{logging.source} shows none")


def _lock(account: Account, found: Survey, owner: Mapping[str, str], required: Any) -> None:
    answer = account.ask(
        "s3",
        "get_object_lock_configuration",
        ["ObjectLockConfigurationNotFoundError"],
        **owner,
    )
    lock = answer.known.get("ObjectLockConfiguration", {})
    held = lock.get("Rule", {}).get("DefaultRetention", {})
    if held and required == "none":
        as_now = {"mode": held["Mode"], "minimum_days": default_lock_days(lock)}
        more = f"{answer.source}: more than is asked for"
        found.settings["log_bucket", "object_lock"] = Known(as_now, more)
    elif not answer.problem and not locks_as(lock, required):
        found.expect("log_bucket.object_lock", required, held or "none", answer.source)


def _key(
    account: Account, found: Survey, identifier: str | None, required: Mapping[str, Any]
) -> None:
    if identifier is None:
        found.without("key", "cloudtrail.describe_trails shows no KmsKeyId")
        return
    answer = account.ask("kms", "describe_key", KeyId=identifier)
    if answer.problem:
        found.not_seen("key", answer.problem)
        return
    arn = answer.known["KeyMetadata"]["Arn"]
    found.take(f"cloudtrail.describe_trails: KmsKeyId, {answer.source}: Arn", kms_key_arn=arn)
    rotation = account.ask("kms", "get_key_rotation_status", KeyId=arn)
    if not rotation.problem:
        live = rotation.known["KeyRotationEnabled"]
        found.expect("key.rotation", required["rotation"], live, rotation.source)
    listed = account.ask("kms", "list_aliases", KeyId=arn)
    aliases = [one["AliasName"] for one in listed.known.get("Aliases", [])]
    if aliases:
        found.take(f"{listed.source}{others(aliases[1:])}", kms_key_alias=aliases[0])
    elif listed.problem:
        found.not_seen("key", listed.problem)
    else:
        found.without("kms_key_alias", f"{listed.source} shows none")
