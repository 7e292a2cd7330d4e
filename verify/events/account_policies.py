"""Which log groups a policy of an account is for, and whom it sends their events to.

Source: CloudWatch Logs API reference, PutAccountPolicy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from verify import foreign_json

_CRITERIA = re.compile(
    r'\s*(?:LogGroupName\s+NOT\s+IN\s*\[(?P<others>(?:\s*"[^"]*"(?:\s*,)?)*\s*)\]'
    r'|LogGroupNamePrefix\s*=\s*"(?P<prefix>[^"]*)")\s*'
)
_TEXT = re.compile(r'"([^"]*)"')


def reaches(policy: Mapping[str, Any], group: str) -> bool | None:
    """Whether a policy is for a log group; None where its criteria are not understood.

    Without criteria it is for all of them.
    """
    criteria = policy.get("selectionCriteria", "")
    if not criteria.strip():
        return True
    found = _CRITERIA.fullmatch(criteria)
    if found is None:
        return None
    if found["prefix"] is not None:
        return group.startswith(found["prefix"])
    return group not in _TEXT.findall(found["others"])


def recipient(document: str) -> tuple[str, str]:
    """Destination and role of a subscription policy; what it does not say is empty.

    Raises ValueError for what is no JSON object.
    """
    said = foreign_json.parsed(document)
    if not isinstance(said, dict):
        raise ValueError("the policy is no JSON object")
    return str(said.get("DestinationArn", "")), str(said.get("RoleArn", ""))
