"""Log groups: nothing changes the events on their way, and no stranger writes or is sent them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.account.read import Reading
from verify.check import Check
from verify.checks.findings import report_findings
from verify.checks.log_groups import existing_groups, names_group, resource_policies
from verify.events.account_policies import reaches, recipient
from verify.inputs.deployment import Deployment
from verify.policy import log_writers

Entry = Mapping[str, Any]


def _reaching(check: Check, aws: Aws, reading: Reading[[]], group: str) -> Iterator[Entry]:
    """The account's policies of a kind that are for a group."""
    for policy in aws.pick(reading(), "accountPolicies"):
        reached = reaches(policy, group)
        if reached is None:
            check.unknown(
                group,
                f"whether the account policy {pick(policy, 'policyName')} is for the group: "
                f"{policy['selectionCriteria']}",
            )
        elif reached:
            yield policy


# --- events stay as they were written -------------------------------------------------------------


@pytest.mark.control(
    "log-groups-unaltered",
    reads.log_group,
    reads.transformer,
    reads.data_protection,
    reads.account_data_protection,
    reads.account_transformers,
    reads.account_metric_extraction,
)
def test_log_groups_show_events_as_they_were_written(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    of_applications = baseline["application_logs"]["groups"]
    for name, group in existing_groups(check, aws, deployment):
        inherited = group.get("inheritedProperties", [])
        check.none(
            name,
            "masks, which filters do not see through",
            [
                # What those must mask, application-logs-masked says.
                *(() if name in of_applications else _masks_of_group(aws, name, group)),
                *(f"inherited from the account: {each}" for each in inherited),
                *(
                    f"the account policy {pick(policy, 'policyName')}"
                    for policy in _reaching(check, aws, reads.account_data_protection, name)
                ),
            ],
        )
        own = aws.read(reads.transformer(deployment, name)).response or {}
        check.none(
            name,
            "transformers",
            [
                *(f"its own: {' '.join(step)}" for step in own.get("transformerConfig", [])),
                *(
                    f"the account policy {pick(policy, 'policyName')}"
                    for policy in _reaching(check, aws, reads.account_transformers, name)
                ),
            ],
        )
        check.none(
            name,
            "policies that keep metrics from being taken out of its events",
            [
                f"the account policy {pick(policy, 'policyName')}"
                for policy in _reaching(check, aws, reads.account_metric_extraction, name)
            ],
        )


def _masks_of_group(aws: Aws, name: str, group: Entry) -> Iterator[str]:
    """What a group's own policy masks. AWS leaves the status out where there never was one."""
    status = group.get("dataProtectionStatus", "never had any")
    if status in ("never had any", "DELETED"):
        return
    # ARCHIVED and DISABLED are not documented: whether there is a policy decides.
    policy = (aws.read(reads.data_protection(name)).response or {}).get("policyDocument")
    if policy or status == "ACTIVATED":
        yield f"its own policy ({status}): {policy or 'not shown'}"


# --- nobody else writes ---------------------------------------------------------------------------


@pytest.mark.control(
    "log-groups-admit-no-writer",
    reads.log_group,
    reads.resource_policies,
    reads.resource_policies_of_group,
    reads.syslog_configurations,
    reads.delivery_destinations,
)
def test_log_groups_admit_no_other_writer(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    required = baseline["log_groups"]
    for name, group in existing_groups(check, aws, deployment):
        for policy in resource_policies(aws, deployment, name):
            report_findings(
                check,
                name,
                f"writers by the resource policy {policy.get('policyName', 'of the group')}",
                log_writers(
                    pick(policy, "policyDocument"),
                    reads.log_group_arn(deployment, name),
                    deployment.account_id,
                    required["writers"],
                    required["writers_of"].get(name, ()),
                ),
            )
        # AWS does not say that it leaves the field out where no bearer token is accepted; where
        # there are none yet it does.
        check.equal(
            name,
            "bearer tokens",
            expected=False,
            seen=group.get("bearerTokenAuthenticationEnabled", False),
        )
        check.none(name, "feeds by syslog and log delivery", _feeds(aws, deployment, name))


def _feeds(aws: Aws, deployment: Deployment, name: str) -> Iterator[str]:
    syslog = aws.read(reads.syslog_configurations()).response
    for entry in pick(syslog, "syslogConfigurations") if syslog is not None else ():
        if names_group(pick(entry, "logGroupArn"), deployment, name):
            yield f"syslog from {entry.get('vpcEndpointId', 'any endpoint')}"
    deliveries = aws.read(reads.delivery_destinations()).response
    for entry in pick(deliveries, "deliveryDestinations") if deliveries is not None else ():
        target = entry.get("deliveryDestinationConfiguration", {}).get("destinationResourceArn", "")
        if names_group(target, deployment, name):
            yield f"the delivery destination {pick(entry, 'name')}"


# --- nobody else is sent them ---------------------------------------------------------------------


@pytest.mark.control(
    "log-groups-sent-to-nobody-else",
    reads.log_group,
    reads.subscriptions_of_group,
    reads.account_subscriptions,
    reads.scheduled_queries,
    reads.scheduled_query,
)
def test_log_groups_are_sent_to_nobody_else(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    listed = {
        (entry["destination"], entry.get("role", ""))
        for entry in baseline["log_groups"]["subscribers"]
    }
    queries = _scheduled_queries(aws)
    for name, _ in existing_groups(check, aws, deployment):
        sent = [
            *_subscriptions(aws, deployment, name),
            *_account_subscriptions(check, aws, name),
            *_query_results(check, deployment, name, queries),
        ]
        check.none(
            name,
            "whom its events are sent to and the baseline does not list",
            [
                f"{what}: {destination}" + (f" in the role {role}" if role else "")
                for what, destination, role in sent
                if (destination, role) not in listed
            ],
        )


Sent = tuple[str, str, str]  # what sends, to which destination, in which role


def _subscriptions(aws: Aws, deployment: Deployment, name: str) -> Iterator[Sent]:
    """The group's filters, but for the one that `trail-log-group-feeds-function` judges."""
    ours = (deployment.trail_log_group_name, deployment.if_there("subscription_filter_name"))
    for entry in aws.pick(reads.subscriptions_of_group(deployment, name), "subscriptionFilters"):
        filter_name = pick(entry, "filterName")
        if (name, filter_name) != ours:
            what = f"the subscription filter {filter_name}"
            yield what, pick(entry, "destinationArn"), entry.get("roleArn", "")


def _account_subscriptions(check: Check, aws: Aws, name: str) -> Iterator[Sent]:
    for policy in _reaching(check, aws, reads.account_subscriptions, name):
        try:
            destination, role = recipient(pick(policy, "policyDocument"))
        except ValueError as error:
            check.unknown(name, f"the account policy {pick(policy, 'policyName')}: {error}")
            continue
        yield f"the account policy {pick(policy, 'policyName')}", destination, role


def _scheduled_queries(aws: Aws) -> list[Entry]:
    """Every scheduled query whose results go somewhere. The list does not say what they look at."""
    answer = aws.read(reads.scheduled_queries()).response
    listed = pick(answer, "scheduledQueries") if answer is not None else ()
    return [aws.pick(reads.scheduled_query(pick(query, "scheduledQueryArn"))) for query in listed]


def _query_results(
    check: Check, deployment: Deployment, name: str, queries: list[Entry]
) -> Iterator[Sent]:
    for query in queries:
        what = f"the scheduled query {pick(query, 'name')}"
        groups = query.get("logGroupIdentifiers", [])
        if not groups:  # its text says what it looks at
            check.unknown(name, f"whether {what} looks at the group: {pick(query, 'queryString')}")
        if not any(names_group(each, deployment, name) for each in groups):
            continue
        configuration = query.get("destinationConfiguration", {})
        bucket = configuration.get("s3Configuration")
        if bucket is not None:
            yield what, pick(bucket, "destinationIdentifier"), pick(bucket, "roleArn")
        table = configuration.get("lookupTableConfiguration")
        if table is not None:
            yield what, f"lookup table {pick(table, 'tableName')}", pick(table, "roleArn")
