"""What a check may ask for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest

from verify.account.door import Aws
from verify.check import Check
from verify.inputs import deployment
from verify.live_fire.invocation import Invocation
from verify.live_fire.volley import Volley
from verify.live_fire.waiting import Wait
from verify.run.log_integrity import LogIntegrity
from verify.run.verification import Run
from verify.suite import declarations, stash
from verify.suite.firing import fired_invocation, fired_volley, wait_told


@pytest.fixture(scope="session")
def verification_run(request: pytest.FixtureRequest) -> Run:
    """The run as a whole."""
    return request.config.stash[stash.RUN]


@pytest.fixture(scope="session", name="deployment")
def deployment_fixture(verification_run: Run) -> deployment.Deployment:
    """Where the deployed things are."""
    return verification_run.deployment


@pytest.fixture(scope="session")
def as_of(verification_run: Run) -> datetime:
    """At which moment the account is judged; see `Run.as_of`."""
    return verification_run.as_of


@pytest.fixture(scope="session")
def baseline(verification_run: Run) -> Mapping[str, Any]:
    """How they should be."""
    return verification_run.baseline


@pytest.fixture(scope="session")
def aws(verification_run: Run) -> Aws:
    """How they are: the one door to the account."""
    return verification_run.aws


@pytest.fixture(scope="session")
def log_integrity(verification_run: Run) -> LogIntegrity:
    """The validation of the trail's last hours, made once a run."""
    return verification_run.log_integrity


@pytest.fixture(scope="session")
def read_actions() -> list[str]:
    """The IAM actions of everything that any check reads."""
    return declarations.read_actions()


@pytest.fixture
def check(request: pytest.FixtureRequest, verification_run: Run) -> Check:
    """Where a check says what it saw."""
    made = Check(configuration=verification_run.configuration)
    request.node.stash[stash.CHECK] = made
    return made


@pytest.fixture
def wait(request: pytest.FixtureRequest) -> Wait:
    """Tells the user of a check's wait while it lasts."""
    return wait_told(request.config)


@pytest.fixture(scope="session")
def volley(request: pytest.FixtureRequest) -> Volley:
    """The probes that raise alerts and wait for them; fired once a run."""
    return fired_volley(request.config)


@pytest.fixture(scope="session")
def rule_invocation(request: pytest.FixtureRequest) -> Invocation:
    """The direct invocation of the function with a record for each rule; made once a run."""
    return fired_invocation(request.config)
