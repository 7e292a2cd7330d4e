"""Faults of applications' log groups: gone, unmasked, masked only in name, or unmasked for some."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from mutants.account import Account, Document
from mutants.model import Family
from mutants.trail_access import somebody

_MASKED, _UNMASKED = "application-logs-masked", "application-logs-unmasked-for-nobody"
FAMILY = Family("application logs", _MASKED)
_ARN = "arn:aws:dataprotection::aws:data-identifier/"


def _group(account: Account, which: int = 0) -> dict[str, str]:
    return {"logGroupIdentifier": account.outputs["application_log_group_names"][which]}


def _change(
    edit: Callable[[Document], object], which: int, account: Account, mending: ExitStack
) -> None:
    """Change the data-protection policy of one of the groups until mended."""
    group = _group(account, which)
    before = account.logs.get_data_protection_policy(**group)["policyDocument"]
    document = json.loads(before)
    after = copy.deepcopy(document)
    edit(after)
    if after == document:
        raise ValueError("the policy is as it was")
    mending.callback(account.logs.put_data_protection_policy, **group, policyDocument=before)
    account.logs.put_data_protection_policy(**group, policyDocument=json.dumps(after))


def _without(identifier: str, policy: Document) -> None:
    for statement in policy["Statement"]:
        statement["DataIdentifier"].remove(f"{_ARN}{identifier}")


def _only_in_name(policy: Document) -> None:
    """An identifier of one's own, called like AWS's, that no text matches."""
    policy["Configuration"] = {"CustomDataIdentifier": [{"Name": "Ssn-US", "Regex": "Ssn-US-none"}]}
    for statement in policy["Statement"]:
        statement["DataIdentifier"].remove(f"{_ARN}Ssn-US")
        statement["DataIdentifier"].append("Ssn-US")


def _of_another_country(policy: Document) -> None:
    for statement in policy["Statement"]:
        statement["DataIdentifier"].remove(f"{_ARN}Ssn-US")
        statement["DataIdentifier"].append(f"{_ARN}Ssn-ES")


def _one_alone(policy: Document) -> None:
    for statement in policy["Statement"]:
        statement["DataIdentifier"] = [f"{_ARN}EmailAddress"]


def _told_elsewhere(policy: Document) -> None:
    for statement in policy["Statement"]:
        if "Audit" in statement["Operation"]:
            destination = {"S3": {"Bucket": "somewhere-else"}}
            statement["Operation"]["Audit"]["FindingsDestination"] = destination


for _name, _description, _which, _edit in (
    ("numbers-unmasked", "social security numbers are shown", 0, partial(_without, "Ssn-US")),
    ("names-unmasked", "names are shown in the last application", -1, partial(_without, "Name")),
    ("masked-in-name-alone", "an identifier is only called like AWS's", 0, _only_in_name),
    ("another-country", "numbers of another country are masked instead", 0, _of_another_country),
    ("one-identifier-alone", "e-mail addresses alone are masked", -1, _one_alone),
    ("findings-elsewhere", "what is found is told elsewhere", 0, _told_elsewhere),
):
    FAMILY.add(_name, _description, partial(_change, _edit, _which), _MASKED)


def _unprotect(account: Account, mending: ExitStack) -> None:
    group = _group(account)
    before = account.logs.get_data_protection_policy(**group)["policyDocument"]
    mending.callback(account.logs.put_data_protection_policy, **group, policyDocument=before)
    account.logs.delete_data_protection_policy(**group)


FAMILY.add("not-masked", "nothing is masked in an application's group", _unprotect, _MASKED)


@FAMILY.fault(
    "a policy of the account masks what the group's own no longer does",
    _MASKED,
    "log-groups-unaltered",
)
def masked_by_the_account_alone(account: Account, mending: ExitStack) -> None:
    document = account.logs.get_data_protection_policy(**_group(account))["policyDocument"]
    _unprotect(account, mending)
    policy = {"policyName": "everywhere", "policyType": "DATA_PROTECTION_POLICY"}
    mending.callback(account.logs.delete_account_policy, **policy)
    account.logs.put_account_policy(**policy, policyDocument=document)


def _permit(statement: Document, account: Account, mending: ExitStack) -> None:
    somebody(account, mending, {"Effect": "Allow", **statement})


_EVERY_GROUP = "arn:aws:logs:*:*:log-group:/application/*"
for _name, _description, _statement in (
    ("by-name", "a user may unmask", {"Action": "logs:Unmask", "Resource": "*"}),
    (
        "by-wildcard",
        "a user may do everything that begins with Un",
        {"Action": "logs:Un*", "Resource": "*"},
    ),
    (
        "of-one-group",
        "a user may unmask applications",
        {"Action": ["logs:Unmask"], "Resource": [_EVERY_GROUP]},
    ),
):
    FAMILY.add(f"unmasked-{_name}", _description, partial(_permit, _statement), _UNMASKED)


@FAMILY.fault(
    "a user may do with applications' groups all but read and change them",
    _UNMASKED,
    "trail-cannot-be-stopped-by-others",
)
def unmasked_by_exception(account: Account, mending: ExitStack) -> None:
    spared = ["logs:C*", "logs:D*", "logs:F*", "logs:G*", "logs:P*", "logs:S*"]
    _permit({"NotAction": spared, "Resource": _EVERY_GROUP}, account, mending)
