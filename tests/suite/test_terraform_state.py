"""Which Terraform state a run was of stands in the report, and nothing else of the state."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.support import RunningSandbox
from tests.suite.support import verify
from verify.inputs.terraform_state import TerraformStateError, read
from verify.model import TerraformState

PULLED = {
    "version": 4,
    "terraform_version": "1.11.4",
    "serial": 17,
    "lineage": "3f1bd2c6-0000-4a52-9c58-7a1c0b6e1d3f",
    "outputs": {},
    "resources": [{"instances": [{"attributes": {"secret": "in-the-state"}}]}],
}


def _file(folder: Path, document: Any) -> Path:
    path = folder / "pulled.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def test_what_terraform_pulls_is_read(tmp_path: Path) -> None:
    found = read(_file(tmp_path, PULLED))
    assert found == TerraformState("3f1bd2c6-0000-4a52-9c58-7a1c0b6e1d3f", 17, "1.11.4")


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("", "is no Terraform state"),
        ("{", "is no Terraform state"),
        ("[" * 100_000, "is no Terraform state"),
        ([], "has no lineage"),
        ({**PULLED, "lineage": ""}, "has no lineage"),
        ({**PULLED, "serial": "17"}, "has no serial"),
        ({**PULLED, "serial": True}, "has no serial"),
        ({**PULLED, "serial": -1}, "has no serial"),
        ({"lineage": "a", "serial": 1}, "has no terraform_version"),
    ],
)
def test_what_is_no_state_is_refused(tmp_path: Path, document: Any, said: str) -> None:
    with pytest.raises(TerraformStateError, match=said) as refused:
        read(_file(tmp_path, document))
    assert "terraform state pull" in str(refused.value)
    with pytest.raises(TerraformStateError, match="cannot be read"):
        read(tmp_path / "missing.json")


def test_the_report_names_it_and_keeps_no_more(
    sandbox: RunningSandbox, deployed: Path, tmp_path: Path
) -> None:
    path = _file(tmp_path, PULLED)
    check = "verify/checks/test_declared.py"
    run = verify(
        deployed, tmp_path / "reports", check, f"--terraform-state={path}", url=sandbox.url
    )
    assert run.report["terraform_state"] == {
        "lineage": "3f1bd2c6-0000-4a52-9c58-7a1c0b6e1d3f",
        "serial": 17,
        "terraform_version": "1.11.4",
    }
    folder = tmp_path / "reports" / "latest"
    assert "serial 17 of lineage" in (folder / "report.html").read_text()
    kept = [found for found in folder.rglob("*") if found.is_file()]
    assert not [found for found in kept if b"in-the-state" in found.read_bytes()]
    _file(tmp_path, "{}")
    refused = verify(
        deployed, tmp_path / "more", check, f"--terraform-state={path}", url=sandbox.url
    )
    assert refused.code == 4
    assert "has no lineage of a Terraform state" in refused.text
