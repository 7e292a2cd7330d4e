"""Names that an account, or a region of it, has once, and that are somebody else's already.

IAM's names are those of an account, not of a region, and a bucket's are everybody's (IAM user
guide, "IAM identifiers"; S3 user guide, "General purpose bucket naming rules"). Two deployments of
one environment in two regions so meet half-way through an apply, when much has been created.
Session Manager's preferences have one name, in each region, and whoever has saved them has it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from deploy.errors import DeployError

# What has just been removed may be listed for some seconds more.
_LOOKS, _PAUSE_SECONDS = 3, 4.0
_MAXIMUM_NAMED = 3
_ACCOUNT_WIDE = "such names hold for all regions of an account"
_RENAME = (
    "If another region holds a deployment of this environment, give this one another name "
    "(`environment` in its variables). If they are left of this one, whose state is lost, "
    "bring its state back, or remove them."
)
_PREFERENCES = "a region has one document of Session Manager's preferences"
_TAKE_OVER = (
    "Keep what the document says, then remove it (aws ssm delete-document --name <name>) and "
    "deploy again; or leave it to whoever keeps it (session_logging_enabled = false). "
    "docs/session-logging.md says more."
)


@dataclass(frozen=True)
class _Kind:
    """Resources of names that may be taken: `noun` for people, and how one is asked for.

    `reach` says why there is no second one, `remedy` what to do about it.
    """

    noun: str
    attribute: str
    service: str
    ask: Callable[[Any, str, str], object]  # client, ARN up to the account, name
    reach: str = _ACCOUNT_WIDE
    remedy: str = _RENAME


_KINDS: Mapping[str, _Kind] = {
    "aws_iam_role": _Kind(
        "the role", "name", "iam", lambda iam, _, name: iam.get_role(RoleName=name)
    ),
    "aws_iam_policy": _Kind(
        "the policy",
        "name",
        "iam",
        lambda iam, start, name: iam.get_policy(PolicyArn=f"{start}:policy/{name}"),
    ),
    "aws_s3_bucket": _Kind(
        "the bucket", "bucket", "s3", lambda s3, _, name: s3.head_bucket(Bucket=name)
    ),
    "aws_ssm_document": _Kind(
        "the document",
        "name",
        "ssm",
        lambda ssm, _, name: ssm.describe_document(Name=name),
        _PREFERENCES,
        _TAKE_OVER,
    ),
}


@dataclass(frozen=True)
class _Name:
    kind: _Kind
    name: str

    def is_taken(self, clients: Mapping[str, Any], start: str) -> bool:
        """Whether there is one; False as well where these credentials may not see it."""
        try:
            self.kind.ask(clients[self.kind.service], start, self.name)
        except (ClientError, BotoCoreError):
            return False
        return True


def require_free(plan: Any, client: Callable[[str], Any], account: str, partition: str) -> None:
    """Raise DeployError where the `plan` creates what the account has already.

    `plan` is what `terraform show -json` prints of one; `client` makes a client of a service. What
    these credentials may not see is left to Terraform to find.
    """
    start = f"arn:{partition}:iam::{account}"
    taken = list(_created(plan))
    clients = {service: client(service) for service in {one.kind.service for one in taken}}
    for look in range(_LOOKS):
        if look:
            time.sleep(_PAUSE_SECONDS)
        taken = [one for one in taken if one.is_taken(clients, start)]
        if not taken:
            return
    named = ", ".join(f"{one.kind.noun} {one.name}" for one in taken[:_MAXIMUM_NAMED])
    more = len(taken) - _MAXIMUM_NAMED
    reaches = dict.fromkeys(one.kind.reach for one in taken)
    remedies = dict.fromkeys(one.kind.remedy for one in taken)
    raise DeployError(
        f"Account {account} has {named}{f' and {more} more' if more > 0 else ''} already, which "
        f"this deployment would create: {' and '.join(reaches)}, so nothing was changed",
        " ".join(remedies),
    )


def _created(plan: Any) -> Iterator[_Name]:
    for resource in plan.get("resource_changes", []):
        kind = _KINDS.get(resource.get("type"))
        change = resource.get("change", {})
        # A replaced one is "delete" and "create".
        if kind is None or change.get("actions") != ["create"]:
            continue
        name = (change.get("after") or {}).get(kind.attribute)
        if isinstance(name, str):
            yield _Name(kind, name)
