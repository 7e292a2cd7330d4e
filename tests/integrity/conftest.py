"""One loopback account for all tests of this part, emptied for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integrity.loopback import Account, serving
from tests.integrity.support import Commands
from tests.integrity.trail import HOME, Trail
from verify.integrity.read import s3


@pytest.fixture(scope="session")
def _served() -> Iterator[tuple[Account, str]]:
    account = Account()
    # Small pages: every listing of a test goes over several.
    with serving(account, page=20) as url:
        yield account, url


@pytest.fixture
def _environment(_served: tuple[Account, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What the command finds in its environment; other tests of the process have their own."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", _served[1])
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent/config")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def account(_served: tuple[Account, str], _environment: None) -> Account:
    account = _served[0]
    fresh = Account(enabled_regions=[HOME])
    vars(account).update(vars(fresh))
    # A reader remembers what it may not do.
    s3.reader.cache_clear()
    return account


@pytest.fixture
def trail(account: Account) -> Trail:
    """A trail that has delivered nothing yet."""
    return Trail(account)


@pytest.fixture
def commands(account: Account, capsys: pytest.CaptureFixture[str]) -> Commands:
    """Our command and that of the AWS CLI."""
    return Commands(capsys)
