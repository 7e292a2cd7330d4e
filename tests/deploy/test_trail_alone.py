"""The trail without a network of its own, as docs/deploying.md shows it: deployed, and verified."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.deploy.support import ROOT, Outcome, run
from tests.sandbox.support import RunningSandbox, started
from tests.suite.support import Verification, build_package, verify
from verify.inputs import catalogue

REGION = "ap-southeast-1"
_NETWORK = {name for name, control in catalogue.load().items() if control.family == "Network"}


def _shown(language: str) -> str:
    text = (ROOT / "docs/deploying.md").read_text(encoding="utf-8")
    [found] = re.findall(rf"```{language}\n(# trail\..*?)```", text, re.DOTALL)
    return str(found)


@dataclass(frozen=True)
class Trail:
    """The stack of the profile prod in the default VPC, which somebody else looks after."""

    sandbox: RunningSandbox
    folder: Path

    def run(self, command: str, *arguments: str) -> Outcome:
        target = ("--sandbox", self.sandbox.url, "--region", REGION, "--profile", "prod")
        work = ("--working-directory", str(self.folder / "work"))
        own = ("--variables", str(self.folder / "trail.tfvars"))
        return run(command, *target, *work, *own, *arguments, environment=os.environ)

    def verify(self, baseline: str, *arguments: str) -> Verification:
        return verify(
            self.folder / "outputs.json",
            self.folder / "reports",
            f"--profile={baseline}",
            f"--variables={self.folder / 'trail.tfvars'}",
            *arguments,
            url=self.sandbox.url,
        )

    def vpcs(self) -> dict[str, int]:
        """How many subnets, route tables, ACLs and groups each VPC of the region has."""
        ec2 = self.sandbox.client("ec2", REGION)
        found = {vpc["VpcId"]: 0 for vpc in ec2.describe_vpcs()["Vpcs"]}
        for parts in (
            ec2.describe_subnets()["Subnets"],
            ec2.describe_route_tables()["RouteTables"],
            ec2.describe_network_acls()["NetworkAcls"],
            ec2.describe_security_groups()["SecurityGroups"],
        ):
            for part in parts:
                found[part["VpcId"]] += 1
        return found


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trail]:
    folder = tmp_path_factory.mktemp("trail")
    with started("--region", REGION) as sandbox:
        trail = Trail(sandbox, folder)
        before = trail.vpcs()
        [vpc] = before
        asked = _shown("hcl").replace("vpc-0a1b2c3d4e5f60718", vpc)
        assert vpc in asked
        (folder / "trail.tfvars").write_text(asked)
        build_package()
        applied = trail.run("apply", "--output", str(folder / "outputs.json"))
        assert applied.code == 0, applied.text
        assert trail.vpcs() == before, "nothing may be made in somebody else's VPC"
        yield trail


def test_the_trail_is_verified_without_a_network(deployed: Trail) -> None:
    own = deployed.folder / "trail.yaml"
    own.write_text(_shown("yaml").replace("extends: dev", "extends: prod"))
    there = deployed.vpcs()
    ran = deployed.verify(str(own))
    assert ran.controls("FAIL", "ERROR", "NOT TESTED", "WAIVED") == set(), ran.text
    assert ran.code == 0, ran.text
    assert {"alert-on-opened-rule", "resources-known", "declared-matches-live"} <= ran.controls(
        "PASS"
    )
    assert not _NETWORK & ran.outcomes.keys()
    assert deployed.vpcs() == there, "what the live fire opened is gone"
    assert "No changes." in deployed.run("plan").stdout


def test_by_the_baseline_of_the_profile_no_network_is_no_pass(deployed: Trail) -> None:
    """It asks for a network: what there is not is told, and nothing that it says is of ours."""
    ran = deployed.verify("prod", "verify/checks")
    network = {name: outcome for name, outcome in ran.outcomes.items() if name in _NETWORK}
    assert len(network) >= 20
    assert set(network.values()) <= {"FAIL", "ERROR"}, ran.text
    assert "whose network it is: required the deployment's own, live somebody else's" in ran.text
    assert {"no-internet-ingress", "no-private-connection"} <= ran.controls("FAIL")


def test_a_vpc_that_there_is_not_is_found_out_by_the_plan(deployed: Trail) -> None:
    other = deployed.folder / "other.tfvars"
    other.write_text('existing_vpc_id = "vpc-0a1b2c3d4e5f60718"\n')
    planned = deployed.run("plan", "--variables", str(other))
    assert planned.code == 7
    assert "no matching EC2 VPC found" in planned.text


def test_a_bad_value_of_the_network_is_refused_by_the_plan_in_a_sentence(deployed: Trail) -> None:
    other = deployed.folder / "other.tfvars"
    other.write_text('vpc_cidr_block = "10.0.0.0/8"\nbastion_cidr_blocks = ["0.0.0.0/0"]\n')
    planned = deployed.run("plan", "--variables", str(other))
    assert planned.code == 7
    said = " ".join(planned.text.replace("\u2502", " ").split())
    assert "The VPC range must be an IPv4 network address with a prefix of /16 to /28" in said
    assert "SSH must not be open to the world, or to a large part of it" in said


def test_what_its_owner_may_unlock_is_destroyed(deployed: Trail) -> None:
    """The last of this file: nothing is left. What nobody may unlock is in test_locked.py."""
    s3 = deployed.sandbox.client("s3", REGION)
    buckets = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    [logs] = [name for name in buckets if name.startswith("s3-cloudtrail-logs-")]
    assert s3.list_object_versions(Bucket=logs)["Versions"]
    destroyed = deployed.run("destroy")
    assert destroyed.code == 0, destroyed.text
    assert f"The files in {logs} are locked in GOVERNANCE mode" in destroyed.stderr
    assert s3.list_buckets()["Buckets"] == []
    assert len(deployed.vpcs()) == 1
