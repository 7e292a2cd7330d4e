"""The account as a whole, through the door: what holds, what fails, and whose it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.judgement.test_credential_report import _report, _user
from tests.sandbox.support import ACCOUNT, RunningSandbox
from tests.suite.support import REGION, Verification, role_statement, verify
from verify.account.answer import Called
from verify.account.door import Aws
from verify.account.evidence import ApiCall, EvidenceStore
from verify.account.recorded import Recorded
from verify.check import Check
from verify.checks import credential_report as reading
from verify.inputs import deployment as outputs_of
from verify.live_fire.waiting import Wait, Waiting
from verify.model import NotVerifiedError

USERS = ["console-users-have-mfa", "unused-credentials-removed", "access-keys-rotated"]
SETTINGS = ["password-policy", "account-public-access-blocked", "volumes-encrypted-by-default"]
CONTROLS = ["root-user-protected", *USERS, *SETTINGS]

Run = Callable[..., Verification]


@pytest.fixture
def hold(deployed: Path, sandbox: RunningSandbox, tmp_path: Path) -> Run:
    """Runs the account's controls against dev with other values."""

    def run(*arguments: str, **values: Any) -> Verification:
        path = tmp_path / "strict.yaml"
        values = {"extends": "dev", "additional_controls": CONTROLS, "account": values}
        path.write_text(json.dumps(values, indent=1))
        checks = ("verify/checks/test_account.py", f"--profile={path}")
        return verify(deployed, tmp_path, *checks, *arguments, url=sandbox.url)

    return run


def _ask(sandbox: RunningSandbox, action: str, **request: Any) -> None:
    answer = requests.post(f"{sandbox.url}/_sandbox/{action}", json=request, timeout=10)
    answer.raise_for_status()


@contextmanager
def _eve(sandbox: RunningSandbox) -> Iterator[dict[str, str]]:
    """A user with a password and a key, made 100 days ago and never used."""
    iam, user = sandbox.client("iam", REGION), {"UserName": "eve"}
    with ExitStack() as mending:
        mending.callback(_ask, sandbox, "expire-credential-report")
        iam.create_user(**user)
        mending.callback(iam.delete_user, **user)
        iam.create_login_profile(**user, Password="Only-4-the-sandbox!")
        mending.callback(iam.delete_login_profile, **user)
        key = iam.create_access_key(**user)["AccessKey"]["AccessKeyId"]
        mending.callback(iam.delete_access_key, **user, AccessKeyId=key)
        _ask(sandbox, "age-credentials", user="eve", days=100)
        _ask(sandbox, "expire-credential-report")
        yield {"key": key}


def test_an_account_that_nobody_cared_for_fails(hold: Run, sandbox: RunningSandbox) -> None:
    with _eve(sandbox) as eve:
        done = hold()
        assert done.controls("FAIL") == {*USERS, *SETTINGS}
        assert done.controls("PASS") == {"root-user-protected"}
        said = {name: done.row(name)["message"] for name in CONTROLS}
        assert "eve signs in with a password alone" in said["console-users-have-mfa"]
        assert "eve: password never used for 100 days" in said["unused-credentials-removed"]
        assert "eve: access key 1 is 100 days old" in said["access-keys-rotated"]
        assert "password policy: required one of its own, live none" in said["password-policy"]
        assert f"in {REGION}" in said["volumes-encrypted-by-default"]
        assert "by the credential report of 20" in said["access-keys-rotated"]
        kept = "".join(path.read_text() for path in (done.reports / "latest").rglob("*.json"))
        assert eve["key"] not in kept
        # The same from the evidence, in which the report is kept in bytes.
        again = hold(f"--replay={(done.reports / 'latest').resolve()}")
        assert again.outcomes == done.outcomes, again.text


def test_what_another_team_owns_is_not_applicable(hold: Run) -> None:
    done = hold(owners=dict.fromkeys(CONTROLS, "the landing zone team"))
    assert done.controls("NOT APPLICABLE") == set(CONTROLS), done.text
    for name in CONTROLS:
        assert "the landing zone team owns this" in done.row(name)["message"]


@pytest.mark.parametrize("control", ["passwords", "trail-is-logging"])
def test_a_control_that_nobody_else_can_own_is_refused_with_its_line(
    control: str, hold: Run
) -> None:
    done = hold(owners={"password-policy": "identity", control: "identity"})
    assert done.code == 4, done.text
    assert f"account.owners names {control}, which no other team can own" in " ".join(
        done.text.split()
    )
    assert "strict.yaml:15:" in done.text


def test_a_root_user_without_protection_fails(hold: Run, sandbox: RunningSandbox) -> None:
    with ExitStack() as mending:
        mending.callback(_ask, sandbox, "expire-credential-report")
        mended = {"mfa": True, "access_keys": 0, "certificates": 0, "password": True}
        mending.callback(_ask, sandbox, "root-user", **mended)
        _ask(sandbox, "root-user", mfa=False, access_keys=1, certificates=1)
        _ask(sandbox, "expire-credential-report")
        message = hold().row("root-user-protected")["message"]
        assert f"root user of account {ACCOUNT}: access keys: required 0, live 1" in message
        assert "signing certificates: required 0, live 1" in message
        assert "MFA: required 1, live 0" in message
        # As an organization leaves the root user of a member account.
        _ask(sandbox, "root-user", mfa=False, access_keys=0, certificates=0, password=False)
        _ask(sandbox, "expire-credential-report")
        assert hold().outcomes["root-user-protected"] == "PASS"


def test_what_the_verifier_may_not_read_is_an_error(
    hold: Run, sandbox: RunningSandbox, outputs: Mapping[str, Any]
) -> None:
    role = outputs["verifier_role_name"]
    with role_statement(sandbox, role, "Deny", "iam:GenerateCredentialReport"):
        done = hold()
    assert done.controls("ERROR") == {"root-user-protected", *USERS}, done.text
    for name in USERS:
        assert "the caller lacks iam:GenerateCredentialReport" in done.row(name)["message"]


# --- the report, from asking for it to what is in it ----------------------------------------------

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


class _Iam:
    """A source that answers as IAM does, one state of the report after the other."""

    region = REGION
    moves_on = True

    def __init__(self, *states: str, users: int = 0, **report: Any) -> None:
        self.states = list(states)
        self.users = users
        self.report = {
            "Content": _report(*(_user(f"user-{number}") for number in range(users))),
            "ReportFormat": "text/csv",
            "GeneratedTime": NOW,
            **report,
        }
        self.asked = 0

    def call(self, service: str, operation: str, *_: Any, **__: Any) -> Called:
        answer: Mapping[str, Any] = self.report
        if operation == "generate_credential_report":
            self.asked += 1
            answer = {"State": self.states.pop(0) if len(self.states) > 1 else self.states[0]}
        elif operation == "get_account_summary":
            answer = {"SummaryMap": {"Users": self.users}}
        return Called((answer,), None, NOW, operation)

    def client(self, service: str, region: str) -> Any:
        raise AssertionError

    def looked(self, service: str, operation: str) -> None:
        raise AssertionError


def _seen(
    source: _Iam, tmp_path: Path, told: list[Waiting] | None = None
) -> tuple[Check, reading.Seen]:
    example = outputs_of.parse(json.dumps(outputs_of.example()), "example")
    check = Check()
    wait = Wait((told if told is not None else []).append)
    aws = Aws(source, EvidenceStore(tmp_path))
    return check, reading.credential_report(check, aws, example, wait)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_PAUSE_SECONDS", 0.0)


def test_a_report_that_is_being_made_is_waited_for(tmp_path: Path) -> None:
    told: list[Waiting] = []
    source = _Iam("STARTED", "INPROGRESS", "INPROGRESS", "COMPLETE")
    _, seen = _seen(source, tmp_path, told)
    assert seen.made == NOW
    assert source.asked == 4
    assert [waiting.what for waiting in told] == ["IAM's credential report"] * 2


def test_it_is_not_waited_for_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAXIMUM_SECONDS", 0.05)
    with pytest.raises(NotVerifiedError, match=r"no credential report within .* \(INPROGRESS\)"):
        _seen(_Iam("STARTED", "INPROGRESS"), tmp_path)


@pytest.mark.parametrize(
    ("report", "users", "said"),
    [
        ({"GeneratedTime": NOW - timedelta(hours=5)}, 0, "four hours old"),
        ({"GeneratedTime": NOW + timedelta(hours=1)}, 0, "four hours old"),
        ({"GeneratedTime": None}, 0, "does not say when it was made"),
        ({"ReportFormat": "text/plain"}, 0, "is text/plain"),
        ({"Content": b"nothing"}, 0, "cannot be judged: it lacks the columns"),
        ({"Content": _report()}, 1, "lists 0 users, the account has 1: verify again after"),
        (
            {"Content": _report(_user(arn="arn:aws:iam::999999999999:user/eve"))},
            1,
            "tells of others: eve",
        ),
    ],
)
def test_a_report_that_is_not_whole_is_not_judged(
    report: dict[str, Any], users: int, said: str, tmp_path: Path
) -> None:
    with pytest.raises(NotVerifiedError, match=said):
        _seen(_Iam("COMPLETE", users=users, **report), tmp_path)


def test_what_the_report_has_new_is_told(tmp_path: Path) -> None:
    from tests.judgement.test_credential_report import HEADER

    header = (*HEADER, "passkeys", "additional_credentials_info")
    content = _report(_user(additional_credentials_info="3 keys"), header=header)
    check, _ = _seen(_Iam("COMPLETE", users=1, Content=content), tmp_path)
    assert "columns that no control is known to judge: passkeys" in check.notes[0]
    assert check.unknowns == ["eve: credentials beyond those listed: 3 keys"]


def test_bytes_survive_evidence_without_the_secrets_in_them(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path, secrets=frozenset({"soc@hospital.example"}))
    content = b"user,note\neve,soc@hospital.example AKIAABCDEFGHIJKLMNOP\n"
    store.record(
        ApiCall(
            service="iam",
            operation="get_credential_report",
            region=REGION,
            parameters={},
            time=NOW,
            seconds=0.1,
            request_ids=(),
            pages=({"Content": content, "GeneratedTime": NOW},),
            error=None,
        )
    )
    [page] = Recorded(tmp_path, REGION).call("iam", "get_credential_report", {}).pages
    assert page["Content"] == b"user,note\neve,[redacted] [redacted]\n"
    assert page["GeneratedTime"] == NOW
