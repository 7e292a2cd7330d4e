"""Systems Manager's documents: how sessions are started, by which version, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.support import Account, name

STREAM = {"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": {}}


@pytest.fixture
def ssm(account: Account) -> Any:
    return account.sandbox.client("ssm")


@pytest.fixture
def document(ssm: Any) -> Iterator[str]:
    made = name("document")
    ssm.create_document(
        Name=made,
        Content=json.dumps(STREAM),
        DocumentType="Session",
        Tags=[{"Key": "a", "Value": "b"}],
    )
    yield made
    ssm.delete_document(Name=made)


def test_a_document_for_sessions_is_told_with_its_tags(ssm: Any, document: str) -> None:
    told = ssm.describe_document(Name=document)["Document"]
    assert told["DocumentType"] == "Session"
    assert told["PlatformTypes"] == ["Windows", "Linux", "MacOS"]
    assert (told["DefaultVersion"], told["LatestVersion"]) == ("1", "1")
    tags = ssm.list_tags_for_resource(ResourceType="Document", ResourceId=document)["TagList"]
    assert tags == [{"Key": "a", "Value": "b"}]
    filters = [
        {"Key": "Owner", "Values": ["Self"]},
        {"Key": "DocumentType", "Values": ["Session"]},
    ]
    listed = ssm.list_documents(Filters=filters)["DocumentIdentifiers"]
    assert document in [one["Name"] for one in listed]


def test_the_default_version_holds_until_another_is_chosen(ssm: Any, document: str) -> None:
    for number in range(2, 12):
        content = json.dumps({**STREAM, "description": f"version {number}"})
        ssm.update_document(Name=document, Content=content, DocumentVersion="$LATEST")
    told = ssm.describe_document(Name=document)["Document"]
    assert (told["DefaultVersion"], told["LatestVersion"]) == ("1", "11")
    assert json.loads(ssm.get_document(Name=document)["Content"]) == STREAM
    ssm.delete_document(Name=document, DocumentVersion="11")
    assert ssm.describe_document(Name=document)["Document"]["LatestVersion"] == "10"
    ssm.update_document_default_version(Name=document, DocumentVersion="10")
    assert "version 10" in ssm.get_document(Name=document)["Content"]
    with pytest.raises(ClientError, match="InvalidDocumentOperation"):
        ssm.delete_document(Name=document, DocumentVersion="10")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"schemaVersion": "2.2"}, "InvalidDocumentSchemaVersion"),
        ({"sessionType": "Shell"}, "InvalidDocumentContent"),
        ({"sessionType": None}, "InvalidDocumentContent"),
    ],
)
def test_what_starts_no_session_is_refused(
    ssm: Any, document: str, changes: dict[str, Any], code: str
) -> None:
    content = json.dumps({**STREAM, **changes})
    with pytest.raises(ClientError, match=code):
        ssm.create_document(Name=name("document"), Content=content, DocumentType="Session")
    with pytest.raises(ClientError, match=code):
        ssm.update_document(Name=document, Content=content, DocumentVersion="$LATEST")


def test_a_region_has_one_document_of_a_name(ssm: Any, document: str) -> None:
    with pytest.raises(ClientError, match="DocumentAlreadyExists"):
        ssm.create_document(Name=document, Content=json.dumps(STREAM), DocumentType="Session")
