"""Where moto's Systems Manager takes documents for sessions that AWS refuses, or loses count.

https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-schema.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.ssm.exceptions import InvalidDocumentContent, SSMException
from moto.ssm.models import Document, Documents

from sandbox.replacement import Kind, Replacement
from sandbox.world import World

_SESSION = "Session"
_SCHEMA = "1.0"
_TYPES = frozenset({"InteractiveCommands", "NonInteractiveCommands", "Port", "Standard_Stream"})
_PLATFORMS = ["Windows", "Linux", "MacOS"]


def make_document(
    _: World, original: Callable[..., None], document: Any, *arguments: Any, **keywords: Any
) -> None:
    """Make a version of a document; one that starts sessions must say which, in its own schema."""
    original(document, *arguments, **keywords)
    if document.document_type != _SESSION:
        return
    if document.schema_version != _SCHEMA:
        raise SSMException(
            "InvalidDocumentSchemaVersion",
            f"{document.schema_version} is not a valid schema version for Session document type",
        )
    if document.content_json.get("sessionType") not in _TYPES:
        raise InvalidDocumentContent("The content for the document is not valid.")
    document.platform_types = _PLATFORMS


def delete_versions(
    _: World, original: Callable[..., None], documents: Any, *versions: str
) -> None:
    """Delete versions: the latest is then the highest number that is left."""
    original(documents, *versions)
    if documents.versions:
        documents.latest_version = max(documents.versions, key=int)


REPLACEMENTS = (
    Replacement(
        Document,
        "__init__",
        make_document,
        "AWS refuses a document for sessions of another schema, or without a type of session.",
        Kind.AROUND,
    ),
    Replacement(
        Documents,
        "delete",
        delete_versions,
        "moto takes the version that is last in the alphabet, such as 9 of 10, for the latest.",
        Kind.AROUND,
    ),
)
