"""What controls cite has a title, and each control is found by what it cites."""

from __future__ import annotations

from tests.report import sample
from verify.inputs import catalogue
from verify.report import html
from verify.report.citations import HIPAA, NIST, groupings


def test_every_citation_of_the_catalogue_has_a_title() -> None:
    for control in catalogue.load().values():
        citations = control.citations
        assert {*citations.primary, *citations.secondary} <= HIPAA.keys(), control.identifier
        assert {one.partition("-")[0] for one in citations.nist} <= NIST.keys()


def test_each_control_stands_under_each_of_its_citations() -> None:
    by_hipaa, by_nist, by_cis = groupings(sample.RESULTS)
    for result in sample.RESULTS:
        citations = result.control.citations
        for grouping, cited in (
            (by_hipaa, {*citations.primary, *citations.secondary}),
            (by_nist, {one.partition("-")[0] for one in citations.nist}),
            (by_cis, set(citations.cis)),
        ):
            assert {group.name for group in grouping.groups if result in group.results} == cited


def test_the_page_names_the_paragraphs() -> None:
    page = html.render(sample.report())
    assert "Audit controls" in page
    assert 'id="by-nist"' in page
