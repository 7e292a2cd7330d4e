"""The HTML form as a reader meets it: in a browser, on a phone, in the dark and on paper."""

from __future__ import annotations

import html
import json
import re
import struct
from pathlib import Path
from typing import Any

import pytest

from tests.report import sample
from tests.report.conftest import Browser, Site
from verify.model import Outcome
from verify.report import html as html_report

DARK = "--blink-settings=preferredColorScheme=0"
LIGHT = "--blink-settings=preferredColorScheme=1"
ATTACK = (
    "<script>document.title='owned'</script>"
    "<img src='/stolen.png' onerror=\"document.title='owned'\">"
    "<link rel='stylesheet' href='/stolen.css'>"
    "<style>body{display:none}</style>"
)

# Reads a page in a frame of a given width from outside, since the page itself allows no script.
# Contrast is WCAG 2's ratio of relative luminances, text against what lies behind it.
PROBE = """<!DOCTYPE html><title>probe</title><body><iframe src="report.html" width="WIDTH"
height="900"></iframe><pre id="found"></pre><script>
function colour(text) {
  const parts = text.match(/[\\d.]+/g).map(Number);
  return {rgb: parts.slice(0, 3), alpha: parts.length > 3 ? parts[3] : 1};
}
function luminance(rgb) {
  const [r, g, b] = rgb.map(v => v / 255).map(v =>
    v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
addEventListener('load', () => {
  const frame = document.querySelector('iframe'), page = frame.contentDocument;
  const view = frame.contentWindow;
  function behind(element) {
    for (let at = element; at; at = at.parentElement) {
      const found = colour(view.getComputedStyle(at).backgroundColor);
      if (found.alpha === 1) return found.rgb;
    }
    return null;
  }
  let weakest = {ratio: 99}, read = 0;
  for (const element of page.body.querySelectorAll('*')) {
    const own = [...element.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    if (!own || !element.getClientRects().length) continue;
    const style = view.getComputedStyle(element);
    const back = behind(element);
    if (!back) continue;
    const a = luminance(colour(style.color).rgb), b = luminance(back);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    read += 1;
    if (ratio < weakest.ratio)
      weakest = {ratio, element: element.tagName + '.' + element.className,
                 text: element.textContent.trim().slice(0, 40)};
  }
  const wide = [...page.body.querySelectorAll('*')]
    .filter(e => !e.closest('.scroll, .skip, .definitions'))
    .filter(e => e.getBoundingClientRect().right > page.documentElement.clientWidth + 1)
    .map(e => e.tagName + '.' + e.className);
  document.getElementById('found').textContent = JSON.stringify({
    width: page.documentElement.clientWidth,
    scroll: page.documentElement.scrollWidth,
    wide, weakest, read,
    background: view.getComputedStyle(page.body).backgroundColor,
    narrowest: Math.min(...[...page.body.querySelectorAll('td, tbody th')]
      .filter(e => e.textContent.trim().length > 10 && e.getClientRects().length)
      .map(e => e.getBoundingClientRect().width)),
    smallest: Math.min(...[...page.body.querySelectorAll('p, td, th, dd, li')]
      .map(e => parseFloat(view.getComputedStyle(e).fontSize))),
  });
});
</script>"""


def probed(browser: Browser, site: Site, page: str, width: int, *flags: str) -> dict[str, Any]:
    (site.folder / "report.html").write_text(page, encoding="utf-8")
    probe = PROBE.replace("WIDTH", str(width))
    (site.folder / "probe.html").write_text(probe, encoding="utf-8")
    text = browser.run(f"{site.address}/probe.html", "--dump-dom", *flags)
    found = re.search(r'<pre id="found">(.+?)</pre>', text, re.DOTALL)
    assert found is not None, "the probe did not finish"
    values: dict[str, Any] = json.loads(html.unescape(found[1]))
    return values


def dumped(browser: Browser, site: Site, page: str) -> str:
    (site.folder / "report.html").write_text(page, encoding="utf-8")
    return browser.run(f"{site.address}/report.html", "--dump-dom")


def pages(browser: Browser, folder: Path, page: str) -> int:
    source, printed = folder / "print.html", folder / "print.pdf"
    source.write_text(page, encoding="utf-8")
    browser.run(source.as_uri(), "--no-pdf-header-footer", f"--print-to-pdf={printed}")
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", printed.read_bytes()))


def test_browser_builds_the_page_and_asks_for_nothing_else(browser: Browser, site: Site) -> None:
    dom = dumped(browser, site, html_report.render(sample.report()))
    assert site.requested == ["/report.html"]
    assert "<title>Controls failed: audit trail of dev, account 123456789012" in dom
    assert "Controls failed</h2>" in dom
    assert len(re.findall(r'<details class="control ', dom)) == 10
    for outcome in Outcome:
        assert re.search(rf'<span class="badge [a-z-]+">{outcome}</span>', dom)
    for result in sample.RESULTS:
        assert f'id="control-{result.control.identifier}"' in dom
    for reference in sample.EVIDENCE:
        assert reference.sha256 in dom
    assert dom.count("<script") == 1  # ours
    assert "<img" not in dom


def test_harness_would_notice_a_script_and_a_request(browser: Browser, site: Site) -> None:
    dom = dumped(browser, site, f"<!DOCTYPE html><title>calm</title>{ATTACK}")
    assert "<title>owned</title>" in dom
    assert {"/stolen.png", "/stolen.css"} <= set(site.requested)


def test_policy_stops_what_might_slip_into_the_page(browser: Browser, site: Site) -> None:
    page = html_report.render(sample.report()).replace("<main>", f"<main>{ATTACK}")
    dom = dumped(browser, site, page)
    assert "document.title='owned'" in dom
    assert "<title>Controls failed" in dom
    assert site.requested == ["/report.html"]
    found = probed(browser, site, page, 1280)
    assert found["read"] > 100, "the foreign style sheet hid the page"


@pytest.mark.parametrize("width", [320, 390, 820, 1280])
def test_page_fits_the_width_of_the_screen(browser: Browser, site: Site, width: int) -> None:
    found = probed(browser, site, html_report.render(sample.report()), width)
    assert found["wide"] == []
    assert found["scroll"] <= found["width"]
    assert found["smallest"] >= 12
    assert found["narrowest"] >= 48, "a column of words is squeezed to letters"


def test_text_stands_out_from_its_background_by_day_and_night(browser: Browser, site: Site) -> None:
    page = html_report.render(sample.report())
    light = probed(browser, site, page, 1280, LIGHT)
    dark = probed(browser, site, page, 1280, DARK)
    assert light["background"] == "rgb(251, 250, 247)"
    assert dark["background"] == "rgb(20, 23, 26)"
    for found in (light, dark):
        assert found["read"] > 200
        assert found["weakest"]["ratio"] >= 4.5, found["weakest"]


def test_screenshot_has_the_size_of_the_window(browser: Browser, tmp_path: Path) -> None:
    source, image = tmp_path / "report.html", tmp_path / "report.png"
    source.write_text(html_report.render(sample.report()), encoding="utf-8")
    browser.run(source.as_uri(), "--window-size=1280,1600", f"--screenshot={image}")
    content = image.read_bytes()
    assert content.startswith(b"\x89PNG")
    assert struct.unpack(">II", content[16:24]) == (1280, 1600)
    assert len(content) > 20_000, "nearly nothing was drawn"


def test_print_opens_what_is_closed_on_screen(browser: Browser, tmp_path: Path) -> None:
    observations = tuple(
        sample.observation(f"setting {number}", "true", "true") for number in range(80)
    )
    passed = sample.result(
        sample.control("many", "Trail", "Passed."), Outcome.PASS, "", observations
    )
    page = html_report.render(sample.report((passed,), timings=()))
    opened = pages(browser, tmp_path, page)
    closed = pages(browser, tmp_path, page.replace("details::details-content", "nothing"))
    assert opened >= closed + 2


def test_run_with_much_text_prints_in_reasonable_time(browser: Browser, tmp_path: Path) -> None:
    long = tuple(sample.observation(f"policy {number}", "", sample.LONG) for number in range(6))
    failed = sample.result(
        sample.control("long", "Trail", "Long."), Outcome.FAIL, sample.LONG, long
    )
    assert pages(browser, tmp_path, html_report.render(sample.report((failed, failed)))) > 10
