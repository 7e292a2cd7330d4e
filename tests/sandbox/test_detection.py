"""What watches an account: GuardDuty's detector, Security Hub's hub, and analyzers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.support import REGION, Account, name


@pytest.fixture
def guardduty(account: Account) -> Iterator[Any]:
    client = account.sandbox.client("guardduty")
    yield client
    for detector in client.list_detectors()["DetectorIds"]:
        client.delete_detector(DetectorId=detector)


def _features(client: Any, detector: str) -> dict[str, str]:
    found = client.get_detector(DetectorId=detector)["Features"]
    return {feature["Name"]: feature["Status"] for feature in found}


def test_a_region_has_one_detector_with_its_protections(guardduty: Any) -> None:
    detector = guardduty.create_detector(Enable=True, Tags={"Owner": "soc"})["DetectorId"]
    with pytest.raises(ClientError, match="a detector already exists"):
        guardduty.create_detector(Enable=True)
    assert guardduty.list_detectors()["DetectorIds"] == [detector]
    before = _features(guardduty, detector)
    assert (before["S3_DATA_EVENTS"], before["RUNTIME_MONITORING"]) == ("ENABLED", "DISABLED")
    changed = [{"Name": "S3_DATA_EVENTS", "Status": "DISABLED"}]
    guardduty.update_detector(DetectorId=detector, Features=changed)
    assert _features(guardduty, detector) == {**before, "S3_DATA_EVENTS": "DISABLED"}
    guardduty.update_detector(DetectorId=detector, Enable=False)
    told = guardduty.get_detector(DetectorId=detector)
    assert (told["Status"], told["FindingPublishingFrequency"]) == ("DISABLED", "SIX_HOURS")
    assert told["Tags"] == {"Owner": "soc"}
    with pytest.raises(ClientError, match="out-of-range value"):
        guardduty.update_detector(
            DetectorId=detector, Features=[{"Name": "FLOW_LOGS", "Status": "DISABLED"}]
        )


def test_filters_and_trusted_addresses_are_listed(guardduty: Any) -> None:
    detector = guardduty.create_detector(Enable=True)["DetectorId"]
    criteria = {"Criterion": {"severity": {"Equals": ["2"]}}}
    guardduty.create_filter(
        DetectorId=detector, Name="low", Action="ARCHIVE", FindingCriteria=criteria
    )
    assert guardduty.list_filters(DetectorId=detector)["FilterNames"] == ["low"]
    told = guardduty.get_filter(DetectorId=detector, FilterName="low")
    assert told["Action"] == "ARCHIVE"
    made = guardduty.create_ip_set(
        DetectorId=detector,
        Name="office",
        Format="TXT",
        Location="https://s3.amazonaws.com/b/k",
        Activate=True,
    )["IpSetId"]
    assert guardduty.list_ip_sets(DetectorId=detector)["IpSetIds"] == [made]
    guardduty.delete_filter(DetectorId=detector, FilterName="low")
    guardduty.delete_ip_set(DetectorId=detector, IpSetId=made)
    assert guardduty.list_filters(DetectorId=detector)["FilterNames"] == []
    with pytest.raises(ClientError, match="not owned by the current account"):
        guardduty.list_ip_sets(DetectorId="0" * 32)


def test_a_hub_holds_the_account_to_standards_that_need_a_recorder(account: Account) -> None:
    hub = account.sandbox.client("securityhub")
    with pytest.raises(ClientError, match="not subscribed to AWS Security Hub"):
        hub.describe_hub()
    hub.enable_security_hub(EnableDefaultStandards=False)
    try:
        standard = f"arn:aws:securityhub:{REGION}::standards/nist-800-53/v/5.0.0"
        hub.batch_enable_standards(StandardsSubscriptionRequests=[{"StandardsArn": standard}])
        [told] = hub.get_enabled_standards()["StandardsSubscriptions"]
        assert (told["StandardsArn"], told["StandardsStatus"]) == (standard, "INCOMPLETE")
        reason = told["StandardsStatusReason"]["StatusReasonCode"]
        assert reason == "NO_AVAILABLE_CONFIGURATION_RECORDER"
        hub.update_security_hub_configuration(AutoEnableControls=False)
        assert hub.describe_hub()["AutoEnableControls"] is False
        arn = told["StandardsSubscriptionArn"]
        hub.batch_disable_standards(StandardsSubscriptionArns=[arn])
        assert hub.get_enabled_standards()["StandardsSubscriptions"] == []
    finally:
        hub.disable_security_hub()


def test_an_analyzer_and_its_archive_rules(account: Account) -> None:
    client, analyzer = account.sandbox.client("accessanalyzer"), name("analyzer")
    client.create_analyzer(analyzerName=analyzer, type="ACCOUNT", tags={"Owner": "soc"})
    with pytest.raises(client.exceptions.ConflictException):
        client.create_analyzer(analyzerName=analyzer, type="ACCOUNT")
    told = client.get_analyzer(analyzerName=analyzer)["analyzer"]
    assert (told["status"], told["type"], told["tags"]) == ("ACTIVE", "ACCOUNT", {"Owner": "soc"})
    client.create_archive_rule(
        analyzerName=analyzer, ruleName="known", filter={"isPublic": {"eq": ["true"]}}
    )
    [rule] = client.list_archive_rules(analyzerName=analyzer)["archiveRules"]
    assert rule["ruleName"] == "known"
    client.delete_analyzer(analyzerName=analyzer)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_analyzer(analyzerName=analyzer)
