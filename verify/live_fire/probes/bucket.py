"""Takes from an empty bucket of its own what protects buckets, and lets everyone in without effect.

S3 refuses a public policy while BlockPublicPolicy is on, and a refused call raises no alert. So
that one block is lifted, on this bucket alone, while RestrictPublicBuckets stays on: with it, S3
admits nobody outside the account, whatever a policy says (S3 guide, "Blocking public access to your
Amazon S3 storage"). The policy is withdrawn as soon as it is in. Nothing is ever put into the
bucket, so that versions, encryption and a log of requests are no loss.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from verify.account import reads
from verify.account.answer import pick
from verify.account.errors import ActionFailedError
from verify.account.read import Read
from verify.live_fire import owner
from verify.live_fire.settling import once_known, with_code
from verify.live_fire.shot import Act, Removals, Shot
from verify.run.verification import Run

_GONE = ("NoSuchBucket",)
# A bucket exists before it is tagged. One without tags goes with its run's queue, which was there
# first; where there is none in this region, it is left over when it is this old.
_UNTAGGED = timedelta(hours=1)


class BucketProbe:
    """See `verify.live_fire.shot.Probe`."""

    key = "bucket"
    acts = (
        Act(
            "public-access-block",
            "weakened public-access block of a bucket",
            "PutBucketPublicAccessBlock",
            alarm="bucket-policy-changes",
        ),
        Act("bucket-versioning", "suspended versions of a bucket", "PutBucketVersioning"),
        Act("bucket-encryption", "removed encryption of a bucket", "DeleteBucketEncryption"),
        Act("bucket-logging", "stopped access log of a bucket", "PutBucketLogging"),
        Act(
            "bucket-policy",
            "public bucket policy",
            "PutBucketPolicy",
            alarm="bucket-policy-changes",
        ),
    )

    def fire(self, run: Run, shots: Mapping[str, Shot], removals: Removals) -> None:
        """Create the bucket, lift the one block and the rest, put the policy and withdraw it."""
        aws, bucket = run.aws, owner.name(run.settings.run_id)
        for shot in shots.values():
            shot.subject = bucket
        removals.add(lambda: self.remove(run, bucket))
        # us-east-1 is where S3 puts a bucket when nothing is said, and may not be said.
        constraint = {"LocationConstraint": aws.region}
        elsewhere = {} if aws.region == "us-east-1" else {"CreateBucketConfiguration": constraint}
        aws.act("s3", "create_bucket", Bucket=bucket, **elsewhere)
        tags = owner.tags(run.settings.run_id, run.settings.alert_timeout)
        once_known(
            lambda: aws.act(
                "s3", "put_bucket_tagging", Bucket=bucket, Tagging={"TagSet": owner.as_list(tags)}
            ),
            with_code(*_GONE),
        )
        blocks = {
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": False,
            "RestrictPublicBuckets": True,
        }
        weakenings: dict[str, Callable[[], Mapping[str, Any]]] = {
            "public-access-block": lambda: aws.act(
                "s3",
                "put_public_access_block",
                Bucket=bucket,
                PublicAccessBlockConfiguration=blocks,
            ),
            "bucket-versioning": lambda: aws.act(
                "s3",
                "put_bucket_versioning",
                Bucket=bucket,
                VersioningConfiguration={"Status": "Suspended"},
            ),
            "bucket-encryption": lambda: aws.act("s3", "delete_bucket_encryption", Bucket=bucket),
            "bucket-logging": lambda: aws.act(
                "s3", "put_bucket_logging", Bucket=bucket, BucketLoggingStatus={}
            ),
        }
        for key, weaken in weakenings.items():
            once_known(partial(shots[key].act, weaken), with_code(*_GONE))
        self._make_public(run, shots["bucket-policy"], bucket)

    def _make_public(self, run: Run, shot: Shot, bucket: str) -> None:
        """Put the policy and withdraw it; the account may refuse it."""
        aws = run.aws
        statement = {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": f"arn:{run.deployment.partition}:s3:::{bucket}/*",
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        try:
            once_known(
                lambda: shot.act(
                    lambda: aws.act("s3", "put_bucket_policy", Bucket=bucket, Policy=policy)
                ),
                lambda error: error.code in _GONE or self._is_late(run, error),
            )
        except ActionFailedError as error:
            if not _names_the_block(error):
                raise
            shot.prevented = "the account's own public-access block refuses public bucket policies"
            return
        aws.act("s3", "delete_bucket_policy", Bucket=bucket)

    def find(
        self, run: Run, wanted: Callable[[Mapping[str, str]], bool], names: Container[str]
    ) -> tuple[str, ...]:
        """Names of buckets."""
        buckets = run.aws.pick_again(Read("s3", "list_buckets"), "Buckets")
        now = datetime.now(UTC)
        return tuple(
            bucket["Name"]
            for bucket in buckets
            if bucket["Name"].startswith(owner.NAME_PREFIX)
            and self._left(
                run,
                bucket["Name"],
                wanted,
                untagged=bucket["Name"] in names or now - bucket["CreationDate"] > _UNTAGGED,
            )
        )

    def remove(self, run: Run, identifier: str) -> None:
        """Delete the bucket; nothing ever puts an object into it."""
        try:
            run.aws.act("s3", "delete_bucket", Bucket=identifier)
        except ActionFailedError as error:
            if error.code not in _GONE:
                raise

    def _is_late(self, run: Run, error: ActionFailedError) -> bool:
        """Whether S3 does not know everywhere yet that the bucket's own block is lifted."""
        return _names_the_block(error) and not self._is_blocked_by_account(run)

    @staticmethod
    def _is_blocked_by_account(run: Run) -> bool:
        """Whether the account refuses public policies, whatever a bucket's own block says."""
        answer = run.aws.read(reads.account_public_access_block(run.deployment))
        if answer.response is None:
            return False
        return bool(pick(answer.response, "PublicAccessBlockConfiguration", "BlockPublicPolicy"))

    @staticmethod
    def _left(
        run: Run, bucket: str, wanted: Callable[[Mapping[str, str]], bool], *, untagged: bool
    ) -> bool:
        absent = ("NoSuchTagSet", *_GONE)
        answer = run.aws.read_again(Read("s3", "get_bucket_tagging", {"Bucket": bucket}, absent))
        if answer.response is None:
            return answer.error_code == "NoSuchTagSet" and untagged
        return wanted(owner.from_list(pick(answer.response, "TagSet")))


def _names_the_block(error: ActionFailedError) -> bool:
    # S3 names the setting in its message; whose it is, it does not say.
    return "BlockPublicPolicy" in error.said
