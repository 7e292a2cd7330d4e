"""The page on application logs: its examples do what the page says."""

from __future__ import annotations

import io
import json
import logging
import logging.config
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

PAGE = (Path(__file__).parents[1] / "docs/application-logging.md").read_text()
NAME, NUMBER = "Jane Roe", "123-45-6789"


def _example(kind: str) -> str:
    [found] = re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.fixture
def audit(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the page's module defines, and the lines that it writes."""
    written = io.StringIO()
    monkeypatch.setattr(sys, "stdout", written)
    module: dict[str, Any] = {"__name__": "audit"}
    exec(compile(_example("python django"), "audit.py", "exec"), module)  # noqa: S102
    formatter = module["LOGGING"]["formatters"]["json"]["()"]()
    handler = logging.StreamHandler(written)
    handler.setFormatter(formatter)
    logger = module["audit"]
    monkeypatch.setattr(logger, "propagate", False)
    monkeypatch.setattr(logger, "handlers", [handler])
    monkeypatch.setattr(logger, "level", logging.INFO)
    return SimpleNamespace(
        module=module,
        logger=logger,
        lines=lambda: [json.loads(line) for line in written.getvalue().splitlines()],
    )


def test_the_use_of_the_page_writes_a_line_of_the_allowed_fields(audit: Any) -> None:
    request = SimpleNamespace(
        user=SimpleNamespace(pk=7),
        META={"REMOTE_ADDR": "198.51.100.4"},
        headers={"X-Request-Id": "r-1"},
    )
    patient = SimpleNamespace(pk="b3f1", name=NAME)
    known = {**audit.module, "request": request, "patient": patient}
    exec(compile(_example("python django-use"), "view.py", "exec"), known)  # noqa: S102
    [line] = audit.lines()
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "INFO",
        "logger": "audit",
        "actor": "7",
        "action": "read",
        "record_type": "patient",
        "record_id": "b3f1",
        "outcome": "allowed",
        "source": "198.51.100.4",
        "request_id": "r-1",
    }


def test_what_is_not_allowed_gets_into_no_line(audit: Any) -> None:
    audit.logger.info("read %s", NAME, extra={"ssn": NUMBER, "action": "read"})
    try:
        raise ValueError(f"no such patient: {NAME}")
    except ValueError:
        audit.logger.exception("failed for %s", NAME, extra={"actor": 7})
    first, second = audit.lines()
    assert first["action"] == "read"
    assert (second["actor"], second["error"]) == ("7", "ValueError")
    said = json.dumps([first, second])
    assert NAME not in said
    assert NUMBER not in said


def test_the_settings_of_the_page_are_those_of_logging(audit: Any) -> None:
    logging.config.DictConfigurator(audit.module["LOGGING"])
    assert audit.module["LOGGING"]["loggers"]["django.db.backends"]["level"] == "WARNING"


def test_both_frameworks_allow_the_same_fields(audit: Any) -> None:
    [listed] = re.findall(r"FIELDS = \[([^]]*)\]", _example("php laravel"))
    assert re.findall(r"'([a-z_]+)'", listed) == list(audit.module["FIELDS"])
