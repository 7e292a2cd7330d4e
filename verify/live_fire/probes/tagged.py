"""What live fire has in EC2, found by its tag."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from verify.account.door import Aws
from verify.account.read import Read
from verify.live_fire import owner

# What asks EC2 for live fire's own alone.
OURS = {"Filters": [{"Name": f"tag:{owner.PURPOSE_TAG}", "Values": [owner.PURPOSE]}]}


def tagged(
    aws: Aws, read: Read, answer: str, identifier: str
) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The id and the tags of each resource that a read with OURS shows.

    `answer` is the member that lists them, `identifier` the one of each that has its id.
    """
    for one in aws.pick_again(read, answer):
        yield one[identifier], owner.from_list(one.get("Tags", []))
