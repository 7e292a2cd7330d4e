"""Every variable with another value than its default: deployed, and verified clean."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.support import ROOT, run
from tests.deploy.variables import (
    ACCOUNT,
    AUDITOR,
    BOUNDARY,
    BREAK_GLASS,
    FULL,
    REGION,
    SPARE,
    TOPIC,
    TOPIC_KEY,
    baseline_of,
    values_of,
)
from tests.sandbox.support import RunningSandbox, start
from tests.suite.support import Verification, verify

_PROBES = ("--probe=bucket-policy", "--probe=role-policy")
_WITHIN = ("verify/checks/test_event_path.py", "verify/checks/test_function_callers.py")


@dataclass(frozen=True)
class Deployed:
    """A deployment with the values of one group, and how it is verified."""

    sandbox: RunningSandbox
    folder: Path
    baseline: dict[str, Any]
    credentials: dict[str, str]
    flags: tuple[str, ...]

    def client(self, service: str) -> Any:
        return self.sandbox.client(service, REGION)

    @property
    def outputs(self) -> dict[str, Any]:
        text = (self.folder / "outputs.json").read_text()
        return {name: output["value"] for name, output in json.loads(text).items()}

    def verify(self, *arguments: str, baseline: dict[str, Any] | None = None) -> Verification:
        """Hold it to its baseline, or to another, as the verifier role."""
        path = self.folder / "own.yaml"
        path.write_text(yaml.safe_dump(baseline or self.baseline))
        return verify(
            self.folder / "outputs.json",
            self.folder / "reports",
            f"--profile={path}",
            f"--variables={self.folder / 'own.tfvars'}",
            "--as-verifier",
            *arguments,
            url=self.sandbox.url,
            **self.credentials,
        )

    def plan(self) -> str:
        """What another plan with the same values says."""
        done = run("plan", *self.flags, environment=os.environ)
        assert done.code == 0, done.text
        return done.stdout


def _deploy(group: str, sandbox: RunningSandbox, folder: Path) -> Deployed:
    """Make what the values name, and deploy with them."""
    credentials, topic_key = _before(sandbox)

    def named(value: Any) -> Any:
        return json.loads(json.dumps(value).replace(TOPIC_KEY, topic_key))

    build = [sys.executable, str(ROOT / "lambda" / "build.py")]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    own = folder / "own.tfvars"
    # A value in JSON is one in HCL.
    lines = [f"{name} = {json.dumps(named(value))}\n" for name, value in values_of(group).items()]
    own.write_text("".join(lines))
    flags = (
        *("--sandbox", sandbox.url, "--region", REGION),
        *("--working-directory", str(folder / "work"), "--variables", str(own)),
    )
    output = ("--output", str(folder / "outputs.json"))
    applied = run("apply", *flags, *output, environment=os.environ)
    assert applied.code == 0, applied.text
    return Deployed(sandbox, folder, named(baseline_of(group)), credentials, flags)


def _before(sandbox: RunningSandbox) -> tuple[dict[str, str], str]:
    """The principals, the boundary and the topic that the values name.

    Returns the credentials of the one principal that may verify, and the topic's key.
    """
    iam = sandbox.client("iam", REGION)
    people = _statement("sts:AssumeRole", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
    _, path, name = BREAK_GLASS.rsplit(":", 1)[1].split("/")
    iam.create_role(RoleName=name, Path=f"/{path}/", AssumeRolePolicyDocument=people)
    iam.create_policy(
        PolicyName=BOUNDARY.rpartition("/")[2], PolicyDocument=_statement("*", Resource="*")
    )
    user = AUDITOR.rpartition("/")[2]
    iam.create_user(UserName=user)
    iam.put_user_policy(
        UserName=user, PolicyName="p", PolicyDocument=_statement("sts:AssumeRole", Resource="*")
    )
    key = iam.create_access_key(UserName=user)["AccessKey"]
    credentials = {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }
    return credentials, _topic(sandbox)


def _topic(sandbox: RunningSandbox) -> str:
    """An organization's own topic, as the variable's description asks for it; its key's ARN."""
    alarms = {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:*"},
    }
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    cloudwatch = {"Service": "cloudwatch.amazonaws.com"}
    of_key = [
        {"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"},
        {
            "Effect": "Allow",
            "Principal": cloudwatch,
            "Action": ["kms:GenerateDataKey*", "kms:Decrypt"],
            "Resource": "*",
            "Condition": alarms,
        },
    ]
    key: str = sandbox.client("kms", REGION).create_key(Policy=_document(of_key))["KeyMetadata"][
        "Arn"
    ]
    of_topic = [
        {
            "Effect": "Allow",
            "Principal": cloudwatch,
            "Action": "sns:Publish",
            "Resource": TOPIC,
            "Condition": alarms,
        },
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sns:Publish",
            "Resource": TOPIC,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    ]
    sandbox.client("sns", REGION).create_topic(
        Name=TOPIC.rpartition(":")[2],
        Attributes={
            "KmsMasterKeyId": key,
            "SignatureVersion": "2",
            "Policy": _document(of_topic),
        },
    )
    return key


def _statement(action: str, **more: Any) -> str:
    return _document([{"Effect": "Allow", "Action": action, **more}])


def _document(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@pytest.fixture(scope="module", params=[FULL, SPARE])
def deployed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployed]:
    sandbox = start("--region", REGION)
    made = _deploy(request.param, sandbox, tmp_path_factory.mktemp(request.param))
    if request.param == FULL:
        yield made
    else:
        # Here anybody of the account may verify.
        yield Deployed(made.sandbox, made.folder, made.baseline, {}, made.flags)
    sandbox.process.terminate()
    assert sandbox.process.wait(timeout=30) == 0


def _only(deployed: Deployed, group: str) -> None:
    if deployed.folder.name.rstrip("0123456789") != group:
        pytest.skip(f"about the deployment {group}")


def test_each_value_is_verified_clean_by_the_baseline_that_says_so(deployed: Deployed) -> None:
    probes = _PROBES if "verifier_probes" in values_of(SPARE) and not deployed.credentials else ()
    ran = deployed.verify(*probes)
    assert ran.controls("FAIL", "ERROR", "NOT TESTED", "WAIVED") == set(), ran.text
    assert ran.code == 0, ran.text
    assert "alert-on-opened-rule" in ran.controls("PASS")
    assert "No changes." in deployed.plan()
