"""The listing of what bears tags, where moto's differs from AWS's."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from tests.sandbox.support import ACCOUNT, REGION, Account, name


def test_rules_are_listed_with_their_tags_and_a_page_ends_by_resources(account: Account) -> None:
    events, config = account.sandbox.client("events"), account.sandbox.client("config")
    team = name("team")
    tags = [{"Key": "Team", "Value": team}, *({"Key": f"k{n}", "Value": "v"} for n in range(9))]
    with ExitStack() as mending:
        for number in range(11):
            events.put_rule(Name=f"{team}-{number}", ScheduleExpression="rate(1 hour)", Tags=tags)
            mending.callback(events.delete_rule, Name=f"{team}-{number}")
        events.put_rule(Name=f"{team}-other", ScheduleExpression="rate(1 hour)")
        mending.callback(events.delete_rule, Name=f"{team}-other")
        config.put_config_rule(
            ConfigRule={
                "ConfigRuleName": team,
                "Source": {"Owner": "AWS", "SourceIdentifier": "S3_BUCKET_VERSIONING_ENABLED"},
            },
            Tags=tags,
        )
        mending.callback(config.delete_config_rule, ConfigRuleName=team)
        [rule] = config.describe_config_rules(ConfigRuleNames=[team])["ConfigRules"]
        page = account.sandbox.client("resourcegroupstaggingapi").get_resources(
            TagFilters=[{"Key": "Team", "Values": [team]}], ResourcesPerPage=100
        )
    found: dict[str, Any] = {
        entry["ResourceARN"]: {tag["Key"]: tag["Value"] for tag in entry["Tags"]}
        for entry in page["ResourceTagMappingList"]
    }
    rules = {f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{team}-{number}" for number in range(11)}
    assert found.keys() == {rule["ConfigRuleArn"], *rules}
    assert all(one == {tag["Key"]: tag["Value"] for tag in tags} for one in found.values())
    assert not page.get("PaginationToken")
