"""All that CloudWatch Logs tells of a log group is read by a control, or left out for a reason."""

from __future__ import annotations

import botocore.session
import pytest

from verify.account import reads
from verify.suite.declarations import declared_readings

_CONTENT = "events and what is found in them: no setting of a group"
_ONE_OF_A_LIST = "one of those that a listing, which is read or left out, names"
_OUTWARD = (
    "what other accounts may send here, or services send elsewhere: no group of ours is in it"
)

NOT_READ = {
    "DescribeConfigurationTemplates": "what AWS offers for deliveries",
    "DescribeDeliveries": "leads to a destination; those that are one of our groups are read",
    "DescribeDeliverySources": _OUTWARD,
    "DescribeDestinations": _OUTWARD,
    "DescribeExportTasks": "a copy that somebody made once, which the trail has recorded",
    "DescribeFieldIndexes": "how events are found, not what they are",
    "DescribeImportTaskBatches": "imports go into groups that AWS itself manages",
    "DescribeImportTasks": "imports go into groups that AWS itself manages",
    "DescribeIndexPolicies": "how events are found, not what they are",
    "DescribeLogStreams": _CONTENT,
    "DescribeLookupTables": "tables of values for queries, not events",
    "DescribeQueries": _CONTENT,
    "DescribeQueryDefinitions": "queries that somebody saved and that do not run by themselves",
    "GetDelivery": _ONE_OF_A_LIST,
    "GetDeliveryDestination": _ONE_OF_A_LIST,
    "GetDeliveryDestinationPolicy": "who may deliver to a destination; none leads into our groups",
    "GetDeliverySource": _ONE_OF_A_LIST,
    "GetIntegration": _ONE_OF_A_LIST,
    "GetLogAnomalyDetector": _ONE_OF_A_LIST,
    "GetLogEvents": _CONTENT,
    "GetLogFields": _CONTENT,
    "GetLogGroupFields": _CONTENT,
    "GetLogObject": _CONTENT,
    "GetLogRecord": _CONTENT,
    "GetLookupTable": "tables of values for queries, not events",
    "GetQueryResults": _CONTENT,
    "GetScheduledQueryHistory": "where results go is read, not when they went",
    "GetStorageTierPolicy": "what storage costs, for the whole account",
    "ListAggregateLogGroupSummaries": "counts of groups",
    "ListAnomalies": _CONTENT,
    "ListIntegrations": "queries through OpenSearch, made by who may read the group anyway",
    "ListLogAnomalyDetectors": "one more that watches, and sends nothing away",
    "ListLogGroups": "says less than DescribeLogGroups",
    "ListLogGroupsForQuery": _CONTENT,
    "ListSourcesForS3TableIntegration": "copies in a table bucket of this account",
    "ListTagsLogGroup": "the older ListTagsForResource",
}
POLICIES_NOT_READ = {
    "FIELD_INDEX_POLICY": "how events are found, not what they are",
    "RETENTION_POLICY": "DescribeLogGroups shows the period that is in force",
}


def test_every_operation_that_tells_of_log_groups_is_read_or_left_out_for_a_reason() -> None:
    model = botocore.session.get_session().get_service_model("logs")
    telling = {
        name for name in model.operation_names if name.startswith(("Describe", "Get", "List"))
    }
    read = {
        "".join(part.capitalize() for part in reading.operation.split("_"))
        for declared in declared_readings().values()
        for reading in declared
        if reading.service == "logs"
    }
    assert sorted(telling - read - NOT_READ.keys()) == []
    assert sorted(NOT_READ.keys() & read) == [], "these are read after all"
    assert sorted(NOT_READ.keys() - telling) == [], "botocore does not know these"


def test_every_kind_of_account_policy_is_read_or_left_out_for_a_reason() -> None:
    model = botocore.session.get_session().get_service_model("logs")
    kinds = set(model.shape_for("PolicyType").enum)
    read = {
        reading().parameters["policyType"]
        for reading in (
            reads.account_subscriptions,
            reads.account_data_protection,
            reads.account_transformers,
            reads.account_metric_extraction,
        )
    }
    assert kinds == read | POLICIES_NOT_READ.keys()


@pytest.mark.parametrize("name", sorted({*NOT_READ, *POLICIES_NOT_READ}))
def test_each_reason_is_one(name: str) -> None:
    assert len((NOT_READ | POLICIES_NOT_READ)[name].split()) > 2
