"""A baseline says which controls hold and to what; it may extend another, and never by silence."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from verify.inputs import baseline, catalogue
from verify.inputs.baseline import BaselineError, filled, load, require_known
from verify.inputs.deployment import example, parse


def _write(folder: Path, text: str, name: str = "strict.yaml") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def _filled(profile: str, outputs: str | None = None) -> Mapping[str, Any]:
    deployed = parse(json.dumps(example()) if outputs is None else outputs)
    return filled(load(profile), deployed.placeholders(), deployed.lists())


def test_a_file_extends_a_profile_by_three_values(tmp_path: Path) -> None:
    strict = load(
        _write(
            tmp_path,
            "extends: dev\ntrail: {maximum_delivery_age_minutes: 20}\n"
            "log_groups: {retention_days: 365}\nwithout_controls: [no-internet-gateway]\n",
        )
    )
    dev = load("dev")
    assert strict.lineage == ("strict", "dev")
    assert strict.values["trail"] == {**dev.values["trail"], "maximum_delivery_age_minutes": 20}
    assert strict.values["log_groups"]["retention_days"] == 365
    assert strict.values["network"] == dev.values["network"]
    assert set(dev.controls) - set(strict.controls) == {"no-internet-gateway"}


def test_a_family_is_left_out_whole_and_one_of_it_added_again(tmp_path: Path) -> None:
    trail = load(_write(tmp_path, "extends: prod\nwithout_families: [Network]\n"))
    left = {name for name, item in catalogue.load().items() if item.family == "Network"}
    assert set(load("prod").controls) - set(trail.controls) == left & set(load("prod").controls)
    assert {"vpc-address-range", "vpc-flow-logs", "database-reaches-no-internet"} <= left
    assert "trail-is-logging" in trail.controls
    again = "extends: strict.yaml\nadditional_controls: [vpc-flow-logs]\n"
    assert set(load(_write(tmp_path, again, "more.yaml")).controls) == {
        *trail.controls,
        "vpc-flow-logs",
    }


def test_what_a_place_holds_may_stand_for_several_and_not_for_itself(tmp_path: Path) -> None:
    outputs = example()
    name = outputs["flow_log_group_name"]["value"]
    group = f"arn:aws:logs:ap-southeast-1:123456789012:log-group:{name}"
    reads = ("roles", "permissions", "role-investigation-dev", "read-log-events", "resources")
    for value, found in ((name, True), (None, False)):
        outputs["flow_log_group_name"]["value"] = value
        filled_in: Any = _filled("prod", json.dumps(outputs))
        for part in reads:
            filled_in = filled_in[part]
        assert [text for text in filled_in if "flow" in text] == [group, f"{group}:*"] * found
        assert not any("{" in text for text in filled_in)
    itself = 'extends: dev\nkey: {principals: ["{each key.principals}"]}\n'
    with pytest.raises(BaselineError, match="list that ends, for it names itself"):
        _filled(_write(tmp_path, itself))


def test_an_extension_adds_controls_and_extends_a_file_beside_it(tmp_path: Path) -> None:
    _write(tmp_path, "extends: dev\nwithout_controls: [key-rotates]\n", "base.yaml")
    found = load(
        _write(tmp_path, "extends: base.yaml\nprofile: ours\nadditional_controls: [key-rotates]\n")
    )
    assert found.lineage == ("ours", "base", "dev")
    assert set(found.controls) == set(load("dev").controls)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("extends: nobody\n", 1, r"unknown profile 'nobody': there is a baseline for dev"),
        (
            "profile: ours\nextends: ./strict.yaml\n",
            2,
            r"a baseline extends itself: .*strict\.yaml extends .*remove one `extends`",
        ),
        (
            "extends: dev\nwithout_families: [Network, Weather]\n",
            2,
            r"is without Weather, of which what it extends has no control: choose of Network, ",
        ),
        ("extends: dev\nwithout_controls: [no-such]\n", 2, r"is without no-such, which what it"),
        ("extends: dev\ncontrols: [key-rotates]\n", 1, r"should not be valid"),
        (
            "extends: dev\nnetwork: {}\ntrial: {multi_region: true}\n",
            3,
            r"trial: unknown key 'trial': choose of .*trail",
        ),
        (
            "extends: dev\ntrail:\n  multi_region: true\n  multi_regions: true\n",
            4,
            r"trail\.multi_regions: unknown key 'multi_regions': choose of .*multi_region,",
        ),
        ("extends: dev\ntrail:\n  multi_region: maybe\n", 3, r"trail\.multi_region: 'maybe'"),
        (
            "extends: dev\nfunction:\n  environment:\n    optional: {LOG_FORMAT: '['}\n",
            4,
            r"function\.environment\.optional\.LOG_FORMAT: '\[' is not a 'regex'",
        ),
        (
            "extends: dev\nalarms:\n  accepted_actions: topic\n",
            3,
            r"alarms\.accepted_actions: 'topic'",
        ),
        (
            "extends: dev\nalarms:\n  delivery:\n  - {purpose: p, behaviour: rings,"
            " within_minutes: 1, metrics: [{namespace: n, metric: m, dimensions: {}}]}\n",
            4,
            r"alarms\.delivery\.0\.behaviour: 'rings' is not one of",
        ),
        (
            "extends: dev\nalarms:\n  delivery:\n  - {purpose: p, behaviour: silence,"
            " within_minutes: 1, metrics: [{namespace: n, metric: m, dimensions: {}}]}\n",
            4,
            r"'pause_minutes' is a required property",
        ),
        (
            "extends: dev\nalarms:\n  metric_filters: [{purpose: p, within_minutes: 1}]\n",
            3,
            r"alarms\.metric_filters\.0",
        ),
        ("additional_controls: [key-rotates]\n", 1, r"additional_controls but extends none"),
        ("extends: dev\ntrail: {}\ntrail: {}\n", 3, r"trail stands twice, first in line 2"),
        ("extends: [\n", None, r"cannot be read"),
        ("- a list\n", None, r"is not a mapping"),
        ("extends: dev\nprofile: 1\n", 2, r"profile is a name, not 1"),
    ],
)
def test_what_is_no_baseline_is_refused_with_file_and_line(
    tmp_path: Path, text: str, line: int | None, message: str
) -> None:
    with pytest.raises(BaselineError, match=message) as caught:
        load(_write(tmp_path, text))
    place = "strict.yaml" if line is None else f"{tmp_path}/strict.yaml:{line}: "
    assert place in str(caught.value)


def test_a_fault_is_placed_in_the_file_that_says_it(tmp_path: Path) -> None:
    _write(tmp_path, "extends: dev\nkey:\n  rotation: often\n", "base.yaml")
    with pytest.raises(BaselineError, match=r"base\.yaml:3: key\.rotation: 'often'"):
        load(_write(tmp_path, "extends: base.yaml\nkey:\n  maximum_rotation_days: 90\n"))


def test_a_baseline_is_known_by_its_files_and_their_hashes(tmp_path: Path) -> None:
    text = "extends: dev\nlog_groups: {retention_days: 30}\n"
    first, second = load(_write(tmp_path, text)).sources
    assert (first.name, first.file) == ("strict", "strict.yaml")
    assert first.sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert (second.name, second.file) == ("dev", "verify/inputs/baselines/dev.yaml")


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(BaselineError, match=r"none\.yaml cannot be read"):
        load(str(tmp_path / "none.yaml"))


def test_an_unknown_profile_says_which_there_are() -> None:
    with pytest.raises(BaselineError, match=r"unknown profile 'stage'.*dev"):
        load("stage")


def test_a_control_that_the_catalogue_lacks_is_named(tmp_path: Path) -> None:
    found = load(_write(tmp_path, "extends: dev\nadditional_controls: [moon-is-full]\n"))
    with pytest.raises(BaselineError, match=r"strict lists moon-is-full, which the catalogue"):
        require_known(found, catalogue.load())


def test_every_control_of_the_catalogue_holds_in_some_profile() -> None:
    listed = {name for profile in baseline.profiles() for name in load(profile).controls}
    assert listed == set(catalogue.load())


# --- placeholders ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("partition", "region", "principal"),
    [
        ("aws", "ap-southeast-1", "logs.ap-southeast-1.amazonaws.com"),
        ("aws-us-gov", "us-gov-west-1", "logs.us-gov-west-1.amazonaws.com"),
        ("aws-cn", "cn-north-1", "logs.cn-north-1.amazonaws.com.cn"),
        ("aws-eusc", "eusc-de-east-1", "logs.eusc-de-east-1.amazonaws.eu"),
    ],
)
def test_a_regional_principal_ends_as_the_partition_s_names_do(
    partition: str, region: str, principal: str
) -> None:
    outputs = json.dumps(example()).replace("ap-southeast-1", region)
    outputs = outputs.replace("arn:aws:", f"arn:{partition}:").replace('"aws"', f'"{partition}"')
    values = _filled("dev", outputs)
    assert principal in values["key"]["services"]


def test_every_name_in_braces_is_filled_once() -> None:
    values = _filled("dev")
    assert "logs.ap-southeast-1.amazonaws.com" in values["key"]["services"]
    assert values["names"]["log_bucket_name"] == "s3-cloudtrail-logs-dev-123456789012"
    assert values["alarms"]["function"][0]["metrics"][0]["dimensions"] == {
        "FunctionName": "lambda-compliance-checker-dev"
    }
    [queue] = [
        metric["dimensions"]["QueueName"]
        for alarm in values["alarms"]["function"]
        for metric in alarm["metrics"]
        if metric["namespace"] == "AWS/SQS"
    ]
    assert queue == "sqs-compliance-checker-dlq-dev"


def test_a_list_stands_for_each_of_its_names() -> None:
    values = _filled("dev")
    rules = [*(f"rule-changes-{number}-dev" for number in (1, 2, 3, 4)), "rule-root-user-dev"]
    assert values["function"]["event_path"] == rules
    assert values["roles"]["sources"]["role-event-forwarding-dev"] == [
        *(f"arn:aws:events:us-east-1:123456789012:rule/{rule}" for rule in rules),
        "arn:aws:events:eu-west-1:123456789012:rule/rule-*-dev",
    ]


def test_a_list_of_the_deployment_stands_for_nothing_where_it_is_empty() -> None:
    outputs = example()
    for name in ("further_event_regions", "event_stack_set_arns", "event_stack_set_role_arns"):
        outputs[name]["value"] = []
    roles = _filled("dev", json.dumps(outputs))["roles"]
    assert len(roles["sources"]["role-event-forwarding-dev"]) == 5
    read = roles["permissions"]["role-verifier-dev"]["read"]["resources"]
    assert not [arn for arn in read if "stackset" in arn or "eu-west-1" in arn]


def test_a_list_of_one_s_own_leaves_other_members_as_they_are(tmp_path: Path) -> None:
    lists = 'lists: {mine: [a, "b-{environment}"]}\n'
    own = _write(tmp_path, f'extends: dev\n{lists}function: {{aliases: ["x-{{each mine}}", y]}}\n')
    values = _filled(own)
    assert values["function"]["aliases"] == ["x-a", "x-b-dev", "y"]
    assert len(values["function"]["event_path"]) == 5


def test_a_mapping_stands_for_as_many_as_one_of_its_texts_names(tmp_path: Path) -> None:
    groups = '["{each mine}", z]'
    own = _write(
        tmp_path,
        "extends: dev\nlists: {mine: [a, b]}\n"
        f'network: {{application_ingress: [{{protocol: "{{each mine}}", groups: {groups}}}]}}\n',
    )
    assert _filled(own)["network"]["application_ingress"] == [
        {"protocol": "a", "groups": ["a", "b", "z"]},
        {"protocol": "b", "groups": ["a", "b", "z"]},
    ]


def test_what_nobody_publishes_the_dashboard_need_not_show() -> None:
    outputs = example()
    published = _filled("dev", json.dumps(outputs))["dashboard"]["metrics"]
    outputs["verification_metric_namespace"]["value"] = None
    assert [one for one in published if one["metric"] == "LastCleanVerification"] == [
        {
            "namespace": "Trailwarden/Verification",
            "metric": "LastCleanVerification",
            "dimensions": {"Environment": "dev"},
        }
    ]
    assert _filled("dev", json.dumps(outputs))["dashboard"]["metrics"] == published[:-1]


_BREAK_GLASS = "log_bucket: {break_glass_roles: ['arn:aws:iam::1:role/{environment}']}"
_BOUNDARY = "roles: {permissions_boundary: 'arn:aws:iam::1:policy/bound'}"
_OF_BOUNDARY = "function: {aliases: ['{each roles.permissions_boundary}']}"


@pytest.mark.parametrize(
    ("said", "roles", "policies"),
    [
        ("", [], []),
        (_BREAK_GLASS, ["arn:aws:iam::1:role/dev"], []),
        (_BOUNDARY, [], ["arn:aws:iam::1:policy/bound"]),
    ],
    ids=["an empty list and null", "a list", "a text"],
)
def test_a_place_stands_for_what_the_baseline_says_there(
    tmp_path: Path, said: str, roles: list[str], policies: list[str]
) -> None:
    own = load(_write(tmp_path, f"extends: dev\n{said}\n{_OF_BOUNDARY}\n"))
    deployed = parse(json.dumps(example()))
    values = filled(own, deployed.placeholders(), deployed.lists())
    [verifier] = [
        parts for role, parts in values["roles"]["permissions"].items() if "verifier" in role
    ]
    assert verifier["look-at-exempt-roles"]["resources"] == roles
    assert values["function"]["aliases"] == policies


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("key.nobody", "place in the baseline"),
        ("key.rotation.x", "place in the baseline"),
        ("key.services", "list of texts"),
        ("ledger.minimum_recovery_days", "list of texts"),
    ],
)
def test_a_place_that_there_is_not_is_named(tmp_path: Path, place: str, kind: str) -> None:
    own = load(_write(tmp_path, f'extends: dev\nfunction: {{aliases: ["{{each {place}}}"]}}\n'))
    deployed = parse(json.dumps(example()))
    with pytest.raises(
        BaselineError, match=rf"function\.aliases\.0 names \{{each {place}\}}, which is no {kind}"
    ):
        filled(own, deployed.placeholders(), deployed.lists())


def test_a_list_that_there_is_not_is_named_with_its_place(tmp_path: Path) -> None:
    found = _write(tmp_path, 'extends: dev\nfunction: {aliases: ["{each others}"]}\n')
    with pytest.raises(
        BaselineError,
        match=r"strict\.yaml:2: function\.aliases\.0 names \{each others\}, which is no list of "
        r"the baseline or the deployment: choose one of ([a-z_]+, )+event_stack_set_arns, ",
    ):
        _filled(found)


def test_a_name_that_is_no_output_is_named_with_its_place(tmp_path: Path) -> None:
    found = _write(tmp_path, 'extends: dev\nnames: {trail_name: "{trial_name}"}\n')
    with pytest.raises(
        BaselineError, match=r"strict\.yaml:2: names\.trail_name names \{trial_name\}"
    ):
        _filled(found)
