"""The roles that the log bucket's denials except: each exists, and people of the account open it.

A name alone is not enough: whoever may create roles takes the name, and with it the exemption.
"""

from __future__ import annotations

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.inputs.deployment import Deployment
from verify.policy import Verdict, trust_principals


def check_break_glass_role(check: Check, aws: Aws, deployment: Deployment, arn: str) -> None:
    """Hold a role that the baseline exempts. Reads `reads.break_glass_role`."""
    owner = f"arn:{deployment.partition}:iam::{deployment.account_id}:role/"
    if not arn.startswith(owner):
        check.unknown(arn, "is exempt, and its account does not show whom it trusts")
        return
    answer = aws.read(reads.break_glass_role(arn.rpartition("/")[2]))
    role = None if answer.response is None else pick(answer.response, "Role")
    seen = None if role is None else pick(role, "Arn")
    check.equal(arn, "exempt role", expected=arn, seen=seen or "no role of that name")
    if role is None or seen != arn:
        return
    trusted = trust_principals(pick(role, "AssumeRolePolicyDocument"), deployment.account_id)
    check.none(
        arn,
        "who may assume it besides people of the account",
        [
            item.reason
            for item in trusted
            if item.foreign or item.verdict is Verdict.VIOLATION or item.kind == "Service"
        ],
    )
    for item in trusted:
        if item.verdict is Verdict.CANNOT_TELL:
            check.unknown(arn, item.reason)
