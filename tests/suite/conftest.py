"""A sandbox for all of these tests, and one deployment in it for those that need the whole way."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.support import RunningSandbox, start
from tests.suite.support import (
    REGION,
    VARIABLES,
    Verification,
    deploy,
    verify,
    verify_strictly,
)
from verify.inputs.deployment import example


@pytest.fixture(scope="session")
def sandbox() -> Iterator[RunningSandbox]:
    running = start("--region", REGION)
    yield running
    running.process.terminate()
    assert running.process.wait(timeout=20) == 0


@pytest.fixture
def outputs_file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Valid outputs of a deployment of which nothing is there; in a sandbox, but for its VPC."""
    outputs = example()
    if "sandbox" in request.fixturenames:
        running: RunningSandbox = request.getfixturevalue("sandbox")
        [vpc] = running.client("ec2", REGION).describe_vpcs(
            Filters=[{"Name": "is-default", "Values": ["true"]}]
        )["Vpcs"]
        outputs["vpc_id"]["value"] = vpc["VpcId"]
    path = tmp_path / "outputs.json"
    path.write_text(json.dumps(outputs))
    return path


@pytest.fixture
def held(deployed: Path, sandbox: RunningSandbox, tmp_path: Path) -> Callable[..., Verification]:
    """Holds dev to `controls` that it has not got; see `verify_strictly`."""
    return lambda check, controls, **values: verify_strictly(
        deployed, tmp_path, f"verify/checks/{check}", controls, sandbox.url, **values
    )


@pytest.fixture(scope="session")
def deployed(sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The outputs of a real deployment into the sandbox.

    Files of tests share it in any order: who changes it puts it back, and leaves no gap in the
    trail's digests, which would fail every later run.
    """
    return deploy(sandbox.url, tmp_path_factory.mktemp("deployment"), VARIABLES)


@pytest.fixture(scope="session")
def outputs(deployed: Path) -> dict[str, Any]:
    """What the deployment's outputs say: name -> value."""
    return {name: output["value"] for name, output in json.loads(deployed.read_text()).items()}


@pytest.fixture(scope="session")
def recording(
    sandbox: RunningSandbox, deployed: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The folder of a clean run of the state checks."""
    reports = tmp_path_factory.mktemp("recording")
    done = verify(deployed, reports, "verify/checks", url=sandbox.url)
    assert done.controls("FAIL", "ERROR") == set(), done.text
    return (reports / "latest").resolve()


@pytest.fixture
def silent_function(sandbox: RunningSandbox, deployed: Path) -> Iterator[None]:
    """No alert comes, so that a run waits until it is ended."""
    logs = sandbox.client("logs", REGION)
    group = json.loads(deployed.read_text())["trail_log_group_name"]["value"]
    [found] = logs.describe_subscription_filters(logGroupName=group)["subscriptionFilters"]
    events = sandbox.client("events", REGION)
    rules = [rule["Name"] for rule in events.list_rules(NamePrefix="rule-changes-")["Rules"]]
    logs.delete_subscription_filter(logGroupName=group, filterName=found["filterName"])
    for rule in rules:
        events.disable_rule(Name=rule)
    yield
    for rule in rules:
        events.enable_rule(Name=rule)
    logs.put_subscription_filter(
        logGroupName=group,
        filterName=found["filterName"],
        filterPattern=found["filterPattern"],
        destinationArn=found["destinationArn"],
    )
