"""Alterations: each is another answer, in one place, and policies stay policies."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutants.answers.alterations import GONE, alterations, altered
from mutants.answers.documents import altered_documents
from mutants.answers.sampling import sampled
from verify.account.shapes import output_shape
from verify.inputs.accounted import Field, OperationFields, parsed

_TRAIL = {
    "trailList": [
        {
            "Name": "trail",
            "S3BucketName": "bucket",
            "IsMultiRegionTrail": True,
            "KmsKeyId": "arn:aws:kms:eu-west-1:123456789012:key/1",
        }
    ]
}


def _trail(*fields: Field) -> list[str]:
    shape = output_shape("cloudtrail", "describe_trails")
    assert shape is not None
    account = OperationFields(
        "cloudtrail", "describe_trails", "here", {field.way: field for field in fields}
    )
    return [found.text for found in alterations(shape, _TRAIL, account)]


def _judged(name: str, **more: Any) -> Field:
    return Field(parsed(name), "here", ("control",), **more)


def test_a_truth_is_flipped_and_left_out() -> None:
    assert _trail(_judged("trailList[].IsMultiRegionTrail")) == [
        "trailList gone",
        "trailList empty",
        "trailList one more",
        "trailList[0].IsMultiRegionTrail gone",
        "trailList[0].IsMultiRegionTrail flipped",
    ]


def test_a_table_loses_each_line_and_has_each_truth_turned() -> None:
    shape = output_shape("iam", "get_credential_report")
    assert shape is not None
    field = _judged("Content")
    account = OperationFields("iam", "get_credential_report", "here", {field.way: field})
    answer = {"Content": b"user,mfa\neve,true\n"}
    found = {change.kind: change.value for change in alterations(shape, answer, account)}
    assert found == {
        "gone": GONE,
        "empty": b"",
        "no text": b"\xff",
        "line 1 gone": b"eve,true\n",
        "line 2 gone": b"user,mfa\n",
        "line 2, value 2 flipped": b"user,mfa\neve,false\n",
    }


def test_an_arn_becomes_another_and_of_another_account() -> None:
    found = _trail(_judged("trailList[].KmsKeyId"), Field(parsed("trailList"), "here", reason="x"))
    assert [text for text in found if "KmsKeyId" in text] == [
        "trailList[0].KmsKeyId gone",
        "trailList[0].KmsKeyId empty",
        "trailList[0].KmsKeyId of another account",
        "trailList[0].KmsKeyId other",
    ]


def test_what_the_answer_lacks_appears() -> None:
    found = _trail(_judged("trailList[].S3KeyPrefix", values=("a", "b")))
    assert [text for text in found if "S3KeyPrefix" in text] == [
        "trailList[0].S3KeyPrefix appears as a",
        "trailList[0].S3KeyPrefix appears as b",
    ]


def test_given_values_take_the_place_of_made_up_ones() -> None:
    found = _trail(_judged("trailList[].S3BucketName", values=("elsewhere", "bucket")))
    assert [text for text in found if "S3BucketName" in text] == [
        "trailList[0].S3BucketName gone",
        "trailList[0].S3BucketName is elsewhere",
        "trailList[0].S3BucketName empty",
    ]


def test_a_given_time_is_a_time_in_the_answer() -> None:
    shape = output_shape("cloudtrail", "get_trail_status")
    assert shape is not None
    stopped = _judged("StopLoggingTime", values=("2999-01-01T00:00:00Z",))
    account = OperationFields("cloudtrail", "get_trail_status", "here", {stopped.way: stopped})
    far_ahead = datetime(2999, 1, 1, tzinfo=UTC)
    for answer in ({"StopLoggingTime": datetime(2026, 1, 1, tzinfo=UTC)}, {}):
        assert far_ahead in [found.value for found in alterations(shape, answer, account)]


def test_what_says_the_same_is_left_out() -> None:
    found = _trail(_judged("trailList[].S3BucketName", equal={"gone": "why", "o*": "why"}))
    assert [text for text in found if "S3BucketName" in text] == ["trailList[0].S3BucketName empty"]


def test_a_sample_touches_every_member() -> None:
    shape = output_shape("cloudtrail", "describe_trails")
    assert shape is not None
    fields = [_judged("trailList[].S3BucketName"), _judged("trailList[].KmsKeyId")]
    account = OperationFields(
        "cloudtrail", "describe_trails", "here", {field.way: field for field in fields}
    )
    whole = list(alterations(shape, _TRAIL, account))
    part = sampled(whole)
    assert {found.way for found in part} == {found.way for found in whole}
    assert len(part) < len(whole)


_documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=12,
)


def _places(value: Any, where: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [where] if where else []
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, item in items:
        found += _places(item, (*where, key))
    return found


@given(st.dictionaries(st.text(max_size=2), _documents, min_size=1), st.data())
def test_one_place_is_altered_and_the_original_kept(
    document: dict[str, Any], data: st.DataObject
) -> None:
    before = copy.deepcopy(document)
    where = data.draw(st.sampled_from(_places(document)))
    after = altered(document, where, "new")
    value: Any = after
    for part in where:
        value = value[part]
    assert value == "new"
    assert document == before
    gone = altered(document, where, GONE)
    assert document == before
    assert len(_places(gone)) < len(_places(document))


_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "Write",
            "Effect": "Allow",
            "Principal": {"Service": "cloudtrail.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:SourceArn": "arn"}},
        },
        {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"},
    ],
}


@pytest.mark.parametrize("policy", [_POLICY, json.dumps(_POLICY)])
def test_a_policy_is_opened_in_every_way(policy: Any) -> None:
    found = dict(altered_documents(policy))
    assert set(found) - {"not a document"} == {
        "anyone admitted",
        "without statements",
        "statement Write gone",
        "statement Write without condition",
        "statement Write for anyone",
        "statement Write for every action",
        "statement Write denies",
        "statement 1 gone",
        "statement 1 allows",
    }
    assert ("not a document" in found) is isinstance(policy, str)
    for name, document in found.items():
        assert type(document) is type(policy)
        assert document != policy
        if isinstance(document, str) and name != "not a document":
            assert json.loads(document)["Version"] == "2012-10-17"


@given(st.text(max_size=20))
def test_what_is_no_policy_has_no_altered_policies(text: str) -> None:
    assert list(altered_documents(text)) == []
