"""One sandbox, in a process of its own, for all of these tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox.support import REGION, Account, RunningSandbox, started


@pytest.fixture(scope="session")
def sandbox() -> Iterator[RunningSandbox]:
    with started("--region", REGION) as running:
        yield running


@pytest.fixture(scope="session")
def account(sandbox: RunningSandbox) -> Account:
    return Account(sandbox)


@pytest.fixture(scope="session")
def trail(account: Account) -> dict[str, str]:
    """A trail that all tests share for looking at records."""
    return account.trail()
