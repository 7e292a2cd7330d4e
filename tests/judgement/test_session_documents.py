"""Documents of Session Manager by what they make of a session, in whatever form they say it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from verify.checks.session_documents import SessionDocumentError, Wanted, shortcomings

KEY = "arn:aws:kms:ap-southeast-1:123456789012:key/1234"
REQUIRED = {
    "key_prefix": "sessions",
    "streaming": True,
    "maximum_idle_minutes": 20,
    "maximum_minutes": 720,
    "run_as": "none",
    "shell_profile": {"linux": "", "windows": ""},
}
GOOD: dict[str, Any] = {
    "s3BucketName": "logs",
    "s3KeyPrefix": "sessions",
    "s3EncryptionEnabled": True,
    "cloudWatchLogGroupName": "/sessions",
    "cloudWatchEncryptionEnabled": True,
    "cloudWatchStreamingEnabled": True,
    "kmsKeyId": KEY,
    "idleSessionTimeout": "20",
    "maxSessionDuration": "720",
}


def judge(required: dict[str, Any] | None = None, **inputs: Any) -> list[str]:
    document = {
        "schemaVersion": "1.0",
        "sessionType": "Standard_Stream",
        "inputs": {key: value for key, value in {**GOOD, **inputs}.items() if value is not None},
    }
    wanted = Wanted("logs", "/sessions", (KEY, "1234"), {**REQUIRED, **(required or {})})
    return shortcomings(json.dumps(document), wanted)


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"s3KeyPrefix": "sessions/"},
        {"kmsKeyId": "1234"},
        {"idleSessionTimeout": 5, "maxSessionDuration": 60},
        {"idleSessionTimeout": None},
        {"idleSessionTimeout": ""},
        {"runAsEnabled": False, "runAsDefaultUser": "root"},
        {"shellProfile": {}},
        {"shellProfile": {"linux": "", "windows": ""}},
    ],
)
def test_an_equal_document_is_as_good(inputs: dict[str, Any]) -> None:
    assert judge(**inputs) == []


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"s3BucketName": "theirs"}, "bucket theirs instead of logs"),
        ({"s3BucketName": ""}, "bucket none"),
        ({"s3BucketName": None}, "bucket none"),
        ({"s3BucketName": "{{ bucket }}"}, "bucket {{ bucket }}"),
        ({"s3KeyPrefix": None}, "folder none"),
        ({"s3KeyPrefix": "sessions/mine"}, "folder sessions/mine"),
        ({"s3EncryptionEnabled": False}, "does not ask for the bucket's encryption"),
        ({"s3EncryptionEnabled": "false"}, "does not ask for the bucket's encryption"),
        ({"cloudWatchLogGroupName": None}, "log group none"),
        ({"cloudWatchEncryptionEnabled": None}, "does not ask for the log group's encryption"),
        ({"cloudWatchStreamingEnabled": None}, "at its end alone"),
        ({"kmsKeyId": ""}, "the key none"),
        ({"kmsKeyId": "alias/mine"}, "the key alias/mine"),
        ({"idleSessionTimeout": "60"}, "after 60 idle minutes"),
        ({"idleSessionTimeout": "{{ idle }}"}, "after {{ idle }} idle minutes"),
        ({"maxSessionDuration": None}, "any number of minutes"),
        ({"maxSessionDuration": "1440"}, "lasts 1440 minutes"),
        ({"maxSessionDuration": "0"}, "lasts 0 minutes"),
        ({"runAsEnabled": True, "runAsDefaultUser": "root"}, "run as root"),
        ({"runAsEnabled": True}, "run as users by tags"),
        ({"shellProfile": {"linux": "exec sh"}}, "on linux begins with exec sh"),
    ],
)
def test_what_is_logged_less_is_told(inputs: dict[str, Any], said: str) -> None:
    [found] = judge(**inputs)
    assert said in found


def test_what_the_baseline_says_decides() -> None:
    assert judge({"maximum_idle_minutes": 10}, idleSessionTimeout=None) != []
    assert judge({"streaming": False}, cloudWatchStreamingEnabled=False) == []
    assert judge({"run_as": ""}, runAsEnabled=True) == []
    assert judge({"run_as": "ops"}, runAsEnabled=True, runAsDefaultUser="ops") == []
    assert judge({"run_as": "ops"}) != []
    begins = {"linux": "umask 077", "windows": ""}
    assert judge({"shell_profile": begins}, shellProfile={"linux": "umask 077"}) == []
    assert judge({"shell_profile": begins}) != []


def test_a_tunnel_says_nowhere_where_it_is_logged() -> None:
    document = {"schemaVersion": "1.0", "sessionType": "Port", "properties": {"portNumber": "22"}}
    wanted = Wanted("logs", "/sessions", (KEY,), REQUIRED)
    [found] = shortcomings(json.dumps(document), wanted)
    assert "of the type Port" in found
    [found] = shortcomings("{}", wanted)
    assert "of the type none" in found


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("no JSON", "cannot be read"),
        ("[]", "is no object"),
        ('{"sessionType": "Standard_Stream", "schemaVersion": "2.0"}', "schema 2.0"),
        ('{"sessionType": "Standard_Stream", "schemaVersion": "1.0", "new": 1}', "new does"),
        (
            '{"sessionType": "Standard_Stream", "schemaVersion": "1.0", "inputs": {"new": 1}}',
            "new does",
        ),
        (
            '{"sessionType": "Standard_Stream", "schemaVersion": "1.0", "inputs": "none"}',
            "an object",
        ),
    ],
)
def test_what_nobody_knows_is_not_judged(content: str, said: str) -> None:
    with pytest.raises(SessionDocumentError, match=said):
        shortcomings(content, Wanted("logs", "/sessions", (KEY,), REQUIRED))


def test_a_profile_of_an_unknown_system_is_not_judged() -> None:
    with pytest.raises(SessionDocumentError, match="plan9 does"):
        judge(shellProfile={"plan9": "rc"})
