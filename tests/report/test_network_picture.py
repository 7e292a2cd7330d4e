"""The network drawn: what stands where, what is said in words, and what a reader sees."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from tests.report import sample
from tests.report.conftest import Browser, Site
from tests.report.test_html_in_browser import DARK, LIGHT, dumped, probed
from verify.model import NetworkNode, NetworkPicture, NetworkSubnet, NetworkWay, Report
from verify.report import html as html_report
from verify.report import json_report
from verify.report.network import Box, drawing

EMPTY = NetworkPicture(
    "vpc-1",
    ("10.0.0.0/16",),
    (NetworkNode("internet", "outside"), NetworkNode("application", "tier", ("sg-1",))),
    (NetworkSubnet("subnet-1", ("10.0.10.0/24",), ()),),
    (),
)


def _report(picture: NetworkPicture | None) -> Report:
    return replace(sample.report(), network=picture)


def _svg(page: str) -> ElementTree.Element:
    found = re.search(r'<svg class="network".*?</svg>', page, re.DOTALL)
    assert found is not None
    return ElementTree.fromstring(found[0])  # noqa: S314 - our own


def test_the_picture_has_its_words() -> None:
    picture = _svg(html_report.render(_report(sample.NETWORK)))
    assert picture.get("role") == "img"
    names = {picture.find(name).get("id") for name in ("title", "desc")}  # type: ignore[union-attr]
    assert set((picture.get("aria-labelledby") or "").split()) == names
    assert picture.findtext("desc") == (
        "1 way is allowed, 3 ways are forbidden. The table below has every way in words."
    )


def test_every_way_stands_in_the_table_the_forbidden_ones_first() -> None:
    page = html_report.render(_report(sample.NETWORK))
    table = page[page.index('<table class="stacking ways"') : page.index('id="latency"')]
    assert re.findall("(Forbidden|Allowed)</span>", table) == ["Forbidden"] * 3 + ["Allowed"]
    assert "subnet-2 -&gt; sg-2 -&gt; nat-0a1b2c3d4e5f60718 -&gt; internet everything" in table


def test_a_network_without_ways_says_so() -> None:
    page = html_report.render(_report(EMPTY))
    assert _svg(page).findtext("desc") == (
        "No ways are allowed, No ways are forbidden. Nothing outside reaches in. Nothing reaches "
        "out. The table below has every way in words."
    )
    assert "No way: nothing passes" in page


def test_a_run_that_saw_no_network_draws_none() -> None:
    page = html_report.render(_report(None))
    assert 'class="network"' not in page
    assert 'id="network"' not in page


def test_what_is_named_by_others_is_text_and_no_markup() -> None:
    page = html_report.render(_report(sample.NETWORK))
    assert page.count("<script") == 1  # ours
    assert "<img" not in page
    texts = [text.text or "" for text in _svg(page).iter("text")]
    assert any(text.startswith("sg-3 <script>") for text in texts)
    assert max(map(len, texts)) < 60


def _overlap(one: Box, other: Box) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


@pytest.mark.parametrize("picture", [sample.NETWORK, EMPTY], ids=["full", "empty"])
def test_boxes_stand_apart_and_within_the_picture(picture: NetworkPicture) -> None:
    drawn = drawing(picture)
    boxes = [*drawn.boxes, *drawn.subnets]
    for number, box in enumerate(boxes):
        assert box.x >= 0
        assert box.x + box.width <= drawn.width
        assert box.y >= 0
        assert box.y + box.height <= drawn.height
        assert not any(_overlap(box, other) for other in boxes[number + 1 :])
        inside = drawn.frame.x <= box.x < drawn.frame.x + drawn.frame.width
        assert inside == (box.kind != "outside")


def test_tiers_stand_in_the_order_in_which_they_are_reached() -> None:
    def way(source: str, destination: str, *via: str) -> NetworkWay:
        return NetworkWay(source, via, destination, "tcp/1", forbidden=False, chain="-")

    tiers = ("c", "a", "b")
    picture = NetworkPicture(
        "vpc-1",
        (),
        (
            *tuple(NetworkNode(name, "tier") for name in tiers),
            NetworkNode("internet", "outside"),
            NetworkNode("igw-1", "gateway"),
        ),
        (),
        (way("b", "c"), way("a", "b"), way("internet", "a", "igw-1"), way("c", "a")),
    )
    places = {box.name: box.x for box in drawing(picture).boxes}
    assert sorted(places, key=lambda name: places[name]) == ["internet", "igw-1", "a", "b", "c"]


def test_a_node_on_both_sides_has_two_boxes() -> None:
    drawn = drawing(sample.NETWORK)
    names = [box.name for box in drawn.boxes]
    assert names.count("internet") == names.count("igw-0a1b2c3d4e5f60718") == 2
    assert len(drawn.arrows) == 2 + 1 + 3 + 1
    assert [arrow.forbidden for arrow in drawn.arrows] == [False] * 2 + [True] * 5


@pytest.mark.parametrize("picture", [sample.NETWORK, EMPTY, None], ids=["full", "empty", "none"])
def test_a_picture_comes_back_from_json(picture: NetworkPicture | None) -> None:
    again = json_report.parse(json_report.render(_report(picture)))
    if picture is not sample.NETWORK:
        assert again.network == picture
    else:
        assert again.network is not None
        assert again.network.ways[0] == picture.ways[0]


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_the_picture_can_be_read_in_a_browser(browser: Browser, site: Site, scheme: str) -> None:
    page = html_report.render(_report(sample.NETWORK))
    assert "Network vpc-0a1b2c3d4e5f60718: what can pass</title>" in dumped(browser, site, page)
    found = probed(browser, site, page, 390, scheme)
    assert found["wide"] == []
    assert found["weakest"]["ratio"] >= 4.5
