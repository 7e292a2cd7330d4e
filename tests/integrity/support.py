"""Running the command under test, and the AWS CLI's for comparison."""

from __future__ import annotations

import importlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest

from tests.integrity.trail import HOME, START, Trail, timestamp
from verify.__main__ import main
from verify.schemas import violations

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Outcome:
    """What a run of our command said."""

    exit_code: int
    document: dict[str, Any]
    errors: str

    @property
    def kinds(self) -> set[str]:
        """The kinds of what was found, notes left out."""
        return {one["kind"] for one in self.document["findings"] if one["consequence"] != "note"}

    def finding(self, kind: str) -> dict[str, str]:
        """The only finding of a kind."""
        (found,) = [one for one in self.document["findings"] if one["kind"] == kind]
        return dict(found)

    @property
    def totals(self) -> dict[str, int]:
        """The counts."""
        return dict(self.document["totals"])

    def covered(self, region: str = HOME) -> list[tuple[str, str]]:
        """The time that a region's proven digests cover."""
        (target,) = [one for one in self.document["targets"] if one["region"] == region]
        return [(one["start"], one["end"]) for one in target["covered"]]


@dataclass(frozen=True)
class Commands:
    """Both commands, run in this process."""

    capsys: pytest.CaptureFixture[str]

    def ours(
        self, trail: Trail, *more: str, start: datetime = START, end: datetime | None = None
    ) -> Outcome:
        """`python -m verify integrity` over a period, a day by default."""
        arguments = ["integrity", "--trail-arn", trail.arn, "--start", timestamp(start), "--json"]
        arguments += ["--end", timestamp(end or start + DAY), "--workers", "8", *more]
        self.capsys.readouterr()
        code = main(arguments)
        out, errors = self.capsys.readouterr()
        document = json.loads(out)
        assert violations("integrity", document) == []
        assert document["exit_code"] == code
        return Outcome(code, document, errors)

    def cli(
        self,
        trail: Trail,
        *more: str,
        start: datetime = START,
        end: datetime | None = None,
        region: str = HOME,
    ) -> tuple[int, str]:
        """`aws cloudtrail validate-logs` over a period: its exit code and all that it writes."""
        # A fresh command each time: it keeps its counts. Making the whole command line anew, too,
        # would take most of these tests' time.
        module = importlib.import_module("awscli.customizations.cloudtrail.validation")
        command = module.CloudTrailValidateLogs(_cli_session())
        arguments = ["--trail-arn", trail.arn, "--start-time", timestamp(start)]
        arguments += ["--end-time", timestamp(end or start + DAY)]
        options = SimpleNamespace(
            command="validate-logs", region=region, verify_ssl=None, endpoint_url=None
        )
        self.capsys.readouterr()
        code = command([*arguments, *more], options)
        out, errors = self.capsys.readouterr()
        return code, out + errors


@cache
def _cli_session() -> Any:
    # A development dependency of these tests alone, and slow to import.
    session = importlib.import_module("awscli.clidriver").create_clidriver().session
    # As the command line does before it runs a command: keys come in base64.
    importlib.import_module("awscli.customizations.scalarparse").add_scalar_parsers(session)
    return session
