"""Where a trail's files lie: in the folder of their account, within that of its organization.

Source: CloudTrail User Guide, "Finding your CloudTrail log files".

The sandbox is one account. Organizations has member accounts here, but every call is made in the
sandbox's own account, so that an organization trail has the records of the management account.
"""

from __future__ import annotations

from typing import Any

from sandbox.world import World


def organization_id(world: World, trail: Any) -> str | None:
    """The organization (``o-...``) that a trail is for; None for a trail of the account alone."""
    if not trail.is_org_trail:
        return None
    organization = world.backend("organizations", trail.region_name).org
    return None if organization is None else str(organization.id)


def folder(world: World, trail: Any) -> str:
    """The folder that a trail writes the account's log and digest files to."""
    return account_folder(world, trail, organization_id(world, trail))


def account_folder(world: World, trail: Any, organization: str | None) -> str:
    """``[<prefix>/]AWSLogs/[<organization>/]<account>/``, with ``organization`` as it is named."""
    parts = [trail.s3_key_prefix, "AWSLogs", organization, world.settings.account]
    return "".join(f"{part}/" for part in parts if part)
