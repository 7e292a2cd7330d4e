"""What the baseline says of a role's need, and roles that a policy exempts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.sandbox.support import RunningSandbox
from tests.suite.support import REGION
from verify.account.door import Aws
from verify.account.evidence import EvidenceStore
from verify.account.live import Live
from verify.check import Check, ControlFailedError
from verify.checks.permissions import need_of
from verify.checks.trust import hold_exempt_role
from verify.inputs.deployment import example, parse
from verify.model import NotVerifiedError

DEPLOYMENT = parse(json.dumps(example()))
QUEUE = f"arn:aws:sqs:{REGION}:{DEPLOYMENT.account_id}:letters"


def _stated(part: dict[str, Any], **additions: str) -> tuple[list[Any], list[Any]]:
    roles = {"permissions": {"checker": {"part": part}}, "additions": additions}
    need = need_of("checker", roles, ["ec2:DescribeVpcs", "sqs:GetQueueAttributes", "kms:Decrypt"])
    required, permitted = (
        [(one.actions, one.resources) for policy in policies for one in policy.document.statements]
        for policies in ([need.required], need.additions.values())
    )
    return required, permitted


def test_a_part_of_the_need() -> None:
    stated = {"actions": ["sqs:SendMessage"], "resources": [QUEUE]}
    assert _stated(stated) == ([(("sqs:SendMessage",), (QUEUE,))], [])


@pytest.mark.parametrize(
    ("additions", "required", "permitted"),
    [
        ({}, 0, 0),
        ({"scan": "permitted"}, 0, 1),
        ({"scan": "required"}, 1, 0),
        ({"scan": "permitted", "other": "required"}, 1, 0),
        ({"elsewhere": "required"}, 0, 0),
    ],
)
def test_an_addition(additions: dict[str, str], required: int, permitted: int) -> None:
    part = {"when": ["scan", "other"], "actions": ["sqs:SendMessage"], "resources": [QUEUE]}
    must, may = _stated(part, **additions)
    assert (len(must), len(may)) == (required, permitted)


def test_what_the_checks_read_is_on_the_resources_that_it_can_name() -> None:
    part = {"actions": "what the checks read", "except": ["kms:Decrypt"], "resources": [QUEUE]}
    required, _ = _stated(part)
    assert required == [
        (("sqs:GetQueueAttributes",), (QUEUE,)),
        (("ec2:DescribeVpcs",), ("*",)),
    ]


def test_what_a_role_may_have_without_an_addition() -> None:
    parts = {
        "scan": {"when": "scan", "actions": ["sqs:ListQueues"]},
        "both": {"when": ["scan", "remedy"], "actions": ["sns:ListTopics"]},
    }
    additions = {"scan": "permitted", "remedy": "permitted"}
    need = need_of("checker", {"permissions": {"checker": parts}, "additions": additions}, [])
    names = [one.sid for one in need.without("scan").document.statements]
    assert names == ["both"]


def test_a_part_without_its_resources_is_told() -> None:
    with pytest.raises(NotVerifiedError, match=r"no resources for part, though sqs:SendMessage"):
        _stated({"actions": ["sqs:SendMessage"]})


def test_a_part_whose_resources_the_baseline_names_nowhere_needs_nothing() -> None:
    required, permitted = _stated({"actions": ["sqs:SendMessage"], "resources": []})
    assert (required, permitted) == ([], [])


def test_an_unknown_role_needs_nothing() -> None:
    need = need_of("stranger", {"permissions": {}, "additions": {}}, ["ec2:DescribeVpcs"])
    assert need.everything.document.statements == ()


# --- exempt roles ---------------------------------------------------------------------------------


@pytest.fixture
def iam(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AWS_ENDPOINT_URL", sandbox.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    return boto3.client("iam", region_name=REGION)


def _hold(folder: Path, arn: str, **serves: Any) -> None:
    store = EvidenceStore(folder)
    aws = Aws(Live(boto3.Session(), REGION, store), store)
    check = Check()
    hold_exempt_role(check, aws, DEPLOYMENT, {"roles": {"serves": serves}}, arn)
    check.conclude()


@pytest.fixture
def break_glass(iam: Any) -> Iterator[Any]:
    """Makes the exempt role, open to a principal."""

    def make(principal: str, path: str = "/") -> str:
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": principal},
            "Action": "sts:AssumeRole",
        }
        document = {"Version": "2012-10-17", "Statement": [statement]}
        made = iam.create_role(
            RoleName="break-glass", Path=path, AssumeRolePolicyDocument=json.dumps(document)
        )
        return str(made["Role"]["Arn"])

    yield make
    iam.delete_role(RoleName="break-glass")


def test_an_exempt_role_of_the_account_s_people(break_glass: Any, tmp_path: Path) -> None:
    _hold(tmp_path, break_glass(DEPLOYMENT.account_id, "/emergency/"))


def test_an_exempt_role_that_a_stranger_may_assume(break_glass: Any, tmp_path: Path) -> None:
    arn = break_glass("999999999999")
    with pytest.raises(ControlFailedError, match="lets AWS 999999999999 assume the role"):
        _hold(tmp_path, arn)


def test_an_exempt_role_for_exactly_whom_the_baseline_says(
    break_glass: Any, tmp_path: Path
) -> None:
    arn = break_glass("999999999999")
    _hold(tmp_path, arn, **{"break-glass": ["999999999999"]})


@pytest.mark.usefixtures("iam")
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("role/nobody-made-it", "no role of that name"),
        ("role/*", "one role of account"),
        ("user/somebody", "one role of account"),
    ],
)
def test_what_is_no_role_is_no_exemption(name: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ControlFailedError, match=says):
        _hold(tmp_path, f"arn:aws:iam::{DEPLOYMENT.account_id}:{name}")


def test_a_role_of_another_path_is_another_role(break_glass: Any, tmp_path: Path) -> None:
    arn = break_glass(DEPLOYMENT.account_id, "/emergency/")
    with pytest.raises(ControlFailedError, match="emergency"):
        _hold(tmp_path, arn.replace("emergency/", ""))
