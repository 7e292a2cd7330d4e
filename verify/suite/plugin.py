"""The pytest side: options, the `control` marker, outcomes, workers, the summary, the reports.

A check is an ordinary test with `@pytest.mark.control("<identifier>")` that says what it saw
through the `check` fixture. Its outcome is the control's; see `verify.model`.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
from collections.abc import Callable, Generator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from verify.account import reads
from verify.account.door import Aws, evidence_used
from verify.check import Check, ControlFailedError, NotApplicableError
from verify.inputs import deployment
from verify.inputs.plan import PlanError, read_plan
from verify.live_fire.invocation import Invocation
from verify.live_fire.probes import OPTIONAL, chosen
from verify.live_fire.progress import Mailbox, Progress
from verify.live_fire.volley import Volley
from verify.model import NotVerifiedError, Outcome, TestResult, result_from_json
from verify.report import ReportError, write_reports
from verify.report.summary import print_summary
from verify.run.log_integrity import LogIntegrity
from verify.run.results import Collected, build_report
from verify.run.settings import RunError, Settings, default_settings
from verify.run.verification import Run, prepare, start
from verify.suite.view import View, terminal, wanted

_RUN = pytest.StashKey[Run]()
_CHECK = pytest.StashKey[Check]()
_COLLECTED = pytest.StashKey[Collected]()
_SETTINGS = pytest.StashKey[Settings]()
_EVIDENCE = pytest.StashKey[list[str]]()
_VOLLEY = pytest.StashKey[Volley]()
_INVOCATION = pytest.StashKey[Invocation]()
_VIEW = pytest.StashKey[View]()
_RESULT = "trailwarden_result"
# Beyond a week, `python -m verify integrity` is made for it.
_MAXIMUM_HOURS = 168.0
_OWN_EXIT_CODES = frozenset({pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED})


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("verification of a deployment")
    group.addoption(
        "--outputs",
        metavar="FILE",
        help="what `terraform output -json` printed: a file, or - for standard input",
    )
    group.addoption(
        "--profile",
        default="dev",
        help="the baseline that the account is held to (default: %(default)s)",
    )
    group.addoption(
        "--reports",
        metavar="FOLDER",
        default="reports",
        help="where each run gets a folder; <FOLDER>/latest is the newest (default: %(default)s)",
    )
    group.addoption(
        "--function-package",
        metavar="ZIP",
        default="lambda/dist/compliance_checker.zip",
        help="the reviewed build of the function, which must be what is deployed "
        "(default: %(default)s)",
    )
    group.addoption(
        "--terraform-folder",
        metavar="FOLDER",
        default="terraform",
        help="the Terraform configuration for declared-versus-live (default: %(default)s)",
    )
    group.addoption(
        "--plan",
        metavar="FILE",
        help="what `terraform show -json <plan>` printed of a plan made now, for the control of "
        "drift: a file, or - for standard input (default: drift is not looked for)",
    )
    group.addoption(
        "--waivers",
        metavar="FILE",
        help="failures that somebody has accepted for a time (YAML, schemas/waivers.schema.json)",
    )
    group.addoption(
        "--probe",
        metavar="PROBE",
        action="append",
        default=[],
        choices=sorted(OPTIONAL),
        help="also raise an alert by a scratch resource, one of %(choices)s; may be repeated",
    )
    group.addoption(
        "--alert-timeout",
        metavar="SECONDS",
        type=float,
        default=900.0,
        help="how long to wait for an alert; AWS delivers in about 5 minutes "
        "(default: %(default)s)",
    )
    group.addoption(
        "--integrity-hours",
        metavar="HOURS",
        type=_hours,
        help="how many of the last hours' log files to validate (default: the baseline's)",
    )


def _hours(text: str) -> float:
    hours = float(text)
    if not 0 < hours <= _MAXIMUM_HOURS:
        raise ValueError(text)
    return hours


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if getattr(config.option, "dist", "no") in {"load", "worksteal"}:
        # What `-n` chooses by itself would spread the tests of one probe over several workers.
        config.option.dist = "loadgroup"
    if hasattr(config, "workerinput"):
        # A worker parses the command line for itself, which says nothing of the line above; only
        # with this does it tell the controller which tests belong together.
        config.option.loadgroup = True
    config.addinivalue_line(
        "markers", "control(identifier): this check decides the control of the catalogue"
    )
    config.addinivalue_line(
        "markers", "live_fire: this check acts on the account and waits for the consequence"
    )
    config.addinivalue_line(
        "markers", "after_live_fire: this check reads what the live fire proves to flow"
    )


# --- starting -----------------------------------------------------------------------------------


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    if config.option.collectonly:
        return
    workerinput: Mapping[str, Any] | None = getattr(config, "workerinput", None)
    try:
        if workerinput is None:
            settings = prepare(_settings(config))
            collected = config.stash[_COLLECTED] = Collected()
            config.pluginmanager.register(_Gatherer(collected))
            worker = "main"
        else:
            settings = Settings(**json.loads(workerinput["trailwarden"]))
            worker = workerinput["workerid"]
    except (RunError, deployment.DeploymentError) as error:
        raise pytest.UsageError(str(error)) from None
    # A CI that gives up sends SIGTERM; it must end like Ctrl-C, which cleans up.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    config.stash[_SETTINGS] = settings
    try:
        config.stash[_RUN] = start(settings, worker)
    except OSError as error:
        raise pytest.UsageError(
            f"the reports folder cannot be written: {error}: choose another with --reports=<folder>"
        ) from None
    if workerinput is None:
        _show(config)


def _show(config: pytest.Config) -> None:
    """Show what happens while it does, in the process that has the terminal."""
    drawn = wanted(os.environ, os.isatty(1), config.option.verbose)
    box = Mailbox(Path(config.stash[_SETTINGS].folder))
    view = config.stash[_VIEW] = View(terminal() if drawn else None, _line_writer(config), box)
    config.pluginmanager.register(view)


def _settings(config: pytest.Config) -> Settings:
    source = config.option.outputs
    if not source:
        raise RunError(
            "no outputs given: run `make verify`, or name what `terraform output -json` printed "
            "with --outputs=<file>"
        )
    plan, plan_problem = _plan(config.option.plan)
    return default_settings(
        outputs_text=deployment.read(source),
        outputs_source=source if source != "-" else "standard input",
        profile=config.option.profile,
        reports_folder=config.option.reports,
        function_package=config.option.function_package,
        terraform_folder=config.option.terraform_folder,
        alert_timeout=config.option.alert_timeout,
        integrity_hours=config.option.integrity_hours,
        waivers=config.option.waivers,
        probes=tuple(config.option.probe),
        plan=plan,
        plan_problem=plan_problem,
    )


def _plan(source: str | None) -> tuple[str | None, str | None]:
    """The plan's text, or why there is none: that is the control's concern, not the run's."""
    if source is None:
        return None, None
    try:
        return read_plan(source), None
    except PlanError as error:
        return None, str(error)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hand the settings to an xdist worker."""
    node.workerinput["trailwarden"] = json.dumps(asdict(node.config.stash[_SETTINGS]))


@pytest.hookimpl(tryfirst=True)  # xdist's own, which reads the groups, must come after
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order: with one process the probes are fired first and awaited last; see `runtestloop`.

    Under xdist the waiting tests come first, in one group, so that one worker waits while the
    others read.
    """
    distributed = hasattr(config, "workerinput")

    def rank(item: pytest.Item) -> int:
        if item.get_closest_marker("live_fire"):
            return 0 if distributed else 1
        return 2 if item.get_closest_marker("after_live_fire") else (1 if distributed else 0)

    items.sort(key=rank)
    for item in items:
        if item.get_closest_marker("live_fire") or item.get_closest_marker("after_live_fire"):
            item.add_marker(pytest.mark.xdist_group("live-fire"))


# --- fixtures -----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def verification_run(request: pytest.FixtureRequest) -> Run:
    """The run as a whole."""
    return request.config.stash[_RUN]


@pytest.fixture(scope="session", name="deployment")
def deployment_fixture(verification_run: Run) -> deployment.Deployment:
    """Where the deployed things are."""
    return verification_run.deployment


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


@pytest.fixture
def check(request: pytest.FixtureRequest, verification_run: Run) -> Check:
    """Where a check says what it saw."""
    made = Check(configuration=verification_run.configuration)
    request.node.stash[_CHECK] = made
    return made


@pytest.fixture(scope="session")
def volley(request: pytest.FixtureRequest) -> Volley:
    """The probes that raise alerts and wait for them; fired once a run."""
    return _fired_volley(request.config)


@pytest.fixture(scope="session")
def rule_invocation(request: pytest.FixtureRequest) -> Invocation:
    """The direct invocation of the function with a record for each rule; made once a run."""
    return _fired_invocation(request.config)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Fire the probes before anything else, so that all else runs while the alert is on its way.

    Not in a distributed run: every worker has collected every test, and only the one that gets the
    waiting tests, which come first, may fire. Nor does a worker know yet which calls it will make.
    """
    started = session.config.stash.get(_RUN, None)
    distributed = getattr(session.config.option, "dist", "no") != "no" or hasattr(
        session.config, "workerinput"
    )
    if started is None or distributed or session.testsfailed:
        return
    started.aws.fetch_ahead(reads.ahead(started.deployment))
    needed = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    if "log_integrity" in needed:
        started.log_integrity.start()
    if "volley" in needed:
        _fired_volley(session.config)
    if "rule_invocation" in needed:
        _fired_invocation(session.config)


def _fired_volley(config: pytest.Config) -> Volley:
    volley = config.stash.get(_VOLLEY, None)
    if volley is None:
        started = config.stash[_RUN]
        probes = chosen(started.settings.probes)
        view = config.stash.get(_VIEW, None)
        # A worker has no terminal.
        tell = Mailbox(started.folder).put if view is None else view.tell
        volley = Volley(started, probes, Progress(tell))
        config.stash[_VOLLEY] = volley
        volley.fire()
    return volley


def _fired_invocation(config: pytest.Config) -> Invocation:
    invocation = config.stash.get(_INVOCATION, None)
    if invocation is None:
        invocation = config.stash[_INVOCATION] = Invocation(config.stash[_RUN])
        invocation.fire()
    return invocation


def _line_writer(config: pytest.Config) -> Callable[[str], None]:
    """Writes a line past pytest's capture."""
    capture = config.pluginmanager.getplugin("capturemanager")
    reporter = config.pluginmanager.getplugin("terminalreporter")

    def write(line: str) -> None:
        if reporter is None or capture is None:
            return
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(line)

    return write


# --- outcomes -----------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    with evidence_used() as identifiers:
        item.stash[_EVIDENCE] = identifiers
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Conclude a check when its body has run, and keep a certain failure over a later error."""
    made = pyfuncitem.stash.get(_CHECK, None)
    if made is None:
        return (yield)
    try:
        value = yield
    except NotVerifiedError as error:
        made.unknowns.append(str(error))
        value = True
    made.conclude()
    return value


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    marker = item.get_closest_marker("control")
    if marker is None:
        return report
    outcome, message = _judged(call, report)
    if outcome is not Outcome.PASS and isinstance(
        getattr(call.excinfo, "value", None), (ControlFailedError, NotVerifiedError)
    ):
        report.longrepr = message
    if outcome is Outcome.NOT_APPLICABLE:
        report.outcome = "skipped"  # pytest's word for it
        report.longrepr = (str(item.path), item.location[1] or 0, message)
    made = item.stash.get(_CHECK, None)
    result = TestResult(
        control=marker.args[0],
        test=item.nodeid,
        when=call.when,
        outcome=outcome,
        message=message,
        observations=tuple(made.observations) if made else (),
        evidence=(*(made.evidence if made else ()), *item.stash.get(_EVIDENCE, [])),
        seconds=call.duration,
        timings=tuple(made.timings) if made else (),
        notes=tuple(made.notes) if made else (),
    )
    # Reports travel from workers as JSON, user_properties included.
    report.user_properties = [*report.user_properties, (_RESULT, result.to_json())]
    return report


def _judged(call: pytest.CallInfo[None], report: pytest.TestReport) -> tuple[Outcome, str]:
    if call.excinfo is None:
        return Outcome.PASS, ""
    error = call.excinfo.value
    if isinstance(error, NotApplicableError):
        return Outcome.NOT_APPLICABLE, str(error)
    if isinstance(error, pytest.skip.Exception):
        return Outcome.NOT_TESTED, f"skipped: {error}"
    if call.when == "call" and isinstance(error, AssertionError):
        return Outcome.FAIL, str(error)
    if isinstance(error, NotVerifiedError):
        return Outcome.ERROR, str(error)
    return Outcome.ERROR, f"{type(error).__name__}: {error}"


def pytest_report_teststatus(
    report: pytest.CollectReport | pytest.TestReport,
) -> tuple[str, str, tuple[str, Mapping[str, bool]]] | None:
    result = _result_of(report)
    if result is None or result.outcome is not Outcome.ERROR:
        return None
    return "error", "E", ("ERROR", {"yellow": True})


def _result_of(report: pytest.CollectReport | pytest.TestReport) -> TestResult | None:
    for name, value in getattr(report, "user_properties", ()):
        if name == _RESULT and isinstance(value, str):
            result = result_from_json(value)
            if result.when == getattr(report, "when", None):
                return result
    return None


# --- ending -------------------------------------------------------------------------------------


class _Gatherer:
    """Receives the reports of all workers in the controlling process."""

    def __init__(self, collected: Collected) -> None:
        self._collected = collected

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        result = _result_of(report)
        if result is not None:
            self._collected.add(result)


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(
    session: pytest.Session, exitstatus: int
) -> Generator[None, object, object]:
    config = session.config
    for fired in (config.stash.get(_VOLLEY, None), config.stash.get(_INVOCATION, None)):
        if fired is not None:
            fired.stop()  # also after an interruption: nothing of ours may stay in the account
    started = config.stash.get(_RUN, None)
    if started is not None:
        started.aws.settle()  # evidence is complete from here on
    value = yield
    collected = config.stash.get(_COLLECTED, None)
    if collected is None or started is None:
        return value
    collected.report = build_report(started, collected, datetime.now(UTC))
    if session.exitstatus in _OWN_EXIT_CODES:
        session.exitstatus = collected.report.exit_code
    try:
        collected.files = write_reports(collected.report, started.folder)
        _point_latest(started.folder)
    except (ReportError, OSError) as error:
        collected.problem = str(error)
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
    return value


def _point_latest(folder: Path) -> None:
    link = folder.parent / "latest"
    fresh = folder.parent / f".latest-{folder.name}"
    fresh.symlink_to(folder.name, target_is_directory=True)
    fresh.replace(link)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    collected = terminalreporter.config.stash.get(_COLLECTED, None)
    if collected is None or collected.report is None:
        return
    width = max(100, shutil.get_terminal_size().columns)
    print_summary(collected.report, terminalreporter, width)
    for file in collected.files:
        terminalreporter.write_line(f"report: {file}")
    if collected.problem:
        terminalreporter.write_line(f"the reports could not be written: {collected.problem}")


def pytest_unconfigure() -> None:
    """Spare pytest's last searches for garbage, and Python's own: the process ends."""
    gc.freeze()
