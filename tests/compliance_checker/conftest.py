"""Puts the real package before the name that pytest derives from this folder, and gives an account.

pytest calls these modules ``compliance_checker.test_...`` (the path below its root) and makes an
empty parent of that name, which would hide the function's package.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator

import pytest
from moto import mock_aws

from tests.compliance_checker.records import ACCOUNT

_parent = sys.modules.get("compliance_checker")
if _parent is not None and getattr(_parent, "__file__", None) is None:
    del sys.modules["compliance_checker"]
importlib.import_module("compliance_checker")


@pytest.fixture
def mock_account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """moto's account in this process; `tests.compliance_checker.mock_account` gives its clients."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("MOTO_ACCOUNT_ID", ACCOUNT)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield
