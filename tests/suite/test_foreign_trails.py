"""Trails that other modules made: discovered, mapped, verified, and a fault of each found."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.sandbox.support import ACCOUNT, REGION, Account, RunningSandbox, start
from tests.suite import layouts
from tests.suite.layouts import Layout
from tests.suite.support import MAKE, ROOT, Verification, environment, python_m_verify, verify
from verify.discover.reading import CALLS
from verify.inputs.absence import PARTS

pytestmark = pytest.mark.slow

DOCUMENT = ROOT / "docs" / "bring-your-own-trail.md"

# What each layout has, and what of that is as the profile dev asks.
OF_ANY_TRAIL = {
    "digests-on-time",
    "key-grants",
    "key-policy-least-privilege",
    "key-rotates",
    "key-usable",
    "log-bucket-admits-only-the-trail",
    "log-bucket-denies-plain-http",
    "log-bucket-encrypted",
    "log-bucket-has-one-door",
    "log-bucket-keeps-files",
    "log-bucket-not-public",
    "log-bucket-owner-enforced",
    "log-bucket-protects-files",
    "log-bucket-public-access-blocked",
    "log-bucket-refuses-other-keys",
    "log-bucket-sends-nothing-away",
    "log-bucket-versioned",
    "log-integrity-intact",
    "names-follow-convention",
    "trail-delivers-to-bucket",
    "trail-destination",
    "trail-encrypted",
    "trail-is-logging",
    "trail-log-file-validation",
    "trail-management-events",
    "trail-multi-region",
}
OF_LOG_GROUP_AND_ALARMS = {
    "alarm-actions",
    "alarm-delivery-stopped",
    "alert-topic-encrypted",
    "alert-topic-passes-alerts-on",
    "alert-topic-policy",
    "alert-topic-subscriptions",
    "log-groups-admit-no-writer",
    "log-groups-encrypted",
    "log-groups-retention",
    "log-groups-sent-to-nobody-else",
    "log-groups-unaltered",
    "roles-least-privilege",
    "roles-trust",
    "security-metric-alarms",
    "trail-delivers-to-log-group",
}
# What asks for a function, a network, or notices of deliveries, which neither has.
OF_PARTS_THAT_ARE_ABSENT = {
    "alarm-function-trouble",
    "alarms-tell-of-acts",
    "alert-by-both-paths",
    "alert-ledger",
    "alert-on-administrator-role",
    "alert-on-key-removal",
    "alert-on-opened-network-acl",
    "alert-on-opened-rule",
    "alert-on-public-bucket-policy",
    "alert-on-unprotected-bucket",
    "alert-within-target",
    "application-group-rules",
    "dead-letter-queue-policy",
    "default-group-closed",
    "delivery-topic-counted",
    "delivery-topic-encrypted",
    "delivery-topic-policy",
    "events-reach-function",
    "function-code-reviewed",
    "function-configuration",
    "function-dead-letter-queue",
    "function-encrypted",
    "function-judges-every-rule",
    "function-logs-results",
    "function-not-public",
    "function-tries-again",
    "interfaces-private",
    "live-fire-leaves-nothing",
    "network-acls-closed",
    "no-drift",
    "no-internet-gateway",
    "no-internet-ingress",
    "no-internet-route",
    "no-private-connection",
    "nothing-reaches-in",
    "nothing-reaches-out",
    "subnets-no-public-addresses",
    "subnets-private-layout",
    "trail-log-group-feeds-function",
    "trail-notifies-deliveries",
    "vpc-address-range",
    "vpc-name-servers",
}


@pytest.fixture(scope="module")
def abroad() -> Iterator[RunningSandbox]:
    """An account in which nothing is of this project's own module."""
    running = start("--region", REGION)
    yield running
    running.process.terminate()
    assert running.process.wait(timeout=20) == 0


@dataclass(frozen=True)
class Discovered:
    """A layout, and the files of its discovery."""

    layout: Layout
    sandbox: RunningSandbox
    outputs: Path
    folder: Path
    said: str

    def verify(self, reports: Path, *arguments: str, baseline: Path | None = None) -> Verification:
        """Run the suite on it, by the discovered baseline or another."""
        return verify(
            self.outputs,
            reports,
            f"--outputs-map={self.folder / 'outputs-map.yaml'}",
            f"--profile={baseline or self.folder / 'baseline.yaml'}",
            *arguments,
            url=self.sandbox.url,
            as_verifier=False,
        )


def discover(
    sandbox: RunningSandbox, arn: str, *arguments: str, **more: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "verify", "discover", f"--trail-arn={arn}", *arguments],
        cwd=ROOT,
        env=environment(sandbox.url, **more),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _discovered(
    layout: Layout, sandbox: RunningSandbox, folder: Path, outputs: Path | None
) -> Discovered:
    given = [] if outputs is None else [f"--outputs={outputs}"]
    done = discover(sandbox, layout.trail_arn, f"--folder={folder}", *given)
    assert done.returncode == 0, done.stdout + done.stderr
    found = Discovered(layout, sandbox, outputs or folder / "outputs.json", folder, done.stdout)
    refused = found.verify(folder)
    assert refused.code == 4
    assert re.search(r"/baseline\.yaml:9: may_be_absent\.[a-z-]+\n", refused.text), refused.text
    # Somebody has read them, and agrees.
    baseline = folder / "baseline.yaml"
    baseline.write_text(baseline.read_text().replace('"REVIEW: ', '"'))
    return found


@pytest.fixture(scope="module")
def of_organization(abroad: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Discovered:
    """An organization's trail; its module's outputs are not at hand."""
    layout = layouts.organization_trail(abroad)
    return _discovered(layout, abroad, tmp_path_factory.mktemp("organization"), None)


@pytest.fixture(scope="module")
def alarmed(abroad: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Discovered:
    """A trail with alarms; its module's outputs are."""
    layout = layouts.alarmed_trail(abroad)
    folder = tmp_path_factory.mktemp("alarmed")
    outputs = folder / "theirs.json"
    outputs.write_text(layout.terraform_outputs())
    return _discovered(layout, abroad, folder, outputs)


# --- discovered -----------------------------------------------------------------------------------


def test_an_organizations_trail_is_discovered(of_organization: Discovered) -> None:
    outputs = {
        name: output["value"]
        for name, output in json.loads(of_organization.outputs.read_text()).items()
    }
    trail = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/acme-org-trail"
    assert outputs.pop("kms_key_arn") == of_organization.layout.outputs["kms"]["key_arn"]
    assert outputs == {
        "account_id": ACCOUNT,
        "region": REGION,
        "partition": "aws",
        "trail_name": "acme-org-trail",
        "trail_arn": trail,
        "trail_home_region": REGION,
        "log_bucket_name": "acme-audit-org-cloudtrail",
        "log_bucket_arn": "arn:aws:s3:::acme-audit-org-cloudtrail",
        "kms_key_alias": "alias/acme-audit-cloudtrail",
        "environment": "acme-org-trail",
        "profile": "dev",
    }
    found = yaml.safe_load((of_organization.folder / "baseline.yaml").read_text())
    assert sorted(found["may_be_absent"]) == [
        "alarms",
        "alert-topic",
        "delivery-queue",
        "delivery-topic",
        "function",
        "network",
        "trail-log-group",
        "verifier",
    ]
    client = of_organization.sandbox.client("organizations")
    identifier = client.describe_organization()["Organization"]["Id"]
    assert found["trail"] == {"organization": True, "organization_id": identifier}
    assert "absent: trail-log-group: cloudtrail.describe_trails shows no " in of_organization.said


def test_a_trail_with_alarms_is_led_to_by_its_modules_outputs(alarmed: Discovered) -> None:
    found = yaml.safe_load((alarmed.folder / "outputs-map.yaml").read_text())
    alarms = found["outputs"].pop("alarm_names")
    assert alarms["TrailSilent"] == "alarms.TrailSilent.name"
    assert len(alarms) == 5
    assert found["outputs"].pop("alarm_arns")["TrailSilent"] == "alarms.TrailSilent.arn"
    assert found["outputs"] == {
        "region": "cloudtrail_home_region",
        "trail_name": "cloudtrail_id",
        "trail_arn": "cloudtrail_arn",
        "trail_home_region": "cloudtrail_home_region",
        "log_bucket_name": "log_bucket.bucket_id",
        "log_bucket_arn": "log_bucket.bucket_arn",
        "kms_key_arn": "kms.key_arn",
        "kms_key_alias": "kms.alias_name",
        "trail_log_group_name": "log_group.name",
        "trail_log_group_arn": "log_group.arn",
        "trail_logs_role_name": "roles[0].name",
        "trail_logs_role_arn": "roles[0].arn",
        "alert_topic_arn": "sns_topic_arn",
    }
    assert found["constants"] == {
        "account_id": ACCOUNT,
        "partition": "aws",
        "alert_topic_name": "acme-prod-breach",
        "alert_subscription_endpoints": [],
        "environment": "acme-prod",
        "profile": "dev",
    }
    extension = yaml.safe_load((alarmed.folder / "baseline.yaml").read_text())
    assert sorted(extension["may_be_absent"]) == [
        "delivery-queue",
        "delivery-topic",
        "function",
        "network",
        "verifier",
    ]
    assert extension["log_groups"] == {"retention_days": 365}


@pytest.mark.parametrize("layout", ["of_organization", "alarmed"])
def test_each_entry_says_where_it_comes_from(layout: str, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue(layout).folder
    lines = (folder / "outputs-map.yaml").read_text().splitlines()
    absent = lines.index("absent:")
    entries = [number for number, line in enumerate(lines[:absent]) if re.match(r"  \w+: ", line)]
    assert len(entries) > 10
    assert all(lines[number - 1].startswith("  # ") for number in entries)
    # What is absent has its reason as its value.
    assert all(re.match(r'  [a-z-]+: ".+"$', line) for line in lines[absent + 1 :])


def test_a_discovery_knows_no_operation_that_changes_anything(
    alarmed: Discovered, tmp_path: Path
) -> None:
    names = [name for operations in CALLS.values() for name in operations]
    assert all(re.match(r"(describe|get|list)_", name) for name in names)
    before = _changes(alarmed.sandbox)
    done = discover(alarmed.sandbox, alarmed.layout.trail_arn, f"--folder={tmp_path}")
    assert done.returncode == 0, done.stderr
    assert _changes(alarmed.sandbox) == before


@pytest.mark.parametrize("layout", ["of_organization", "alarmed"])
def test_the_permissions_that_its_help_lists_suffice(
    layout: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    found: Discovered = request.getfixturevalue(layout)
    listed = python_m_verify("discover", "--help").stdout.partition("these permissions:")[2]
    actions = re.findall(r"[a-z0-9]+:[A-Z][A-Za-z0-9]+", listed)
    assert len(actions) == sum(len(operations) for operations in CALLS.values())
    done = discover(
        found.sandbox,
        found.layout.trail_arn,
        f"--folder={tmp_path}",
        **_keys(found.sandbox, {"Effect": "Allow", "Action": actions, "Resource": "*"}),
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _keys(sandbox: RunningSandbox, *statements: dict[str, Any]) -> dict[str, str]:
    """The environment of somebody who may do just what these statements say."""
    account = Account(sandbox)
    role = account.role("ec2.amazonaws.com", *statements)
    keys = account.sts.assume_role(RoleArn=role, RoleSessionName="limited")["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }


def _changes(sandbox: RunningSandbox) -> list[str]:
    """What the account's event history tells of changes."""
    pages = (
        sandbox.client("cloudtrail")
        .get_paginator("lookup_events")
        .paginate(LookupAttributes=[{"AttributeKey": "ReadOnly", "AttributeValue": "false"}])
    )
    return [event["EventId"] for page in pages for event in page["Events"]]


def test_what_was_not_seen_is_left_to_be_filled_in(alarmed: Discovered, tmp_path: Path) -> None:
    reading = {"Effect": "Allow", "Action": ["*:Get*", "*:List*", "*:Describe*"], "Resource": "*"}
    denied = {"Effect": "Deny", "Action": ["kms:*", "sns:*", "logs:*"], "Resource": "*"}
    done = discover(
        alarmed.sandbox,
        alarmed.layout.trail_arn,
        f"--folder={tmp_path}",
        **_keys(alarmed.sandbox, reading, denied),
    )
    assert done.returncode == 6, done.stdout + done.stderr
    assert "not seen: kms.describe_key" in done.stdout
    assert "the caller lacks kms:DescribeKey" in done.stdout
    text = (tmp_path / "outputs-map.yaml").read_text()
    assert "# kms_key_arn: kms.describe_key" in text
    assert "# function_arn: logs.describe_subscription_filters" in text
    assert "# alarm_names: logs.describe_metric_filters" in text
    found = yaml.safe_load(text)
    assert {"key", "alarms", "alert-topic", "function"}.isdisjoint(found["absent"])
    # So the suite does not begin before somebody has filled it in.
    refused = verify(
        tmp_path / "outputs.json",
        tmp_path,
        f"--outputs-map={tmp_path / 'outputs-map.yaml'}",
        f"--profile={tmp_path / 'baseline.yaml'}",
        url=alarmed.sandbox.url,
        as_verifier=False,
    )
    assert refused.code == 4
    assert "kms_key_alias, kms_key_arn: neither mapped nor constant" in refused.text


def test_a_discovery_that_cannot_begin_says_why(alarmed: Discovered, tmp_path: Path) -> None:
    def refused(arn: str, *arguments: str, **more: str) -> str:
        done = discover(alarmed.sandbox, arn, *arguments, **more)
        assert (done.returncode, done.stdout.count("\n") > 1) == (2, False), done.stdout
        return done.stderr

    own = alarmed.layout.trail_arn
    assert "is not a trail's ARN" in refused("acme-prod")
    assert "there is no trail" in refused(own + "-2", f"--folder={tmp_path}")
    assert "of account 999999999999, but the credentials are of account" in refused(
        own.replace(ACCOUNT, "9" * 12), f"--folder={tmp_path}"
    )
    assert "may have been reviewed: move it away" in refused(own, f"--folder={alarmed.folder}")
    assert "unknown profile 'none'" in refused(own, "--profile=none", f"--folder={tmp_path}")
    assert "no outputs file at" in refused(own, "--outputs=none.json", f"--folder={tmp_path}")
    assert not list(tmp_path.iterdir())


def test_what_falls_short_is_told_and_stays_demanded(
    abroad: RunningSandbox, tmp_path: Path
) -> None:
    account = Account(abroad)
    topic, _ = account.topic_with_queue()
    account.sns.add_permission(
        TopicArn=topic, Label="trail", AWSAccountId=[ACCOUNT], ActionName=["Publish"]
    )
    service = {"Principal": {"Service": "cloudtrail.amazonaws.com"}, "Effect": "Allow"}
    statement = {**service, "Action": "sns:Publish", "Resource": topic}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    account.sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    trail = account.trail(
        f"audit/AWSLogs/{ACCOUNT}",
        S3KeyPrefix="audit",
        SnsTopicName=topic,
        IsMultiRegionTrail=False,
    )
    account.cloudtrail.stop_logging(Name=trail["name"])
    function = account.function("def handler(event, context): pass")
    account.lambda_.add_permission(
        FunctionName=function,
        StatementId="logs",
        Action="lambda:InvokeFunction",
        Principal="logs.amazonaws.com",
    )
    account.logs.put_subscription_filter(
        logGroupName=trail["group"], filterName="all", filterPattern="", destinationArn=function
    )
    done = discover(abroad, trail["arn"], f"--folder={tmp_path}")
    assert done.returncode == 0, done.stdout + done.stderr
    short = re.findall(r"^short of the profile: (.*)$", done.stdout, re.MULTILINE)
    region = "cloudtrail.describe_trails: "
    for beginning in (
        f"trail.multi_region: {region}IsMultiRegionTrail shows false, and it asks for true",
        f"trail.log_file_validation: {region}LogFileValidationEnabled shows false",
        "cloudtrail.get_trail_status: the trail is not logging",
        "cloudtrail.describe_trails: the files lie below the folder audit, and trail-destination",
        "log_bucket.encryption_algorithm: s3.get_bucket_encryption shows AES256",
        "log_bucket.versioning: s3.get_bucket_versioning shows never on, and it asks for Enabled",
        "s3.get_public_access_block: 4 of 4 blocks are off",
        "log_groups.retention_days: logs.describe_log_groups shows never expires",
        "logs.describe_subscription_filters: the group's events are sent to "
        f"{function}, a function that this project has not reviewed",
    ):
        assert any(line.startswith(beginning) for line in short), (beginning, short)
    found = yaml.safe_load((tmp_path / "outputs-map.yaml").read_text())
    outputs = json.loads((tmp_path / "outputs.json").read_text())
    assert outputs["delivery_topic_arn"]["value"] == topic
    assert "/queue-" in outputs["delivery_queue_url"]["value"]
    assert {"key", "alarms", "alert-topic"} <= found["absent"].keys()
    assert {"delivery-topic", "delivery-queue", "trail-log-group"}.isdisjoint(found["absent"])
    text = (tmp_path / "baseline.yaml").read_text()
    assert all(f"# {line}" in text for line in short)
    # Such a function as this project's own is not called absent.
    variables = dict.fromkeys(("ALERT_TOPIC_ARN", "LEDGER_TABLE", "TRAIL_ARN"), "any")
    account.lambda_.update_function_configuration(
        FunctionName=function, Environment={"Variables": variables}
    )
    assert discover(abroad, trail["arn"], f"--folder={tmp_path / 'again'}").returncode == 0
    again = (tmp_path / "again" / "outputs-map.yaml").read_text()
    assert "function" not in yaml.safe_load(again)["absent"]
    assert f"# function_arn: {function} is of this project's own module: give" in again
    # Nothing of it is in force: only what is absent, left out, or called otherwise.
    assert yaml.safe_load(text).keys() == {
        "extends",
        "profile",
        "may_be_absent",
        "without_controls",
        "names",
    }


# --- verified -------------------------------------------------------------------------------------


def test_an_organizations_trail_is_verified(of_organization: Discovered, tmp_path: Path) -> None:
    done = of_organization.verify(tmp_path)
    assert done.controls("PASS") == OF_ANY_TRAIL, done.text
    absent = OF_PARTS_THAT_ARE_ABSENT | OF_LOG_GROUP_AND_ALARMS
    assert done.controls("NOT APPLICABLE") == absent
    assert set(done.outcomes) == OF_ANY_TRAIL | absent
    assert done.code == 0
    bucket = of_organization.layout.bucket
    s3 = of_organization.sandbox.client("s3")
    s3.delete_public_access_block(Bucket=bucket)
    try:
        done = of_organization.verify(tmp_path)
    finally:
        layouts.block_public_access(of_organization.sandbox, bucket)
    assert done.controls("FAIL", "ERROR") == {"log-bucket-public-access-blocked"}, done.text
    assert done.code == 1


def test_a_trail_with_alarms_is_verified_and_judged_again_from_its_evidence(
    alarmed: Discovered, tmp_path: Path
) -> None:
    done = alarmed.verify(tmp_path)
    assert done.controls("PASS") == OF_ANY_TRAIL | OF_LOG_GROUP_AND_ALARMS, done.text
    assert done.controls("NOT APPLICABLE") == OF_PARTS_THAT_ARE_ABSENT
    assert done.code == 0
    said = done.row("function-encrypted")["message"]
    assert "of the map of outputs says: no resource of the trail leads to the compliance" in said
    assert "by the baseline's may_be_absent.function it need not be there: no resource of " in said
    kept = tmp_path / "latest" / "inputs" / "outputs-map.yaml"
    assert kept.read_bytes() == (alarmed.folder / "outputs-map.yaml").read_bytes()
    checked = python_m_verify("check-evidence", str(tmp_path / "latest"))
    assert checked.returncode == 0, checked.stdout + checked.stderr

    group = alarmed.layout.outputs["log_group"]["name"]
    logs = alarmed.sandbox.client("logs")
    [taken] = logs.describe_metric_filters(
        logGroupName=group, filterNamePrefix="IAMPolicyEventCount"
    )["metricFilters"]
    logs.delete_metric_filter(logGroupName=group, filterName=taken["filterName"])
    try:
        done = alarmed.verify(tmp_path)
    finally:
        kept_members = ("logGroupName", "filterName", "filterPattern", "metricTransformations")
        logs.put_metric_filter(**{name: taken[name] for name in kept_members})
    assert done.controls("FAIL", "ERROR") == {"security-metric-alarms"}, done.text
    assert "IAM policy changes" in done.row("security-metric-alarms")["message"]
    assert done.code == 1


def test_what_the_baseline_does_not_let_be_absent_fails(
    alarmed: Discovered, tmp_path: Path
) -> None:
    baseline = yaml.safe_load((alarmed.folder / "baseline.yaml").read_text())
    del baseline["may_be_absent"]["function"]
    del baseline["may_be_absent"]["delivery-topic"]
    strict = tmp_path / "strict.yaml"
    strict.write_text(yaml.safe_dump(baseline))
    done = alarmed.verify(tmp_path, baseline=strict)
    failed = done.controls("FAIL", "ERROR")
    assert failed == {
        *(name for name in OF_PARTS_THAT_ARE_ABSENT if "function" in name or "alert" in name),
        *(name for name in OF_PARTS_THAT_ARE_ABSENT if name.startswith("delivery-topic")),
        "dead-letter-queue-policy",
        "alarms-tell-of-acts",
        "live-fire-leaves-nothing",
        "trail-notifies-deliveries",
        # These look at several resources, one of which must be there and is not.
        "alarm-delivery-stopped",
        "alert-topic-policy",
        "key-grants",
        "key-policy-least-privilege",
        "log-groups-admit-no-writer",
        "log-groups-encrypted",
        "log-groups-retention",
        "log-groups-sent-to-nobody-else",
        "log-groups-unaltered",
        "names-follow-convention",
        "roles-least-privilege",
        "roles-trust",
        "trail-destination",
    }, done.text
    assert done.controls("ERROR") == set()
    assert done.code == 1
    assert "let be by the baseline's may_be_absent.function" in done.row("alert-ledger")["message"]
    said = done.row("trail-notifies-deliveries")["message"]
    assert "let be by the baseline's may_be_absent.delivery-topic" in said


def test_what_is_called_absent_and_is_there_is_found(alarmed: Discovered, tmp_path: Path) -> None:
    said = yaml.safe_load((alarmed.folder / "outputs-map.yaml").read_text())
    baseline = yaml.safe_load((alarmed.folder / "baseline.yaml").read_text())
    for part in ("key", "trail-log-group", "alarms", "alert-topic"):
        said["absent"][part] = "not so"
        baseline["may_be_absent"][part] = "let be"
        for output in PARTS[part].outputs:
            said["outputs"].pop(output, None)
            said["constants"].pop(output, None)
    paths = tmp_path / "outputs-map.yaml", tmp_path / "baseline.yaml"
    for path, document in zip(paths, (said, baseline), strict=True):
        path.write_text(yaml.safe_dump(document))
    done = replace(alarmed, folder=tmp_path).verify(tmp_path)
    assert done.controls("FAIL") >= {"trail-destination", "trail-encrypted", "log-bucket-encrypted"}
    assert "role for the log group: required nothing" in done.row("trail-destination")["message"]
    assert done.code == 1


def test_it_may_be_one_of_several_targets(alarmed: Discovered, tmp_path: Path) -> None:
    entry = {
        "name": "foreign",
        "account": ACCOUNT,
        "region": REGION,
        "outputs": str(alarmed.outputs),
        "outputs_map": str(alarmed.folder / "outputs-map.yaml"),
        "baseline": str(alarmed.folder / "baseline.yaml"),
        "endpoint": alarmed.sandbox.url,
    }
    targets = tmp_path / "targets.yaml"
    targets.write_text(yaml.safe_dump({"targets": [entry]}))
    done = python_m_verify("targets", str(targets), f"--reports={tmp_path / 'reports'}")
    assert done.returncode == 0, done.stdout + done.stderr
    targets.write_text(yaml.safe_dump({"targets": [{**entry, "region": "eu-west-2"}]}))
    done = python_m_verify("targets", str(targets), f"--reports={tmp_path / 'reports'}")
    assert done.returncode == 6
    assert f"are of region {REGION}, not eu-west-2" in done.stdout + done.stderr


# --- the worked example ---------------------------------------------------------------------------


def test_the_commands_of_the_worked_example_run(alarmed: Discovered, tmp_path: Path) -> None:
    [block] = re.findall(r"```sh\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    (tmp_path / "theirs.json").write_text(alarmed.layout.terraform_outputs())
    commands = [shlex.split(line, comments=True) for line in block.splitlines()]
    assert [command[0] for command in commands] == [".venv/bin/python", "sed", "make", "make"]
    for command in commands:
        here = [re.sub(r"(?<![\w/])acme/", f"{tmp_path}/", word) for word in command]
        done = subprocess.run(
            [MAKE if here[0] == "make" else here[0], *here[1:]],
            cwd=ROOT,
            env=environment(alarmed.sandbox.url),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{here}\n{done.stdout}{done.stderr}"
    assert (tmp_path / "reports" / "latest" / "report.html").is_file()


def test_the_files_that_the_worked_example_shows_are_such_as_are_written(
    alarmed: Discovered,
) -> None:
    shown = re.findall(r"```yaml (\S+)\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert [name for name, _ in shown] == ["outputs-map.yaml", "baseline.yaml"]
    for name, text in shown:
        written = (alarmed.folder / name).read_text()
        for line in text.splitlines():
            found = line.replace('"REVIEW: ', '"')
            assert line.strip() == "..." or found in written, f"{name}: {line}"
