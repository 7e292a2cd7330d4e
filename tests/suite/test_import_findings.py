"""A run's findings in Security Hub: imported on request, and what it does not take is named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.report import sample
from tests.sandbox.support import RunningSandbox
from tests.suite.support import REGION, Verification, verify
from verify.run.findings import ImportFindingsError, import_findings
from verify.run.verification import Run

CHECKS = ("verify/checks/test_encryption_key.py", "--formats=json", "--import-findings")


@pytest.fixture
def hub(sandbox: RunningSandbox) -> Iterator[Any]:
    client = sandbox.client("securityhub", REGION)
    client.enable_security_hub(EnableDefaultStandards=False)
    yield client
    client.disable_security_hub()


def _findings(hub: Any) -> dict[str, Mapping[str, Any]]:
    return {one["Id"]: one for one in hub.get_findings()["Findings"]}


def _run(deployed: Path, sandbox: RunningSandbox, reports: Path, *more: str) -> Verification:
    # The verifier role may only where that was deployed (tests/deploy/test_variables.py).
    return verify(deployed, reports, *CHECKS, *more, url=sandbox.url, as_verifier=False)


def test_each_control_is_a_finding_which_the_next_run_brings_up_to_date(
    deployed: Path, sandbox: RunningSandbox, hub: Any, tmp_path: Path
) -> None:
    first = _run(deployed, sandbox, tmp_path)
    assert first.code == 6, first.text  # the other controls were not tested
    controls = [one["control"]["identifier"] for one in first.report["results"]]
    earlier = first.report["run_id"]
    assert f"{len(controls)} findings are in Security Hub" in first.text
    place = f"trailwarden/123456789012/{REGION}/dev"
    found = _findings(hub)
    assert set(found) == {f"{place}/{control}" for control in controls}
    rotates = found[f"{place}/key-rotates"]
    assert rotates["Compliance"]["Status"] == "PASSED"
    assert rotates["ProductFields"]["trailwarden/run"] == earlier
    second = _run(deployed, sandbox, tmp_path)
    again = _findings(hub)
    assert set(again) == set(found)
    run_id = again[f"{place}/key-rotates"]["ProductFields"]["trailwarden/run"]
    assert run_id == second.report["run_id"] != earlier


def test_without_a_hub_the_run_says_so_and_is_sealed_all_the_same(
    deployed: Path, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    run = _run(deployed, sandbox, tmp_path)
    assert run.code == 3
    assert (
        "is not subscribed to AWS Security Hub; Security Hub must be on in the region" in run.text
    )
    assert (run.reports / "latest" / "manifest.json").is_file()


def test_nothing_is_imported_unless_that_is_asked_for(
    deployed: Path, sandbox: RunningSandbox, hub: Any, tmp_path: Path
) -> None:
    assert verify(deployed, tmp_path, *CHECKS[:-1], url=sandbox.url).code == 6
    assert _findings(hub) == {}


@pytest.mark.parametrize(
    "option",
    ["--import-findings", "--reports-bucket=s3://reports", "--timestamp-url=https://authority"],
)
def test_a_replay_hands_nothing_on(tmp_path: Path, option: str) -> None:
    run = verify("outputs.json", tmp_path, "--replay=reports/latest", option)
    assert run.code == 4
    assert f"leave out {option.partition('=')[0]}" in run.text


class _Hub:
    """Takes what `refuses` does not name, and notes how many came at a time."""

    def __init__(self, *refuses: str, unnamed: int = 0) -> None:
        self.refuses, self.unnamed, self.calls = refuses, unnamed, list[int]()

    def batch_import_findings(self, Findings: list[Any]) -> dict[str, Any]:  # noqa: N803 - AWS's name
        self.calls.append(len(Findings))
        ids = [one["Id"] for one in Findings if one["Id"].rpartition("/")[2] in self.refuses]
        failed = [{"Id": one, "ErrorCode": "E", "ErrorMessage": "why"} for one in ids]
        return {"FailedCount": len(failed) + self.unnamed, "FailedFindings": failed}


def _importing(hub: _Hub, count: int) -> int:
    report = sample.report()
    result = report.results[0]
    results = tuple(
        replace(result, control=replace(result.control, identifier=f"control-{number}"))
        for number in range(count)
    )
    run = SimpleNamespace(
        aws=SimpleNamespace(client=lambda *_: hub), deployment=SimpleNamespace(region=REGION)
    )
    return import_findings(cast(Run, run), replace(report, results=results))


def test_a_hundred_go_at_a_time() -> None:
    hub = _Hub()
    assert _importing(hub, 250) == 250
    assert hub.calls == [100, 100, 50]


def test_what_is_not_taken_is_named() -> None:
    hub = _Hub("control-3", "control-104")
    with pytest.raises(ImportFindingsError) as raised:
        _importing(hub, 120)
    assert "did not take 2 of 120 findings" in str(raised.value)
    assert "/control-3: E: why; " in str(raised.value)
    assert str(raised.value).endswith("/control-104: E: why")
    with pytest.raises(ImportFindingsError, match="1 of 3 findings: one of which it says nothing"):
        _importing(_Hub(unnamed=1), 3)
    many = _Hub(*(f"control-{number}" for number in range(9)))
    with pytest.raises(ImportFindingsError, match=r"; and 4 more$"):
        _importing(many, 20)
