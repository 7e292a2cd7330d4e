"""Evidence holds what was seen, and no secret."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.account.door import Aws, evidence_used
from verify.account.evidence import ApiCall, EvidenceStore
from verify.account.live import Live
from verify.account.recorded import Recorded
from verify.model import NotVerifiedError
from verify.redaction import REDACTED, jsonable, redact, written

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda children: (
        st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=10), children, max_size=4)
    ),
    max_leaves=20,
)


def _call(**response: object) -> ApiCall:
    return ApiCall(
        service="lambda",
        operation="get_function",
        region="eu-west-1",
        parameters={"FunctionName": "f"},
        time=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        seconds=0.25,
        request_ids=("request-1",),
        pages=(response,),
        error=None,
    )


def test_a_call_is_kept_with_time_request_id_and_hash(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    identifier = store.record(_call(When=datetime(2026, 1, 1, tzinfo=UTC), Raw=b"\x00"))
    [reference] = store.references()
    content = (tmp_path / reference.file).read_bytes()
    assert reference.identifier == identifier == "main-0001-lambda-get_function"
    assert reference.request_id == "request-1"
    assert reference.time == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert reference.sha256 == hashlib.sha256(content).hexdigest()
    assert json.loads(content)["response"] == [{"When": "2026-01-01T00:00:00+00:00", "Raw": "AA=="}]


def test_stores_of_several_workers_do_not_overwrite_each_other(tmp_path: Path) -> None:
    for worker in ("gw0", "gw1"):
        EvidenceStore(tmp_path, worker).record(_call())
    assert [reference.identifier for reference in EvidenceStore(tmp_path).references()] == [
        "gw0-0001-lambda-get_function",
        "gw1-0001-lambda-get_function",
    ]


def test_a_store_refers_to_what_it_wrote_as_another_that_reads_it_does(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path, secrets=frozenset({"request-1"}))
    store.record(_call(Name="Krankenhaus am Grünen Weg"))
    store.record(_call(Secret="by request-1"))
    references = store.references()
    assert references == EvidenceStore(tmp_path).references()
    assert [reference.request_id for reference in references] == [REDACTED, REDACTED]


def test_text_that_is_no_unicode_is_kept_as_it_was(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    store.record(_call(Name="half \ud800 of a pair, 😀 whole"))
    assert store.references() == EvidenceStore(tmp_path).references()
    kept = Recorded(tmp_path, "eu-west-1").call("lambda", "get_function", {"FunctionName": "f"})
    assert kept.pages == ({"Name": "half \ud800 of a pair, 😀 whole"},)


def test_why_nothing_was_seen_beside_the_door_is_kept_and_said_again(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)

    def look() -> dict[str, object]:
        raise NotVerifiedError("nobody answers")

    aws = Aws(Live(boto3.Session(), "eu-west-1", store), store)
    with evidence_used() as used, pytest.raises(NotVerifiedError, match="nobody answers"):
        aws.looked("trailwarden", "look_around", look, where="everywhere")
    [kept] = store.references()
    assert used == [kept.identifier]
    document = json.loads((tmp_path / kept.file).read_text())
    assert document["parameters"] == {"where": "everywhere"}

    again = Aws(Recorded(tmp_path, "eu-west-1"), EvidenceStore(tmp_path / "again"))
    with pytest.raises(NotVerifiedError, match=r"^nobody answers$"):
        again.looked("trailwarden", "look_around", lambda: pytest.fail("somebody looked"))


def test_no_credential_reaches_a_file(tmp_path: Path) -> None:
    key = "AKIA" + "IOSFODNN7EXAMPLE"
    EvidenceStore(tmp_path, secrets=frozenset({"hush-hush"})).record(
        _call(
            Location=f"https://b/k?X-Amz-Credential={key}%2F&X-Amz-Signature=deadbeef&x=1",
            Environment={
                "Variables": {"DB_PASSWORD": "pa55", "ALERT_TOPIC_ARN": "arn:aws:sns:::t"}
            },
            Text=f"by {key} said hush-hush",
            NextToken="page-2",
        )
    )
    text = next((tmp_path / "evidence").iterdir()).read_text()
    for secret in (key, "deadbeef", "pa55", "hush-hush"):
        assert secret not in text
    kept = json.loads(text)["response"][0]
    assert kept["Environment"]["Variables"] == {
        "DB_PASSWORD": REDACTED,
        "ALERT_TOPIC_ARN": "arn:aws:sns:::t",
    }
    assert kept["NextToken"] == "page-2"
    assert kept["Location"].endswith("&x=1")


@given(_JSON, st.text(min_size=4, max_size=12))
def test_a_sensitive_value_is_never_kept_whatever_it_is_in(value: object, secret: str) -> None:
    document = {"a": [value, secret], "b": {"c": f"<{secret}>"}}
    kept = redact(document, frozenset({secret}))
    assert kept["a"][1] == REDACTED
    assert kept["b"]["c"] == f"<{REDACTED}>"


@given(_JSON)
def test_redaction_twice_is_redaction_once(value: object) -> None:
    assert redact(redact(value)) == redact(value)


def test_whom_a_policy_admits_by_a_token_is_no_secret() -> None:
    """A verdict on it is judged again from the evidence, and so must be the same."""
    claims = {
        "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
        "token.actions.githubusercontent.com:sub": "repo:hospital/audit-trail:ref:refs/heads/main",
        "login.microsoftonline.com/secret-tenant/v2.0:sub": "somebody",
    }
    assert redact(claims) == claims
    for name in ("AuthToken", "token.value", "secret:value", "a.b:secret value", "Password"):
        assert redact({name: "x"}) == {name: REDACTED}


@given(
    st.dictionaries(
        st.sampled_from(["Name", "DB_PASSWORD", "ApiKey", "SecretArn", "NextToken"]),
        _JSON | st.binary(max_size=20) | st.datetimes() | st.just("AKIA" + "IOSFODNN7EXAMPLE"),
        max_size=4,
    ),
    st.frozensets(st.text(min_size=1, max_size=6), max_size=2),
)
def test_what_is_written_at_once_is_what_each_value_in_turn_would_be(
    document: dict[str, object], secrets: frozenset[str]
) -> None:
    value = redact(jsonable(document, secrets), secrets)
    assert json.loads(written(document, secrets)) == value
