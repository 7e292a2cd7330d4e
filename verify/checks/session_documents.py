"""What a document of Session Manager makes of a session: pure judgement of what it says.

A document is judged by where a session is logged and what becomes of it, in whatever form it says
so. Source: AWS Systems Manager user guide, "Session document schema".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from verify import foreign_json

_KNOWN = frozenset({"schemaVersion", "description", "sessionType", "inputs", "parameters"})
_KNOWN_INPUTS = frozenset(
    {
        "s3BucketName",
        "s3KeyPrefix",
        "s3EncryptionEnabled",
        "cloudWatchLogGroupName",
        "cloudWatchEncryptionEnabled",
        "cloudWatchStreamingEnabled",
        "kmsKeyId",
        "runAsEnabled",
        "runAsDefaultUser",
        "idleSessionTimeout",
        "maxSessionDuration",
        "shellProfile",
    }
)
# The one type whose sessions are logged as the document's own inputs say.
_LOGGED_TYPE = "Standard_Stream"
_NONE = "none"
# After so many minutes without a key a session ends, where a document does not say.
_IDLE_UNSAID = 20

Document = Mapping[str, Any]


class SessionDocumentError(ValueError):
    """A document that says something of which it is not known what it does."""


@dataclass(frozen=True)
class Wanted:
    """Where sessions must be logged, and what is required of them; `keys` are names of one key."""

    bucket: str
    group: str
    keys: Collection[str]
    required: Mapping[str, Any]  # the part `sessions` of the baseline


def shortcomings(content: str, wanted: Wanted) -> list[str]:
    """How the sessions that a document starts differ from those that are wanted, in words.

    Raises SessionDocumentError for what cannot be read, or of which nobody knows what it does.
    """
    document = _read(content)
    kind = document.get("sessionType", _NONE)
    if kind != _LOGGED_TYPE:
        return [f"its sessions are of the type {kind}, which says nowhere where they are logged"]
    _only(document, _KNOWN)
    if document.get("schemaVersion") != "1.0":
        raise SessionDocumentError(f"schema {document.get('schemaVersion')} is not known")
    inputs = document.get("inputs", {})
    _only(inputs, _KNOWN_INPUTS)
    return [*_of_logs(inputs, wanted), *_of_sessions(inputs, wanted.required)]


def _of_logs(inputs: Document, wanted: Wanted) -> Iterator[str]:
    # What whoever starts a session chooses is written in braces, and so is no name of ours.
    for what, member, expected in (
        ("bucket", "s3BucketName", wanted.bucket),
        ("log group", "cloudWatchLogGroupName", wanted.group),
    ):
        seen = inputs.get(member) or _NONE
        if seen != expected:
            yield f"{what} {seen} instead of {expected}"
    folder = str(inputs.get("s3KeyPrefix", "")).strip("/")
    if folder != wanted.required["key_prefix"]:
        yield f"folder {folder or _NONE} instead of {wanted.required['key_prefix']}"
    for what, member in (
        ("the bucket's encryption", "s3EncryptionEnabled"),
        ("the log group's encryption", "cloudWatchEncryptionEnabled"),
    ):
        if inputs.get(member) is not True:
            yield f"it does not ask for {what}"
    if wanted.required["streaming"] and inputs.get("cloudWatchStreamingEnabled") is not True:
        yield "the log group is sent a session at its end alone"
    key = inputs.get("kmsKeyId") or _NONE
    if key not in wanted.keys:
        yield f"session data are encrypted with the key {key}"


def _of_sessions(inputs: Document, required: Mapping[str, Any]) -> Iterator[str]:
    idle = _minutes(inputs.get("idleSessionTimeout"), _IDLE_UNSAID)
    if idle is None or idle > required["maximum_idle_minutes"]:
        yield f"a session ends after {idle or inputs['idleSessionTimeout']} idle minutes"
    longest = _minutes(inputs.get("maxSessionDuration"), None)
    if longest is None or longest > required["maximum_minutes"]:
        said = inputs.get("maxSessionDuration") or "any number of"
        yield f"a session lasts {longest or said} minutes"
    user = inputs.get("runAsDefaultUser", "") if inputs.get("runAsEnabled", False) else _NONE
    if user != required["run_as"]:
        yield f"sessions run as {user or 'users by tags'} instead of {required['run_as']}"
    profile = inputs.get("shellProfile", {})
    _only(profile, required["shell_profile"])
    for system, commands in required["shell_profile"].items():
        seen = profile.get(system, "")
        if seen != commands:
            yield f"a session on {system} begins with {seen or 'nothing'}"


def _minutes(said: Any, unsaid: int | None) -> int | None:
    """A number of minutes; None for what is no such number."""
    if said is None or said == "":
        return unsaid
    text = str(said)
    return int(text) if text.isascii() and text.isdigit() and int(text) > 0 else None


def _read(content: str) -> Document:
    try:
        found = foreign_json.parsed(content)
    except ValueError as error:
        raise SessionDocumentError(f"the document cannot be read: {error}") from None
    if not isinstance(found, Mapping):
        raise SessionDocumentError(f"the document is no object: {found}")
    return found


def _only(found: Any, known: Collection[str]) -> None:
    if not isinstance(found, Mapping):
        raise SessionDocumentError(f"expected an object instead of {found}")
    strange = sorted(set(found) - set(known))
    if strange:
        raise SessionDocumentError(f"what {', '.join(strange)} does is not known")
