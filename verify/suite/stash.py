"""What the parts of the plugin leave for each other in pytest's stashes."""

from __future__ import annotations

import pytest

from verify.check import Check
from verify.live_fire.invocation import Invocation
from verify.live_fire.volley import Volley
from verify.run.results import Collected
from verify.run.settings import Settings
from verify.run.verification import Run
from verify.suite.view import View

RUN = pytest.StashKey[Run]()
CHECK = pytest.StashKey[Check]()
COLLECTED = pytest.StashKey[Collected]()
SETTINGS = pytest.StashKey[Settings]()
EVIDENCE = pytest.StashKey[list[str]]()
VOLLEY = pytest.StashKey[Volley]()
INVOCATION = pytest.StashKey[Invocation]()
VIEW = pytest.StashKey[View]()
