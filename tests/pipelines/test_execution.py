"""The workflow to copy, carried out in sandboxes: two accounts deployed, verified and merged."""

from __future__ import annotations

import fnmatch
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.pipelines import github
from tests.pipelines.expressions import evaluate, filled
from tests.pipelines.github import Hub, Job, carry_out
from tests.pipelines.support import EXAMPLES, GITHUB, load
from tests.sandbox.support import RunningSandbox, start
from tests.suite.support import MAKE, ROOT, environment

SLUG = "hospital/audit-trail"
ACCOUNTS = {
    "clinic": ("111122223333", "ap-southeast-2"),
    "hospital": ("444455556666", "eu-central-1"),
}
_GIT = shutil.which("git") or "git"


def test_expressions_are_evaluated_as_github_does() -> None:
    contexts = {"github.event_name": "push", "needs.deploy.result": "skipped", "matrix.name": "x"}
    functions = {"cancelled": False, "success": True}
    assert evaluate("!cancelled()", contexts, functions) is True
    assert evaluate("github.event_name != 'schedule'", contexts, functions) is True
    held = "success() && (needs.deploy.result == 'success' || matrix.name == 'x')"
    assert evaluate(held, contexts, functions) is True
    assert filled("a-${{ matrix.name }}-${{github.event_name}}", contexts) == "a-x-push"
    with pytest.raises(KeyError):
        filled("${{ matrix.nmae }}", contexts)
    with pytest.raises(AssertionError):
        evaluate("matrix.name + 1", contexts, functions)


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(
        [_GIT, "-c", "user.name=ci", "-c", "user.email=ci@hospital.example", *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
    )


def _repository(folder: Path) -> Path:
    """The project's files as they are now, with the example where README says that it goes."""
    listed = subprocess.run(
        [_GIT, "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    shutil.copytree(EXAMPLES / "deployments", folder / "deployments")
    shutil.copy2(GITHUB, folder / ".github" / "workflows")
    _git(folder, "init", "-q", "-b", "main")
    _git(folder, "add", "-A")
    _git(folder, "commit", "-q", "-m", "Begin")
    return folder


def _prepare(sandbox: RunningSandbox, region: str, name: str) -> None:
    """What README says that an account must have before: the provider, and who deploys."""
    iam = sandbox.client("iam", region)
    provider = iam.create_open_id_connect_provider(
        Url=f"https://{github.ISSUER}",
        ClientIDList=["sts.amazonaws.com"],
        ThumbprintList=["0" * 40],
    )["OpenIDConnectProviderArn"]
    trust = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {
                f"{github.ISSUER}:aud": "sts.amazonaws.com",
                f"{github.ISSUER}:sub": f"repo:{SLUG}:environment:{name}",
            }
        },
    }
    iam.create_role(
        RoleName="audit-trail-deployer",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )


@dataclass(frozen=True)
class World:
    """The repository and the accounts, by name."""

    repository: Path
    sandboxes: dict[str, RunningSandbox]
    folder: Path

    def run(self, event: str, slug: str = SLUG) -> dict[str, list[Job]]:
        """Carry the workflow out, as GitHub does on an event."""
        folder = self.folder / f"{event}-{slug.replace('/', '-')}"
        folder.mkdir()
        accounts = {ACCOUNTS[name][0]: sandbox for name, sandbox in self.sandboxes.items()}
        hub = Hub(
            self.repository,
            slug,
            event,
            {"STATE_BUCKET": ""},
            accounts,
            {
                "deploy": lambda url: {"SANDBOX": url},
                "verify": lambda url: {"AWS_ENDPOINT_URL": url},
            },
            folder,
        )
        return carry_out(load(self.repository / ".github/workflows" / GITHUB.name), hub)

    def kept(self, event: str, slug: str = SLUG) -> Path:
        """The artifacts of a run."""
        return self.folder / f"{event}-{slug.replace('/', '-')}" / "artifacts"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("pipelines")
    (folder / "repository").mkdir()
    with ExitStack() as running:
        sandboxes = {}
        for name, (account, region) in ACCOUNTS.items():
            sandbox = start("--region", region, "--account", account)
            running.callback(sandbox.process.wait, timeout=30)
            running.callback(sandbox.process.terminate)
            _prepare(sandbox, region, name)
            sandboxes[name] = sandbox
        yield World(_repository(folder / "repository"), sandboxes, folder)


@pytest.fixture(scope="module")
def pushed(world: World) -> dict[str, list[Job]]:
    return world.run("push")


def _texts(jobs: dict[str, list[Job]]) -> str:
    return "\n".join(
        f"=== {job.name} {job.matrix}\n{job.text}" for of in jobs.values() for job in of
    )


@pytest.mark.slow
def test_a_push_deploys_to_each_account_verifies_it_and_merges_the_runs(
    world: World, pushed: dict[str, list[Job]]
) -> None:
    results = {name: [job.result for job in jobs] for name, jobs in pushed.items()}
    expected = {"deploy": ["success"] * 2, "verify": ["success"] * 2, "matrix": ["success"]}
    assert results == expected, _texts(pushed)[-20_000:]
    for job in pushed["verify"]:
        name = job.matrix["name"]
        account, region = ACCOUNTS[name]
        run = world.kept("push") / f"run-{name}"
        assert {"junit.xml", "summary.md", "report.html", "manifest.json", "evidence"} <= {
            path.name for path in run.iterdir()
        }
        report = json.loads((run / "report.json").read_text())
        # It was the verifier role, by the job's own token, and no other.
        caller = f"arn:aws:sts::{account}:assumed-role/role-verifier-{name}/GitHubActions"
        assert report["caller"] == caller
        assert report["target"]["region"] == region
        assert job.summary == (run / "summary.md").read_text()
        assert "CLEAN" in job.summary
        assert job.annotations == []
    assert _matrix(world, "push") == {"clinic": "CLEAN", "hospital": "CLEAN"}


def _matrix(world: World, event: str) -> dict[str, str]:
    """What the merged runs say of each account."""
    kept = world.kept(event) / "matrix"
    assert (kept / "matrix.html").is_file()
    document: dict[str, Any] = json.loads((kept / "matrix.json").read_text())
    for one in document["targets"]:
        assert (kept / one["folder"] / "report.html").is_file(), "the matrix links to each run"
    names = {account: name for name, (account, _) in ACCOUNTS.items()}
    return {names[one["account"]]: one["verdict"] for one in document["targets"]}


@pytest.mark.slow
def test_a_daily_verification_finds_what_was_broken_since(
    world: World, pushed: dict[str, list[Job]]
) -> None:
    """Nothing is deployed; the outputs are those that were written down after the deployment."""
    for name in ACCOUNTS:
        outputs = world.kept("push") / f"outputs-{name}" / f"{name}.json"
        shutil.copy2(outputs, world.repository / "deployments")
    _git(world.repository, "add", "deployments")
    _git(world.repository, "commit", "-q", "-m", "Write down where the trails are")
    _, region = ACCOUNTS["hospital"]
    outputs = json.loads((world.repository / "deployments/hospital.json").read_text())
    ssh = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    world.sandboxes["hospital"].client("ec2", region).authorize_security_group_ingress(
        GroupId=outputs["application_security_group_id"]["value"], IpPermissions=[ssh]
    )
    assert pushed

    jobs = world.run("schedule")

    assert [job.result for job in jobs["deploy"]] == ["skipped"] * 2
    clinic, hospital = jobs["verify"]
    assert (clinic.result, hospital.result) == ("success", "failure"), _texts(jobs)[-20_000:]
    assert hospital.step("Verify").outcome == "failure"
    assert "application-group-rules" in hospital.summary
    assert any("application-group-rules" in line for line in hospital.annotations)
    # What was found is kept all the same, and says so.
    run = world.kept("schedule") / "run-hospital"
    assert "<failure" in (run / "junit.xml").read_text()
    [merged] = jobs["matrix"]
    assert merged.step("Check that each run is as it was sealed").outcome == "success", merged.text
    assert merged.step("Merge them").outcome == "failure"
    verdicts = _matrix(world, "schedule")
    assert verdicts["clinic"] == "CLEAN"
    assert verdicts["hospital"] != "CLEAN"


@pytest.mark.slow
def test_another_repositorys_pipeline_is_not_let_in(
    world: World, pushed: dict[str, list[Job]]
) -> None:
    assert pushed
    jobs = world.run("schedule", "somebody/audit-trail")
    for job in jobs["verify"]:
        refused = job.step("aws-actions/configure-aws-credentials")
        assert refused.outcome == "failure"
        assert "Not authorized to perform sts:AssumeRoleWithWebIdentity" in refused.text
        assert job.step("Verify").outcome == "skipped"
        assert "No report was written" in job.summary


_DEPLOYER = json.loads((EXAMPLES / "deployer-iam-policy.json").read_text())
_NAMES = {"roleName": "role", "policyName": "policy", "policyArn": "policy"}


def _refused(record: dict[str, Any]) -> str | None:
    """A call to IAM that the deployer's policy does not permit, in words."""
    action = f"iam:{record['eventName']}"
    given = record["requestParameters"] or {}
    if action in _OF_POWER_USERS:
        return None
    # Of whom it is about; what is attached to a role is no resource of that call.
    member = next((one for one in _NAMES if one in given), None)
    account = record["recipientAccountId"]
    name = str(given[member]).rpartition("/")[2] if member else ""
    resource = f"arn:aws:iam::{account}:{_NAMES[member]}/{name}" if member else "*"
    permitted = any(
        action in ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])
        and any(fnmatch.fnmatchcase(resource, pattern) for pattern in [one["Resource"]])
        for one in _DEPLOYER["Statement"]
        if isinstance(one["Resource"], str)
    )
    return None if permitted else f"{action} on {resource}"


# What AWS's managed policy PowerUserAccess permits of IAM.
_OF_POWER_USERS = {
    "iam:CreateServiceLinkedRole",
    "iam:DeleteServiceLinkedRole",
    "iam:ListRoles",
}


@pytest.mark.slow
def test_whoever_deploys_and_destroys_needs_no_more_of_iam_than_the_page_says(
    world: World, pushed: dict[str, list[Job]]
) -> None:
    """By the account's own event history, of a deployment's whole life. It comes last."""
    assert pushed
    account, region = ACCOUNTS["clinic"]
    sandbox = world.sandboxes["clinic"]
    [workspace] = world.kept("push").parent.glob("job-push-deploy-clinic-*/work")
    destroyed = subprocess.run(
        [MAKE, "destroy", "VARIABLES=deployments/clinic.tfvars", f"REGION={region}"],
        cwd=workspace,
        env=environment(SANDBOX=sandbox.url, AUTO_APPROVE="1"),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
    history = sandbox.client("cloudtrail", "us-east-1").get_paginator("lookup_events")
    wanted = [{"AttributeKey": "EventSource", "AttributeValue": "iam.amazonaws.com"}]
    records = [
        json.loads(event["CloudTrailEvent"])
        for page in history.paginate(LookupAttributes=wanted)
        for event in page["Events"]
    ]
    deploying = [
        record
        for record in records
        if record["userIdentity"]["type"] == "IAMUser"
        and "OpenIDConnect" not in record["eventName"]
        and (record["requestParameters"] or {}).get("roleName") != "audit-trail-deployer"
    ]
    seen = {record["eventName"] for record in deploying}
    assert {"CreateRole", "DeleteRole", "CreatePolicy", "DeletePolicy", "AttachRolePolicy"} <= seen
    assert {record["recipientAccountId"] for record in deploying} == {account}
    assert sorted({words for record in deploying if (words := _refused(record))}) == []
