"""The pytest side of a run: starting, ordering and ending it.

A check is an ordinary test with `@pytest.mark.control("<identifier>", <readings>)` that says what
it saw through the `check` fixture. Its outcome is the control's; see `verify.model`.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

from verify.account.read import Read
from verify.inputs import deployment
from verify.inputs.absence import AbsentOutputError
from verify.live_fire.waiting import Mailbox
from verify.model import Report
from verify.report import ReportError, write_reports
from verify.report.summary import print_summary
from verify.run.clean_metric import NotPublishedError, publish
from verify.run.findings import ImportFindingsError, import_findings
from verify.run.results import Collected, build_report, without_row
from verify.run.seal import NotPutError, SealError, put, require_usable, seal
from verify.run.settings import RunError, Settings
from verify.run.verification import Run, begin, prepare, start
from verify.suite import markers, options, stash
from verify.suite.firing import fired_invocation, fired_volley
from verify.suite.results import result_of
from verify.suite.view import View, terminal, wanted

pytest_plugins = ["verify.suite.fixtures", "verify.suite.outcomes"]

_OWN_EXIT_CODES = frozenset({pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED})


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if getattr(config.option, "dist", "no") in {"load", "worksteal"}:
        # What `-n` chooses by itself would spread the tests of one probe over several workers.
        config.option.dist = "loadgroup"
    if hasattr(config, "workerinput"):
        # A worker parses the command line for itself, which says nothing of the line above; only
        # with this does it tell the controller which tests belong together.
        config.option.loadgroup = True
    markers.register(config)
    if config.args_source is pytest.Config.ArgsSource.INVOCATION_DIR and config.getini("testpaths"):
        # Started in one of the project's folders: what is asked for is the suite all the same.
        config.args = [str(config.rootpath / path) for path in config.getini("testpaths")]


# --- starting -----------------------------------------------------------------------------------


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    if config.option.collectonly:
        return
    workerinput: Mapping[str, Any] | None = getattr(config, "workerinput", None)
    try:
        if workerinput is None:
            asked = options.settings_of(config)
            require_usable(asked)
            settings = prepare(asked)
            collected = config.stash[stash.COLLECTED] = Collected()
            config.pluginmanager.register(_Gatherer(collected))
        else:
            settings = Settings(**json.loads(workerinput["trailwarden"]))
    except (RunError, deployment.DeploymentError) as error:
        raise pytest.UsageError(str(error)) from None
    # A CI that gives up sends SIGTERM; it must end like Ctrl-C, which cleans up.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    config.stash[stash.SETTINGS] = settings
    try:
        config.stash[stash.RUN] = (
            begin(settings) if workerinput is None else start(settings, workerinput["workerid"])
        )
    except OSError as error:
        raise pytest.UsageError(
            f"the reports folder cannot be written: {error}: choose another with --reports=<folder>"
        ) from None
    except RunError as error:
        raise pytest.UsageError(str(error)) from None
    if workerinput is None:
        _show(config)


def _show(config: pytest.Config) -> None:
    """Show what happens while it does, in the process that has the terminal."""
    drawn = wanted(os.environ, os.isatty(1), config.option.verbose)
    box = Mailbox(Path(config.stash[stash.SETTINGS].folder))
    view = config.stash[stash.VIEW] = View(terminal() if drawn else None, _line_writer(config), box)
    config.pluginmanager.register(view)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hand the settings to an xdist worker."""
    node.workerinput["trailwarden"] = json.dumps(asdict(node.config.stash[stash.SETTINGS]))


@pytest.hookimpl(tryfirst=True)  # xdist's own, which reads the groups, must come after
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order: with one process the probes are fired first and awaited last; see `runtestloop`.

    Under xdist the waiting tests come first, in one group, so that one worker waits while the
    others read.
    """
    _deselect(config, items)
    distributed = hasattr(config, "workerinput")

    def rank(item: pytest.Item) -> int:
        if item.get_closest_marker("live_fire"):
            return 0 if distributed else 1
        return 2 if item.get_closest_marker("after_live_fire") else (1 if distributed else 0)

    items.sort(key=rank)
    for item in items:
        if item.get_closest_marker("live_fire") or item.get_closest_marker("after_live_fire"):
            item.add_marker(pytest.mark.xdist_group("live-fire"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Fire the probes before anything else, so that all else runs while the alert is on its way.

    Not in a distributed run: every worker has collected every test, and only the one that gets the
    waiting tests, which come first, may fire. Nor does a worker know yet which calls it will make.
    """
    started = session.config.stash.get(stash.RUN, None)
    distributed = getattr(session.config.option, "dist", "no") != "no" or hasattr(
        session.config, "workerinput"
    )
    replayed = started is not None and started.settings.replay is not None
    if started is None or distributed or replayed or session.testsfailed:
        return
    started.aws.fetch_ahead(_declared_ahead(session.items, started))
    needed = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    if "log_integrity" in needed:
        started.log_integrity.start()
    # Where a part that they need is absent, the tests that ask for them say so.
    if "volley" in needed:
        with suppress(AbsentOutputError):
            fired_volley(session.config)
    if "rule_invocation" in needed:
        with suppress(AbsentOutputError):
            fired_invocation(session.config)


# What is waited for longest is asked for first.
_SLOW_SERVICES = ("cloudwatch", "iam")


def _declared_ahead(items: Iterable[pytest.Item], started: Run) -> Iterator[Read]:
    """What the controls of `items` declare and the outputs alone tell how to ask for, once each."""
    readings = {
        id(reading): reading
        for item in items
        for marker in item.iter_markers("control")
        for reading in marker.args[1:]
    }
    slow_first = sorted(readings.values(), key=lambda one: one.service not in _SLOW_SERVICES)
    by_service: dict[str, list[Read]] = {}
    for reading in slow_first:
        with suppress(AbsentOutputError):  # the checks that declare it say so
            by_service.setdefault(reading.service, []).extend(reading.ahead(started.deployment))
    # A service after the other: calls of one at the same time each need a connection of their own.
    for one_of_each in zip_longest(*by_service.values()):
        yield from filter(None, one_of_each)


def _deselect(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of controls that the baseline does not list, before anything runs."""
    started = config.stash.get(stash.RUN, None)
    if started is None:
        return
    listed = {control.identifier for control in started.controls}

    def holds(item: pytest.Item) -> bool:
        marker = item.get_closest_marker("control")
        return marker is None or marker.args[0] in listed

    left_out = [item for item in items if not holds(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if holds(item)]


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


# --- ending -------------------------------------------------------------------------------------


class _Gatherer:
    """Receives the reports of all workers in the controlling process."""

    def __init__(self, collected: Collected) -> None:
        self._collected = collected

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        result = result_of(report)
        if result is not None:
            self._collected.add(result)


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(
    session: pytest.Session, exitstatus: int
) -> Generator[None, object, object]:
    config = session.config
    for fired in (config.stash.get(stash.VOLLEY, None), config.stash.get(stash.INVOCATION, None)):
        if fired is not None:
            fired.stop()  # also after an interruption: nothing of ours may stay in the account
    started = config.stash.get(stash.RUN, None)
    if started is not None:
        started.aws.settle()  # evidence is complete from here on
    value = yield
    collected = config.stash.get(stash.COLLECTED, None)
    if collected is None or started is None:
        return value
    interrupted = session.exitstatus == pytest.ExitCode.INTERRUPTED
    write = _line_writer(config)
    collected.report = build_report(
        started,
        collected,
        datetime.now(UTC),
        partial(_on_a_line, write),
        interrupted=interrupted,
    )
    # The report may know worse than pytest, but never makes a failure of pytest's undone.
    if session.exitstatus in _OWN_EXIT_CODES and collected.report.exit_code:
        session.exitstatus = collected.report.exit_code
    strangers = without_row(started, collected)
    if strangers:
        collected.problem = (
            f"results without a row: {', '.join(strangers)}: the baseline {started.profile} does "
            "not list these controls"
        )
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
    try:
        _leave(started, collected)
    except _NotLeftError as error:
        collected.problem = str(error)
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
        return value
    tell = partial(_on_a_line, write)
    problems = list(_hand_on(started, collected.report, int(session.exitstatus), tell))
    if int(session.exitstatus) in _WITHOUT_VERDICT:
        problems.append(_WITHOUT_VERDICT[int(session.exitstatus)])
        collected.problem = "\n".join(problems)
        return value
    if problems:
        collected.problem = "\n".join(problems)
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
    try:
        _point_latest(started.folder)
    except OSError as error:
        # Nobody's verdict depends on a link.
        collected.problem = (
            f"{started.folder.parent / 'latest'} does not lead to this run's reports, which are in "
            f"{started.folder} ({error.strerror})"
        )
    return value


def _on_a_line(write: Callable[[str], None], line: str) -> None:
    """Write a line after the dots."""
    write(f"\n{line}")


class _NotLeftError(Exception):
    """What the run found is not in its folder, or not sealed. The message says what to do."""


def _leave(started: Run, collected: Collected) -> None:
    """Write the reports, and seal the folder of a run that has seen an account."""
    if collected.report is None:
        return
    formats = started.settings.formats
    try:
        written = write_reports(collected.report, started.folder, formats)
        collected.files = tuple(written.values())
        if started.settings.replay is None:
            seal(started)
    except ReportError as error:
        raise _NotLeftError(
            f"{error}: make room or choose another folder with --reports=<folder>"
        ) from error
    except SealError as error:
        raise _NotLeftError(str(error)) from error


def _hand_on(
    started: Run, report: Report, exit_status: int, write: Callable[[str], None]
) -> Iterator[str]:
    """Put what was sealed, and what was found, where it was asked to; what could not be put."""
    try:
        put(started, write)
    except NotPutError as error:
        yield str(error)
    if exit_status in _WITHOUT_VERDICT:
        return
    if started.settings.put_metric and exit_status == pytest.ExitCode.OK:
        try:
            publish(started, datetime.now(UTC))
        except NotPublishedError as error:
            yield f"clean, but that it was could not be published: {error}"
    if started.settings.import_findings:
        try:
            write(f"{import_findings(started, report)} findings are in Security Hub")
        except ImportFindingsError as error:
            yield str(error)


# Such a run is in its folder, and the latest verdict stays the one before it.
_WITHOUT_VERDICT: dict[int, str] = {
    pytest.ExitCode.INTERRUPTED: "interrupted: <reports>/latest stays as it was",
    pytest.ExitCode.NO_TESTS_COLLECTED: (
        "nothing was selected, so nothing was verified: see -k and -m, or the files that were "
        "named; <reports>/latest stays as it was"
    ),
}


@pytest.hookimpl(tryfirst=True)
def pytest_keyboard_interrupt(excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    # An interruption may hit an instruction that belongs to no line, of which pytest cannot tell.
    excinfo.traceback = excinfo.traceback.filter(_has_line)


def _has_line(entry: Any) -> bool:
    try:
        return isinstance(entry.lineno, int)
    except TypeError:
        return False


def _point_latest(folder: Path) -> None:
    link = folder.parent / "latest"
    fresh = folder.parent / f".latest-{folder.name}"
    fresh.symlink_to(folder.name, target_is_directory=True)
    try:
        fresh.replace(link)
    except OSError:
        fresh.unlink()
        raise


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    collected = terminalreporter.config.stash.get(stash.COLLECTED, None)
    if collected is None or collected.report is None:
        return
    width = max(100, shutil.get_terminal_size().columns)
    print_summary(collected.report, terminalreporter, width)
    for file in collected.files:
        terminalreporter.write_line(f"report: {file}")
    if collected.problem:
        terminalreporter.write_line(collected.problem)


def pytest_unconfigure() -> None:
    """Spare pytest's last searches for garbage, and Python's own: the process ends."""
    gc.freeze()
