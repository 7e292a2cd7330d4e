"""Entering a door with some content."""

from __future__ import annotations

from tests.fuzz.doors import Door
from tests.fuzz.foreign import as_json

READ, REFUSED = "read", "refused: "


def enter(door: Door, content: bytes) -> str:
    """What the door says of the content; any error that is not its own comes through."""
    try:
        door.read(content)
    except door.refuses as error:
        return f"{REFUSED}{error}"[:2000]
    return READ


def went_well(said: str) -> bool:
    """Whether that is what a door may say."""
    return said == READ or said.startswith(REFUSED)


def examples(door: Door) -> tuple[bytes, ...]:
    """What the door is made for."""
    return tuple(as_json(each) for each in door.documents()) + door.texts()


def folder(name: str) -> str:
    """The folder of a door's examples in the corpus."""
    return name.replace(" ", "-")
