# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTML report in a real browser: opened from disk, filtered, searched; no errors, no network requests."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.findings import (
    CHECKS,
    CODES,
    Check,
    Code,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.text import one_line
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.report import report
from tests.tools.skipped import NO_CHROMIUM
from tests.unit.report import browser, reports

pytestmark = pytest.mark.skipif(not browser.CHROMIUM, reason=NO_CHROMIUM)

COUNT = "document.querySelector('#count').textContent"
REST = "document.querySelector('#rest:not([hidden])')?.textContent ?? ''"
ROWS = "document.querySelectorAll('#rows tr.account').length"
NASTY = "</script><img src=x onerror=\"document.title='owned'\"><b>\u202e&amp; 'x'"
HOSTILE = "img, b b, .detail b *"
Steps = Callable[[browser.Tab], Awaitable[None]]
See = Callable[..., None]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with browser.running() as found:
        yield found


@pytest.fixture
def see(address: str) -> See:
    """Open a report and run the steps; afterwards there are no messages, and no requests except for the file."""

    async def visit(page: Path, steps: Steps, size: tuple[int, int], fragment: str) -> None:
        async with browser.tab(address) as tab:
            await tab.emulate(*size)
            await tab.open(f"file://{page}{fragment}")
            await steps(tab)
            assert tab.messages == []
            assert {url.partition("#")[0] for url in tab.requests if not url.startswith("data:")} == {f"file://{page}"}

    def run(page: Path, steps: Steps, size: tuple[int, int] = (1440, 900), fragment: str = "") -> None:
        asyncio.run(visit(page, steps, size, fragment))

    return run


async def search(tab: browser.Tab, words: str) -> None:
    await tab.run(
        f"document.querySelector('#q').value = {words!r};"
        "document.querySelector('#q').dispatchEvent(new Event('input', {bubbles: true}));"
        "new Promise(done => setTimeout(done, 250))"
    )


async def choose(tab: browser.Tab, name: str, value: str) -> None:
    await tab.run(
        f"document.querySelector('#{name}').value = {value!r};"
        f"document.querySelector('#{name}').dispatchEvent(new Event('input', {{bubbles: true}}));"
        "new Promise(done => setTimeout(done, 50))"
    )


async def click(tab: browser.Tab, selector: str) -> None:
    await tab.run(f"document.querySelector({selector!r}).click(); new Promise(done => setTimeout(done, 50))")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    header, records = reports.run(2000)
    folder = tmp_path_factory.mktemp("reports")
    reports.earlier(folder, 2000)
    return report.write(folder, header, records) / "report.html", records


def test_filter_search_sort_and_pages_work(see: See, fleet: tuple[Path, list[dict[str, Any]]]) -> None:
    page, records = fleet
    failed = [one for one in records if one["status"] == "failed"]
    silent = [one for one in records if one["ingestion"]["ingestion_status"] == "silent"]

    async def steps(tab: browser.Tab) -> None:
        assert (await tab.run(COUNT), await tab.run(ROWS)) == ("2,000", 200)
        await choose(tab, "show", "failed")
        assert await tab.run(COUNT) == f"{len(failed)} of 2,000"
        await search(tab, failed[3]["account_id"])
        assert (await tab.run(COUNT), await tab.run(ROWS)) == ("1 of 2,000", 1)
        assert failed[3]["host"] in await tab.run("document.querySelector('#rows').textContent")
        assert await tab.run("location.hash") == f"#q={failed[3]['account_id']}&show=failed"
        await search(tab, "no such account")
        assert await tab.run("document.querySelector('#rows').textContent") == "No accounts match."
        await click(tab, "#clear")
        assert await tab.run(COUNT) == "2,000"
        await choose(tab, "events", "silent")
        assert await tab.run(COUNT) == f"{len(silent)} of 2,000"
        await click(tab, "#clear")
        await click(tab, "#pager [data-to=last]")
        assert await tab.run("document.querySelector('#position').textContent") == "Page 10 of 10"
        await click(tab, "[data-sort=id] button")
        first = min(records, key=lambda one: one["host"])
        assert await tab.run("document.querySelector('#rows .toggle b').textContent") == first["host"]
        assert await tab.run("document.querySelector('[data-sort=id]').getAttribute('aria-sort')") == "ascending"

    see(page, steps)


def test_an_account_is_found_by_its_name(see: See, tmp_path: Path) -> None:
    header, records = reports.run(30)
    records[7]["account_name"] = "Team Pay"
    page = report.write(tmp_path, header, records) / "report.html"

    async def steps(tab: browser.Tab) -> None:
        await search(tab, "team pay")
        shown = await tab.run("[...document.querySelectorAll('#rows tr')].map((row) => row.innerText)")
        assert len(shown) == 1
        assert "Team Pay" in shown[0]
        await click(tab, "#rows .toggle")
        assert "Team Pay" in await tab.run("document.querySelector('.detail').innerText")

    see(page, steps)


def test_tiles_and_heat_map_filter_the_accounts(see: See, fleet: tuple[Path, list[dict[str, Any]]]) -> None:
    page, records = fleet
    failed = sum(one["status"] == "failed" for one in records)

    async def steps(tab: browser.Tab) -> None:
        await click(tab, ".tile a[href='#show=failed']")
        assert await tab.run(COUNT) == f"{failed} of 2,000"
        expected = await tab.run("document.querySelector('.heat .cell a').firstChild.textContent")
        await click(tab, ".heat .cell a")
        assert await tab.run(COUNT) == f"{expected} of 2,000"
        await click(tab, "a[href='#code=trust_account_foreign']")
        found = sum(any(item["code"] == "trust_account_foreign" for item in one["findings"]) for one in records)
        assert await tab.run(COUNT) == f"{found} of 2,000"
        await click(tab, "#chips button")
        assert await tab.run(COUNT) == "2,000"

    see(page, steps)


def test_a_new_check_is_shown_and_filtered_without_a_change_of_the_page(
    see: See, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CHECKS, "topic", Check("Topic", "The topic of the bucket", ("drift",), resource="topic"))
    monkeypatch.setitem(CODES, "topic_missing", Code("high", "topic", "There is no topic.", ("CreateTopic",)))
    header, records = reports.run(20)
    for record in records[:3]:
        record["resources"] = [{"kind": "topic", "id": "arn:aws:sns:eu-west-1:111111111111:t", "changed": False}]
        record["findings"] = [{"severity": "high", "code": "topic_missing", "message": "There is no topic."}]
    page = report.write(tmp_path, header, records) / "report.html"

    async def steps(tab: browser.Tab) -> None:
        await choose(tab, "check", "topic")
        assert await tab.run(COUNT) == "3 of 20"
        label = "document.querySelector('#rows td:nth-of-type(8)').dataset.label"
        assert await tab.run(label) == "Topic"
        mark = "document.querySelector('#rows [data-label=Topic] .mark').getAttribute('aria-label')"
        assert await tab.run(mark) == "Topic: high"

    see(page, steps)


def test_a_link_has_its_filter_and_an_account_has_all_details(
    see: See, fleet: tuple[Path, list[dict[str, Any]]]
) -> None:
    page, records = fleet
    drifted = next(one for one in records if one["diff"] and one["status"] == "changed")

    async def steps(tab: browser.Tab) -> None:
        assert await tab.run(COUNT) == "1 of 2,000"
        await click(tab, ".toggle")
        assert await tab.run("document.querySelector('.toggle').getAttribute('aria-expanded')") == "true"
        details = await tab.run("document.querySelector('.detail').textContent")
        for part in (
            drifted["findings"][0]["message"],
            drifted["resources"][0]["id"],
            drifted["resources"][1]["id"],
            "sts:ExternalId",
        ):
            assert part in details
        assert drifted["diff"][0]["after"]["tags"]["id"] in details
        assert await tab.run("document.querySelectorAll('.detail .add').length") > 0
        await click(tab, ".toggle")
        assert await tab.run("document.querySelectorAll('.detail').length") == 0

    see(page, steps, fragment=f"#q={drifted['account_id']}")


def test_the_page_works_with_the_keyboard_only(see: See, fleet: tuple[Path, list[dict[str, Any]]]) -> None:
    async def steps(tab: browser.Tab) -> None:
        await tab.press("/", 191, "/")
        assert await tab.run("document.activeElement.id") == "q"
        assert await tab.run("document.querySelector('#q').value") == ""
        await tab.run("document.querySelector('#rows .toggle').focus()")
        await tab.press("Enter", 13, "\r")
        assert await tab.run("document.querySelectorAll('.detail').length") == 1

    see(fleet[0], steps)


def test_everything_has_a_name_for_a_screen_reader(
    see: See, fleet: tuple[Path, list[dict[str, Any]]], verification: Path
) -> None:
    async def steps(tab: browser.Tab) -> None:
        nameless = """[...document.querySelectorAll('input, select')].filter(it => !it.labels.length).length
          + [...document.querySelectorAll('button, a')].filter(it => !it.textContent.trim()).length
          + [...document.querySelectorAll('section')].filter(it => !it.hasAttribute('aria-labelledby')).length
          + [...document.querySelectorAll('table')].filter(it => !it.querySelector('thead th[scope=col]')).length"""
        assert await tab.run(nameless) == 0
        assert await tab.run("document.documentElement.lang") == "en"
        assert await tab.run("document.querySelector('#count').getAttribute('aria-live')") == "polite"
        assert await tab.run("document.querySelectorAll('main').length + document.querySelectorAll('h1').length") == 2
        levels = "[...document.querySelectorAll('h1, h2, h3')].map(it => +it.tagName[1])"
        found = await tab.run(levels)
        assert all(after - before <= 1 for before, after in itertools.pairwise(found))

    for page in (fleet[0], verification):
        see(page, steps)


@pytest.fixture(scope="module")
def verification(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a verification after another one."""
    folder = tmp_path_factory.mktemp("verification")
    reports.earlier(folder, 300, "verify", days=9)
    header, records = reports.run(300, "verify", seed=5)
    report.write(folder, header | {"started": "2026-11-21T02:00:00+00:00"}, records)
    return report.write(folder, *reports.run(300, "verify")) / "report.html"


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1440])
def test_no_page_scrolls_horizontally_or_cuts_a_text(
    address: str, fleet: tuple[Path, list[dict[str, Any]]], verification: Path, width: int
) -> None:
    cut = """[...document.querySelectorAll('#rows *, .tile *, .lead, .next li')].filter(it => it.checkVisibility()
      && !it.closest('pre, .hidden') && it.clientWidth && it.scrollWidth > it.clientWidth + 1)
      .map(it => `${it.tagName}.${it.className} ${it.textContent.slice(0, 40)}`).slice(0, 10)"""

    async def visit() -> None:
        async with browser.tab(address) as tab:
            await tab.emulate(width, 844)
            for page in (fleet[0], verification, verification.parents[1] / "index.html"):
                is_report = page.name == "report.html"
                await tab.open(f"file://{page}", ready=is_report)
                if is_report:
                    await click(tab, ".toggle")
                assert await tab.run("document.documentElement.scrollWidth") <= width
                assert await tab.run(cut) == []

    asyncio.run(visit())


def test_the_sentences_of_an_account_are_visible_on_a_phone(see: See, verification: Path) -> None:
    async def steps(tab: browser.Tab) -> None:
        await choose(tab, "events", "unhealthy")
        shown = await tab.run("document.querySelector('#rows tr.account').innerText")
        for part in ("unhealthy", "AccessDenied", "eu-central-1", "/Root/", "2026-11-"):
            assert part in shown

    see(verification, steps, (390, 844))


def test_paper_has_the_columns_with_full_ids_and_repeats_their_titles(
    address: str, fleet: tuple[Path, list[dict[str, Any]]], verification: Path
) -> None:
    """At the width of paper in landscape format, where phones have no say, in the colors of paper."""
    cells = """(() => { const head = document.querySelector('#matrix thead');
      const row = document.querySelector('#rows tr.account');
      const id = row.querySelector('.toggle').getBoundingClientRect();
      const text = document.createRange(); text.selectNodeContents(row.querySelector('.toggle'));
      return [getComputedStyle(head).display, getComputedStyle(row).display,
        [...row.cells].filter(it => it.checkVisibility()).length - head.rows[0].cells.length,
        text.getBoundingClientRect().width <= id.width + 1, getComputedStyle(document.body).backgroundColor]; })()"""

    async def visit() -> None:
        async with browser.tab(address) as tab:
            await tab.emulate(1040, 735, "dark", "print")
            for page in (fleet[0], verification):
                await tab.open(f"file://{page}")
                assert await tab.run(cells) == ["table-header-group", "table-row", 0, True, "rgb(255, 255, 255)"]
            sizes = set(re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", await tab.pdf()))
            assert [float(width) > float(height) for width, height in sizes] == [True]

    asyncio.run(visit())


def test_new_problems_and_next_steps_filter_the_accounts(see: See, verification: Path) -> None:
    silent = len([one for one in reports.run(300, "verify")[1] if one["ingestion"]["ingestion_status"] == "silent"])

    async def steps(tab: browser.Tab) -> None:
        for selector in ("a[href='#show=new']", ".next li:nth-child(2) a"):
            expected = (await tab.run(f"document.querySelector({selector!r}).textContent")).split()[0]
            await click(tab, selector)
            assert await tab.run(COUNT) == f"{expected} of 300"
        await click(tab, ".tile a[href='#events=silent']")
        assert await tab.run(COUNT) == f"{silent} of 300"

    see(verification, steps)


def test_a_role_and_a_connector_lead_to_the_consoles(see: See, verification: Path) -> None:
    async def steps(tab: browser.Tab) -> None:
        await click(tab, ".toggle")
        links = await tab.run("[...document.querySelectorAll('.detail dd a')].map(it => it.href)")
        assert [link.split("/")[2] for link in links] == ["console.aws.amazon.com", "portal.azure.com"]

    see(verification, steps)


@pytest.mark.parametrize("width", [390, 1440])
def test_text_has_enough_contrast_in_light_and_dark_mode(
    see: See, fleet: tuple[Path, list[dict[str, Any]]], verification: Path, width: int
) -> None:
    """The contrast that WCAG 2.2 requires: 4.5 to 1."""
    contrast = """(() => {
      const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
      const rgb = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data]; };
      const light = (c) => c.slice(0, 3).map(v => v / 255)
        .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
      const behind = (it) => { for (; it; it = it.parentElement) { const c = rgb(getComputedStyle(it).backgroundColor);
        if (c[3] === 255) return c; } return [255, 255, 255, 255]; };
      return [...document.querySelectorAll('body *')].filter(it => it.checkVisibility() && !it.closest('svg, select')
          && !it.disabled && [...it.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())).map(it => {
        const [a, b] = [light(rgb(getComputedStyle(it).color)), light(behind(it))].sort((x, y) => y - x);
        return [(a + .05) / (b + .05), `${it.tagName}.${it.className} ${it.textContent.trim().slice(0, 30)}`];
      }).filter(([ratio]) => ratio < 4.5).map(([ratio, it]) => `${ratio.toFixed(2)} ${it}`).slice(0, 10);
    })()"""

    async def steps(tab: browser.Tab) -> None:
        for scheme in ("light", "dark"):
            await tab.emulate(width, 900, scheme)
            assert await tab.run(contrast) == []

    for page in (fleet[0], verification):
        see(page, steps)


@pytest.mark.parametrize(("accounts", "printed", "note"), [(250, 250, ""), (2345, 2000, "345")])
def test_all_pages_of_accounts_are_printed(see: See, tmp_path: Path, accounts: int, printed: int, note: str) -> None:
    async def steps(tab: browser.Tab) -> None:
        await tab.run("dispatchEvent(new Event('beforeprint'))")
        assert await tab.run(ROWS) == printed
        assert (await tab.run(REST)).partition(" ")[0] == note
        await tab.run("dispatchEvent(new Event('afterprint'))")
        assert (await tab.run(ROWS), await tab.run(REST)) == (200, "")

    see(report.write(tmp_path, *reports.run(accounts)) / "report.html", steps)


def test_without_javascript_the_page_has_the_first_accounts_and_the_number_of_the_others(
    address: str, fleet: tuple[Path, list[dict[str, Any]]]
) -> None:
    page, records = fleet
    critical = [one["host"] for one in records if any(item["severity"] == "critical" for item in one["findings"])]

    async def visit() -> None:
        async with browser.tab(address) as tab:
            await tab.do("Emulation.setScriptExecutionDisabled", value=True)
            await tab.open(f"file://{page}", ready=False)
            assert await tab.run(ROWS) == 200
            assert (await tab.run(REST)).startswith("1,800 more accounts are not shown.")
            accounts = await tab.run("document.querySelector('#rows').innerText")
            assert [host for host in critical if host not in accounts] == []
            assert await tab.run("document.querySelector('#filters').checkVisibility()") is False
            assert await tab.run("document.querySelectorAll('#matrix button').length") == 0
            assert tab.messages == []

    asyncio.run(visit())


def test_a_pdf_that_is_printed_at_once_has_the_plain_part(address: str, tmp_path: Path) -> None:
    page = report.write(tmp_path, *reports.run(500)) / "report.html"

    async def pages(*, ready: bool) -> int:
        async with browser.tab(address) as tab:
            await tab.do("Emulation.setScriptExecutionDisabled", value=not ready)
            await tab.open(f"file://{page}", ready=ready)
            return len(re.findall(rb"/Type /Page\b", await tab.pdf()))

    at_once, whole = asyncio.run(pages(ready=False)), asyncio.run(pages(ready=True))
    assert 3 < at_once < whole


def test_no_name_becomes_markup(see: See, tmp_path: Path) -> None:
    shown = one_line(NASTY)
    header, records = reports.run(12)
    for record in records:
        record |= {"host": NASTY, "ou": NASTY}
        record["findings"] = [{"severity": "high", "code": "trust_anyone", "message": NASTY}]
        record["diff"] = [{"before": NASTY, "after": {NASTY: NASTY}, "after_header": NASTY}]
        record["calls"] = [{"name": NASTY, "args": {NASTY: NASTY}}]
        record["error"] = {"class": NASTY, "message": NASTY}
    header |= {"workspaces": [NASTY], "orphans": [{"account_id": NASTY, "id": NASTY}]}

    async def steps(tab: browser.Tab) -> None:
        assert await tab.run(f"document.querySelectorAll('{HOSTILE}').length") == 0
        await click(tab, ".toggle")
        assert (await tab.run("document.querySelector('.detail').textContent")).count(shown) > 5
        await choose(tab, "ou", shown)
        assert await tab.run("document.querySelector('#ou').value") == shown
        assert await tab.run(COUNT) == "12"
        await click(tab, "#clear")
        await click(tab, ".heat .cell a")
        assert await tab.run("document.querySelector('#ou').value") == shown
        assert await tab.run(f"document.querySelectorAll('{HOSTILE}').length") == 0
        assert "\u202e" not in await tab.run("document.documentElement.outerHTML")
        assert await tab.run("document.title") != "owned"

    see(report.write(tmp_path, header, records) / "report.html", steps)


def test_the_content_security_policy_blocks_requests_and_scripts(address: str, tmp_path: Path) -> None:
    """Only this test expects messages of the browser."""
    page = report.write(tmp_path, *reports.run(12)) / "report.html"

    async def visit() -> None:
        async with browser.tab(address) as tab:
            await tab.open(f"file://{page}")
            request = "fetch('http://127.0.0.1:9/').then(() => 'answered', () => 'refused')"
            assert await tab.run(request) == "refused"
            await tab.run("document.body.append(Object.assign(new Image(), {src: 'http://127.0.0.1:9/x.png'}))")
            await tab.run(
                "document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran=1'}))"
            )
            assert await tab.run("window.ran") is None
            assert "Content Security Policy" in " ".join(tab.messages)

    asyncio.run(visit())


def test_ten_thousand_accounts_open_and_filter_fast(see: See, tmp_path: Path) -> None:
    page = report.write(tmp_path, *reports.run(10_000)) / "report.html"

    async def steps(tab: browser.Tab) -> None:
        ready = await tab.run("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
        timed = """(() => { const begin = performance.now();
          location.hash = '#q=payments%20tag&show=drifted';
          return new Promise(done => addEventListener('hashchange', () =>
            setTimeout(() => done(performance.now() - begin))));
        })()"""
        assert ready < 10_000
        assert await tab.run(timed) < 2000
        assert (await tab.run(COUNT)).endswith(" of 10,000")

    see(page, steps)
