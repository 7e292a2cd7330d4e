"""What a data-protection policy of CloudWatch Logs does: what it masks, finds, and tells whom."""

from __future__ import annotations

import json
from typing import Any

import pytest

from verify.events.data_protection import DataProtectionError, Protection, protection

AUDIT: dict[str, Any] = {"Audit": {"FindingsDestination": {}}}
MASK: dict[str, Any] = {"Deidentify": {"MaskConfig": {}}}
SSN = "arn:aws:dataprotection::aws:data-identifier/Ssn-US"
NAME = "arn:aws:dataprotection::aws:data-identifier/Name"


def _policy(*statements: tuple[list[str], dict[str, Any]]) -> str:
    return json.dumps(
        {
            "Name": "p",
            "Version": "2021-06-01",
            "Statement": [
                {"Sid": f"s{number}", "DataIdentifier": identifiers, "Operation": operation}
                for number, (identifiers, operation) in enumerate(statements)
            ],
        }
    )


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(
            _policy(([SSN, NAME], AUDIT), ([SSN, NAME], MASK)),
            Protection(frozenset({SSN, NAME}), frozenset({SSN, NAME}), ()),
            id="as it is meant",
        ),
        pytest.param(
            _policy(([SSN, NAME], AUDIT), ([SSN], MASK), ([NAME], MASK)),
            Protection(frozenset({SSN, NAME}), frozenset({SSN, NAME}), ()),
            id="masked by two statements",
        ),
        pytest.param(
            _policy(([SSN], {**AUDIT, **MASK})),
            Protection(frozenset({SSN}), frozenset({SSN}), ()),
            id="both in one",
        ),
        pytest.param(
            _policy(([SSN, NAME], AUDIT), ([SSN], MASK)),
            Protection(frozenset({SSN, NAME}), frozenset({SSN}), ()),
            id="found and shown",
        ),
        pytest.param(
            _policy(
                (
                    ["Own"],
                    {
                        "Audit": {
                            "FindingsDestination": {
                                "S3": {"Bucket": "b"},
                                "CloudWatchLogs": {"LogGroup": "/g"},
                                "Firehose": {"DeliveryStream": "f"},
                            }
                        }
                    },
                )
            ),
            Protection(
                frozenset({"Own"}), frozenset(), ("CloudWatchLogs /g", "Firehose f", "S3 b")
            ),
            id="told to three",
        ),
        pytest.param(_policy(), Protection(frozenset(), frozenset(), ()), id="nothing"),
    ],
)
def test_what_a_policy_does(document: str, expected: Protection) -> None:
    assert protection(document) == expected


@pytest.mark.parametrize(
    "document",
    [
        pytest.param("{", id="no JSON"),
        pytest.param("[]", id="no object"),
        pytest.param("{}", id="no statements"),
        pytest.param(_policy((SSN, MASK)), id="no list"),  # type: ignore[arg-type]
        pytest.param(_policy(([SSN], {"Deidentify": {}})), id="masked how"),
        pytest.param(_policy(([SSN], {"Audit": {}})), id="told whom"),
        pytest.param(_policy(([SSN], {"Deny": {}})), id="another operation"),
        pytest.param(
            _policy(([SSN], {"Deidentify": {"MaskConfig": {"MaskWithCharacter": "#"}}})),
            id="masked in a new way",
        ),
        pytest.param(
            _policy(([SSN], {"Audit": {"SampleRate": "1", "FindingsDestination": {}}})),
            id="a sample alone",
        ),
        pytest.param(
            _policy(([SSN], {"Audit": {"FindingsDestination": {"Elsewhere": {}}}})),
            id="told elsewhere",
        ),
        pytest.param(
            json.dumps({"Statement": [{"DataIdentifier": [SSN], "Operation": MASK, "When": "x"}]}),
            id="on a condition",
        ),
    ],
)
def test_what_is_not_understood_is_not_taken_for_a_mask(document: str) -> None:
    with pytest.raises(DataProtectionError):
        protection(document)
