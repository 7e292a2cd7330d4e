"""Records that are no call of this account's: copies, notices, and whose session it was."""

from __future__ import annotations

from typing import Any

import pytest
from compliance_checker.evaluate import evaluate

from tests.compliance_checker.records import ROOT, Record, record
from tests.compliance_checker.violations import VIOLATIONS

_CASES = [pytest.param(case, id=what) for what, case, rules in VIOLATIONS if "root" not in what]


@pytest.mark.parametrize(
    "kind",
    [
        {"eventCategory": "NetworkActivity", "eventType": "AwsVpceEvent"},
        {"eventCategory": "NetworkActivity", "eventType": "AwsVpceEvents"},
        {"eventType": "AwsVpceEvent"},
        {"eventCategory": "Data"},
        {"eventCategory": "Insight", "eventType": "AwsCloudTrailInsight"},
        {"eventType": "AwsServiceEvent"},
    ],
    ids=str,
)
@pytest.mark.parametrize("case", _CASES)
def test_what_is_no_management_call_is_in_no_rule(case: Record, kind: Record) -> None:
    if case.get("eventCategory") == "Data" == kind.get("eventCategory"):
        return  # the rule on the trail's own files is for these
    assert evaluate({**case, **kind}) == []


@pytest.mark.parametrize("kind", [None, "", "Management", "management", 7, [], {}])
def test_a_category_that_is_missing_or_strange_hides_nothing(kind: Any) -> None:
    stop = record("cloudtrail", "StopLogging", {"name": "t"}, eventCategory=kind)
    assert len(evaluate(stop)) == 1
    del stop["eventCategory"]
    assert len(evaluate({**stop, "eventType": kind})) == 1


def test_a_copy_of_roots_call_is_not_roots() -> None:
    copy = record("s3", "ListBuckets", userIdentity=ROOT, eventCategory="NetworkActivity")
    assert evaluate(copy) == []


def _session(assumed: Any, **changes: Any) -> Record:
    context = {"sessionIssuer": {}, "attributes": {}, "assumedRoot": assumed}
    return record("iam", "X", userIdentity={**ROOT, "sessionContext": context}, **changes)


@pytest.mark.parametrize("assumed", [True, "true", "True"])
@pytest.mark.parametrize(("reads", "severity"), [(True, "MEDIUM"), (False, "HIGH")])
def test_a_session_of_centralized_root_access_is_no_root_user(
    assumed: Any, reads: bool, severity: str
) -> None:
    (found,) = evaluate(_session(assumed, readOnly=reads))
    assert (found.rule.id, found.severity) == ("root-used", severity)
    assert found.details["assumed_root"] is True
    assert found.title == "Privileged session of centralized root access"
    assert "AssumeRoot" in found.reason
    assert "Nobody signed in as the root user" in found.reason
    assert "nothing limits what it may do" not in found.reason


@pytest.mark.parametrize("assumed", [False, "false", None, "", {}])
def test_any_other_session_of_root_is_the_root_user(assumed: Any) -> None:
    (found,) = evaluate(_session(assumed))
    assert (found.rule.id, found.severity) == ("root-used", "CRITICAL")
    assert "nothing limits what it may do" in found.reason


def test_what_an_assumed_root_session_did_is_judged_besides() -> None:
    identity = {**ROOT, "sessionContext": {"assumedRoot": "true"}}
    deleted = record(
        "s3",
        "DeleteBucketPolicy",
        {"bucketName": "s3-cloudtrail-logs-dev-123456789012"},
        userIdentity=identity,
    )
    assert [each.rule.id for each in evaluate(deleted)] == ["log-bucket-unprotected", "root-used"]
