"""The JUnit XML form of a run, for continuous integration servers.

It keeps to the schema that the Jenkins xUnit plugin validates with (junit-10.xsd), the strictest
in use: a testcase has no properties, so what a control is worth stands in its system-out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from verify.model import NOT_VERIFIED, ControlResult, Outcome, Report
from verify.report.display import accepted, iso_time, shortened, visible

FILE_NAME = "junit.xml"

_SKIPPED = frozenset({Outcome.WAIVED, Outcome.NOT_APPLICABLE})
_MESSAGE_LIMIT = 300  # characters of a message attribute; the whole message is in the body
_BODY_LIMIT = 20_000  # GitLab refuses files above 30 MB


def render(report: Report) -> str:
    """Return the run as JUnit XML: a testsuite for each family, a testcase for each control.

    FAIL becomes a failure, ERROR and NOT TESTED an error, WAIVED and NOT APPLICABLE skipped. A run
    without any result becomes one error, since many readers take an empty file for success.
    """
    root = Element("testsuites", {"name": "trailwarden"})
    root.set("tests", str(max(len(report.results), 1)))
    root.set("failures", str(_count(report.results, {Outcome.FAIL})))
    root.set("errors", str(_count(report.results, NOT_VERIFIED) if report.results else 1))
    root.set("time", _seconds(result.seconds for result in report.results))
    families = dict.fromkeys(result.control.family for result in report.results)
    for number, family in enumerate(families):
        members = [result for result in report.results if result.control.family == family]
        _add_suite(root, report, number, family, members)
    if not report.results:
        _add_empty_run(root, report)
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _count(results: Iterable[ControlResult], outcomes: Iterable[Outcome]) -> int:
    wanted = frozenset(outcomes)
    return sum(result.outcome in wanted for result in results)


def _seconds(parts: Iterable[float]) -> str:
    return f"{sum(parts):.3f}"


def _add_suite(
    root: Element, report: Report, number: int, family: str, members: Sequence[ControlResult]
) -> None:
    suite = SubElement(root, "testsuite", {"name": visible(family), "id": str(number)})
    suite.set("tests", str(len(members)))
    suite.set("failures", str(_count(members, {Outcome.FAIL})))
    suite.set("errors", str(_count(members, NOT_VERIFIED)))
    suite.set("skipped", str(_count(members, _SKIPPED)))
    suite.set("time", _seconds(result.seconds for result in members))
    suite.set("timestamp", iso_time(report.started))
    _add_properties(suite, report)
    for result in members:
        _add_case(suite, report, result)


def _add_empty_run(root: Element, report: Report) -> None:
    suite = SubElement(root, "testsuite", {"name": "Run", "id": "0"})
    suite.attrib |= {"tests": "1", "failures": "0", "errors": "1", "skipped": "0", "time": "0.000"}
    suite.set("timestamp", iso_time(report.started))
    _add_properties(suite, report)
    case = SubElement(suite, "testcase", {"name": "controls-have-results", "time": "0.000"})
    case.set("classname", _class_name(report, "Run"))
    message = "The run has no result for any control, so nothing was verified."
    SubElement(case, "error", {"type": str(Outcome.NOT_TESTED), "message": message})


def _add_properties(suite: Element, report: Report) -> None:
    target = report.target
    properties = SubElement(suite, "properties")
    for name, value in {
        "run_id": report.run_id,
        "tool_version": report.tool_version,
        "verdict": report.verdict,
        "account": target.account,
        "region": target.region,
        "partition": target.partition,
        "environment": target.environment,
        "profile": target.profile,
        "baseline": " extends ".join(
            f"{source.name} ({source.file}, SHA-256 {source.sha256})" for source in report.baseline
        ),
        "endpoint": target.endpoint or "AWS",
        "caller": report.caller,
    }.items():
        SubElement(properties, "property", {"name": name, "value": visible(value)})


def _class_name(report: Report, family: str) -> str:
    # Readers cut this at its dots into packages, and key a test's history by class and name.
    parts = ("trailwarden", report.target.account, report.target.region, family)
    return ".".join(visible(part).replace(".", "_") for part in parts)


def _add_case(suite: Element, report: Report, result: ControlResult) -> None:
    case = SubElement(suite, "testcase", {"name": visible(result.control.identifier)})
    case.set("classname", _class_name(report, result.control.family))
    case.set("time", _seconds([result.seconds]))
    element = _element(result.outcome)
    if element is not None:
        verdict = SubElement(case, element, {"type": str(result.outcome)})
        waivers = [accepted(waiver) for waiver in report.waivers_of(result)]
        said = (waivers and waivers[0]) or result.message.strip() or str(result.outcome)
        verdict.set("message", shortened(visible(said.partition("\n")[0]), _MESSAGE_LIMIT))
        verdict.text = shortened(visible(_explanation(result, waivers)), _BODY_LIMIT)
    details = SubElement(case, "system-out")
    details.text = shortened(visible(_details(result)), _BODY_LIMIT)


def _element(outcome: Outcome) -> str | None:
    if outcome is Outcome.PASS:
        return None
    if outcome is Outcome.FAIL:
        return "failure"
    return "skipped" if outcome in _SKIPPED else "error"


def _explanation(result: ControlResult, waivers: Iterable[str]) -> str:
    lines = [f"{result.control.severity}: {result.control.statement}", *waivers]
    if result.message:
        lines.append(result.message)
    lines += [
        f"{seen.subject}: {seen.aspect}: {seen.comparison}"
        for seen in result.observations
        if not seen.met
    ]
    lines.append(f"Remediation: {result.control.remediation}")
    return "\n".join(lines)


def _details(result: ControlResult) -> str:
    control, citations = result.control, result.control.citations
    lines = [
        f"Outcome: {result.outcome}",
        f"Severity: {control.severity}",
        f"Statement: {control.statement}",
        f"45 CFR Part 164: {', '.join(citations.primary + citations.secondary) or 'none'}",
        f"NIST SP 800-53 r5: {', '.join(citations.nist) or 'none'}",
        f"CIS AWS: {', '.join(citations.cis) or 'none'}",
        f"Test: {result.test or 'none ran'}",
        f"Evidence: {', '.join(result.evidence) or 'none'}",
    ]
    lines += [
        f"{'Met' if seen.met else 'NOT MET'}: {seen.subject}: {seen.aspect}: {seen.comparison}"
        for seen in result.observations
    ]
    return "\n".join(lines)
