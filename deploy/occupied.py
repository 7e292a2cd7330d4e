"""Names that hold for a whole account and are somebody else's already.

IAM's names are those of an account, not of a region, and a bucket's are everybody's (IAM user
guide, "IAM identifiers"; S3 user guide, "General purpose bucket naming rules"). Two deployments of
one environment in two regions so meet half-way through an apply, when much has been created.
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


@dataclass(frozen=True)
class _Kind:
    """Resources whose names hold beyond a region: `noun` for people, and how one is asked for."""

    noun: str
    attribute: str
    service: str
    ask: Callable[[Any, str, str], object]  # client, ARN up to the account, name


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
    raise DeployError(
        f"Account {account} has {named}{f' and {more} more' if more > 0 else ''} already, which "
        "this deployment would create: such names hold for all regions of an account, so nothing "
        "was changed",
        "If another region holds a deployment of this environment, give this one another name "
        "(`environment` in its variables). If they are left of this one, whose state is lost, "
        "bring its state back, or remove them.",
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
