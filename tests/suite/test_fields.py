"""The account of fields: every member of every answer is judged or harmless, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from verify.account.fields import nameless, unaccounted, unknown_in
from verify.inputs import accounted, catalogue
from verify.inputs.accounted import AccountError, OperationFields, parsed, written
from verify.suite.declarations import state_operations, state_readings


@pytest.mark.parametrize(
    ("service", "operation"), sorted(state_operations()), ids=lambda part: str(part)
)
def test_every_member_of_an_answer_is_judged_or_harmless(service: str, operation: str) -> None:
    account = accounted.load().get((service, operation))
    assert account is not None, f"verify/inputs/fields/{service}.yaml lacks {operation}"
    assert unaccounted(account) == [], f"{account.place}: judge them, or say why they are harmless"
    assert nameless(account) == []


def test_the_account_speaks_of_nothing_that_no_state_check_reads() -> None:
    assert sorted(set(accounted.load()) - state_operations()) == []


def test_a_judging_control_exists_and_declares_that_it_reads_the_answer() -> None:
    known = catalogue.load()
    declared = {
        control: {reading.call for reading in readings}
        for control, readings in state_readings().items()
    }
    wrong = [
        f"{field.place}: {control}"
        for call, account in accounted.load().items()
        for field in account.fields.values()
        for control in field.by
        if control not in known or call not in declared.get(control, set())
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "text", ["Vpcs[].CidrBlock", "Attributes.KmsMasterKeyId", "Tags{}", "A[].B[].C", "A.B{}.C[]"]
)
def test_a_member_is_read_as_it_is_written(text: str) -> None:
    assert written(parsed(text)) == text


def _account(folder: Path, text: str) -> OperationFields:
    (folder / "ec2.yaml").write_text(text)
    return accounted.load(folder)["ec2", "describe_vpcs"]


def test_a_member_that_nobody_accounts_for_is_named(tmp_path: Path) -> None:
    account = _account(
        tmp_path,
        "describe_vpcs:\n"
        "  judged:\n"
        "    Vpcs[].CidrBlock: vpc-address-range\n"
        "    Vpcs[].CidrBlok: vpc-address-range\n"
        "  harmless:\n"
        "    Vpcs[].CidrBlockAssociationSet: stands for all below it\n",
    )
    missing = unaccounted(account)
    assert "Vpcs[].InstanceTenancy" in missing
    assert "Vpcs[].CidrBlock" not in missing
    assert not [name for name in missing if name.startswith("Vpcs[].CidrBlockAssociationSet")]
    assert nameless(account) == [
        f"{tmp_path}/ec2.yaml:4: ec2.describe_vpcs answers with no Vpcs[].CidrBlok"
    ]


def test_a_member_of_a_live_answer_that_nobody_accounts_for_is_named(tmp_path: Path) -> None:
    account = _account(
        tmp_path,
        "describe_vpcs:\n"
        "  judged:\n"
        "    Vpcs[].CidrBlock: vpc-address-range\n"
        "  harmless:\n"
        "    Vpcs[].Tags{}: any key\n"
        "    Vpcs[].Encryption: stands for all below it\n",
    )
    answer = {
        "Vpcs": [
            {
                "CidrBlock": "10.0.0.0/16",
                "Tags": {"a": "b"},
                "Encryption": {"New": [1]},
                "Opened": {"ToAll": True},
            },
            {"Opened": {"ToAll": False}},
        ]
    }
    assert unknown_in(answer, account) == ["Vpcs[].Opened.ToAll"]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("describe_vpcs: 3\n", 1, "has `judged` and `harmless`"),
        ("describe_vpcs:\n  judges: {}\n", 1, "has `judged` and `harmless`"),
        ("describe_vpcs:\n  harmless:\n    Vpcs: \n", 3, "harmless for a reason"),
        ("describe_vpcs:\n  judged:\n    Vpcs: []\n", 3, "judged by a control"),
        (
            "describe_vpcs:\n  judged:\n    Vpcs:\n      by: a\n      value: [1]\n",
            5,
            "unknown key value: choose of by, equal, somewhere, values",
        ),
        ("describe_vpcs:\n  judged:\n    Vpcs: a\n  harmless:\n    Vpcs: b\n", 5, "stands twice"),
        ("describe_vpcs:\n  judged:\n    Vpcs: a\n    Vpcs: b\n", 4, "first in line 3"),
        ("describe_vpcs:\n  judged:\n    Vpcs..Id: a\n", 3, "no member"),
        ("describe_vpcs:\n  judged:\n    Vpcs: {by: a, equal: [gone]}\n", 3, "gives a reason"),
        ("- a\n", 1, "not a mapping"),
    ],
)
def test_a_faulty_entry_is_named_with_file_and_line(
    tmp_path: Path, text: str, line: int, said: str
) -> None:
    with pytest.raises(AccountError) as error:
        _account(tmp_path, text)
    assert str(error.value).startswith(f"{tmp_path}/ec2.yaml:{line}: "), error.value
    assert said in str(error.value)
