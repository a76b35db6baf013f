#!/usr/bin/env python3
"""The HTML report in a real browser: headless Chromium, and axe-core for accessibility.

usage: html_in_a_browser.py PATH_TO_COUNTERSIGN [--axe AXE_MIN_JS] [--screenshots DIR]
Needs playwright in this Python and chromium on the PATH; says what it skipped where one is missing.

Opens the reports of a green run, of runs with some failures and with nothing but failures, and of four and of five
targets side by side: no console error, no request leaves the file, the map of a run is a list that leads to every
case, filters work by keyboard and stand in the address, a link opens the case that it leads to, no page of a run is
longer than five screens before something is opened, every result is seen in a window of 320 pixels and no word of a
table is broken in any, both colour schemes are drawn, what did not pass is printed in full whatever is filtered, a
hostile target's text does nothing, axe-core finds nothing serious. The same of the history of a target, the grid of
several, and the diff of two runs of an SDK.
"""
import argparse
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from serving import serving

arguments = argparse.ArgumentParser()
arguments.add_argument("binary")
arguments.add_argument("--axe", type=Path)
arguments.add_argument("--screenshots", type=Path)
arguments = arguments.parse_args()
passed = failed = 0
skipped = []

HOSTILE = ("<script>document.title='run'</script><img src=x onerror=\"document.title='run'\"></script>]]>"
           "\x1b[31m\u202egnp\u200b</pre></details><style>*{display:none}</style>")


def check(claim, holds, found=""):
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    print(f"{'ok  ' if holds else 'FAIL'} {claim}" + ("" if holds else f": {found}"), flush=True)


def end():
    for what in skipped:
        print(f"SKIPPED {what}")
    print(f"{passed} passed, {failed} failed, {len(skipped)} skipped")
    sys.exit(failed > 0)


def environment():
    kept = {name: value for name, value in os.environ.items() if not re.match(r"(?i)(aws_|countersign_|https?_proxy)", name)}
    return {**kept, "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


def countersign(*words, keys=None):
    made = subprocess.run([arguments.binary, *map(str, words)], env={**environment(), **(keys or {})}, capture_output=True,
                          text=True, timeout=120)
    if made.returncode not in (0, 1):
        raise SystemExit(f"countersign {' '.join(map(str, words))} ended with {made.returncode}:\n{made.stderr}")


TEST_KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def run_behind(defect, stream):
    """Runs the suite against the emulator behind a defect, and writes the run stream."""
    with serving(arguments.binary, "emulator", "--defect", defect) as said:
        keys = {"AWS_ACCESS_KEY_ID": said["access_key_id"], "AWS_SECRET_ACCESS_KEY": said["secret_access_key"]}
        countersign("run", "--endpoint", said["endpoint"], "--region", said["region"], "--workgroup", said["workgroups"][0],
                    "--claim", "signature", "--report-jsonl", stream, "--format", "quiet", keys=keys)


class Hostile(http.server.BaseHTTPRequestHandler):
    """Answers everything with text that would be markup, code or terminal commands."""
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        # An operation that is answered as every other one would be taken for an absent one.
        known = self.headers.get("x-amz-target", "").endswith(".GetCredentials")
        name = "ValidationException" if known else "UnknownOperationException"
        body = json.dumps({"__type": name, "message": HOSTILE, HOSTILE: HOSTILE}).encode()
        self.send_response(400)
        self.send_header("content-type", "application/x-amz-json-1.1")
        self.send_header("x-note", "<script>document.title='run'</script>")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_HEAD = do_DELETE = do_OPTIONS = do_PATCH = do_POST

    def log_message(self, *_):
        pass


def run_at_stub(answer, stream, *words):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    countersign("run", *words, "--endpoint", f"http://127.0.0.1:{server.server_port}", "--workgroup", "wg-1", "--report-jsonl",
                stream, "--format", "quiet", keys=TEST_KEYS)
    server.shutdown()


class Stranger(Hostile):
    """A server that has never heard of the service."""

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        body = b"<html><body>404 Not Found</body></html>"
        self.send_response(404)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Agreeable(Hostile):
    """A server that gives everybody credentials, whatever is asked, and wrong ones: next to every case fails."""

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        known = self.headers.get("x-amz-target", "").endswith(".GetCredentials")
        given = {"dbUser": "IAM:admin", "dbPassword": "not-for-the-page-1", "expiration": time.time() + 60,
                 "nextRefreshTime": time.time() + 90000}
        body = json.dumps(given if known else {"__type": "UnknownOperationException"}).encode()
        self.send_response(200 if known else 400)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_HEAD = do_DELETE = do_OPTIONS = do_PATCH = do_POST


def make_reports(folder):
    """The reports of single runs, and of four and five targets, as files."""
    run_behind("duration-clamped", folder / "clamped.jsonl")
    run_behind("validation-422", folder / "plain.jsonl")
    run_at_stub(Hostile, folder / "hostile.jsonl")
    run_at_stub(Stranger, folder / "stranger.jsonl")
    run_behind("refuses-everything", folder / "blocked.jsonl")
    countersign("run", "--report-jsonl", folder / "green.jsonl", "--format", "quiet")
    everything = ("--custom-domain", "a.example.com", "--claim", "signature,custom-domain")
    run_at_stub(Agreeable, folder / "failing.jsonl", *everything)
    run_at_stub(Agreeable, folder / "eleven.jsonl", "parameters/duration-*", "parameters/workgroup-*", "--skip",
                "parameters/workgroup-line-feed")
    streams = [folder / f"{name}.jsonl" for name in ("clamped", "plain", "hostile", "stranger")]
    reports = {"one": streams[:1], "four": streams, "five": [*streams, folder / "blocked.jsonl"], "hostile": streams[2:3],
               **{name: [folder / f"{name}.jsonl"] for name in ("green", "eleven", "failing")}}
    for name, chosen in reports.items():
        given = [word for stream in chosen for word in ("--from", stream)]
        countersign("report", *given, "--report-html", folder / f"{name}.html", "--format", "quiet")
    return {name: folder / f"{name}.html" for name in reports}


def make_history(folder):
    """The history of twelve runs of one target: they break and mend, one is cut short, the suite grows."""
    lines = {name: (folder / f"{name}.jsonl").read_text().splitlines(keepends=True) for name in ("clamped", "plain")}
    runs = folder / "runs"
    runs.mkdir()
    for at, name in enumerate(("plain", "plain", "clamped", "clamped", "plain", "clamped") * 2):
        first = json.loads(lines[name][0])
        first |= {"started_at": f"2026-{9 + at // 4:02}-{at % 4 * 7 + 1:02}T06:00:00Z", "suite_version": 2 + at // 8, "seed": at}
        first["target"] |= {"name": "mine", "endpoint": "http://localhost:4566/"}
        rest = lines[name][1:] if at != 6 else lines[name][1:150]
        (runs / f"{at + 1:02}.jsonl").write_text("".join([json.dumps(first) + "\n", *rest]))
    countersign("report", "--history", runs, "--report-html", folder / "history.html", "--format", "quiet")
    return folder / "history.html"


def opened(browser, file, **options):
    """A page with a report, and what it said and asked for meanwhile."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
    page = context.new_page()
    page.heard = []
    page.on("console", lambda message: page.heard.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.heard.append(str(error)))
    page.on("request", lambda request: page.heard.append(request.url) if request.url != file.as_uri() else None)
    page.on("dialog", lambda dialog: page.heard.append(dialog.message))
    page.goto(file.as_uri())
    return page


def shoot(page, name, whole=False):
    if arguments.screenshots:
        arguments.screenshots.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=arguments.screenshots / f"{name}.png", full_page=whole)


def draw_picture(browser, file):
    """The picture of the README: the top of the page, in both colour schemes."""
    for scheme in ("light", "dark"):
        page = opened(browser, file, color_scheme=scheme, viewport={"width": 1100, "height": 600})
        shoot(page, f"report-{scheme}")
        page.context.close()


def check_filters(page, name):
    """Everything by keyboard: Tab, letters, Space."""
    from playwright.sync_api import expect

    shown = "details.case:not([hidden])"
    total = page.locator("details.case").count()
    page.focus("#cases h2 ~ form #filter-text")
    page.keyboard.type("duration-outside")
    some = page.locator(shown).count()
    check(f"{name}: text filters", 0 < some < total and f"{some} of {total} cases" in page.inner_text("#filter-count"), some)
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("Delete")
    check(f"{name}: an empty text shows all again", page.locator(shown).count() == total)
    page.keyboard.press("Tab")
    check(f"{name}: Tab goes to the suites", page.evaluate("document.activeElement.id") == "filter-suite")
    page.keyboard.type("lifet")
    suites = page.eval_on_selector_all(shown, "all => [...new Set(all.map(one => one.closest('.suite').dataset.s))]")
    check(f"{name}: a suite is chosen by its letters", suites == ["lifetimes"], suites)
    page.keyboard.press("Home")
    page.keyboard.press("Tab")
    verdict = page.evaluate("document.activeElement.value")
    page.keyboard.press("Space")
    verdicts = page.eval_on_selector_all(shown, "all => all.map(one => one.dataset.v.trim().split(' '))")
    check(f"{name}: Space ticks a verdict", verdicts and all(verdict in some for some in verdicts), (verdict, len(verdicts)))
    page.focus("button[type=reset]")
    page.keyboard.press("Enter")
    # Not by a script in the page: its policy lets none be evaluated.
    expect(page.locator(shown)).to_have_count(total)
    folded = page.locator("details.suite:not([open]) > summary").first
    folded.focus()
    suite = folded.evaluate_handle("summary => summary.parentElement").as_element()
    page.keyboard.press("Enter")
    check(f"{name}: Enter opens a suite", suite.evaluate("suite => suite.open"))
    first = suite.query_selector("details.case > summary")
    first.evaluate("summary => { const family = summary.closest('.family'); if (family) family.open = true }")
    first.focus()
    page.keyboard.press("Enter")
    check(f"{name}: Enter opens a case", first.evaluate("summary => summary.parentElement.open"))
    check(f"{name}: the count is announced", page.get_attribute("#filter-count", "aria-live") == "polite")


def drawn(page):
    """Two frames on, what was opened or restyled is laid out, and its events are handled."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def address_changes(page, act):
    """Does what leads to another address within the page, and waits until the page's script knows of it.

    The browser tells the page in a task of its own, later than the click ends.
    """
    page.evaluate("""() => { window.changed = new Promise((done, fail) => {
        addEventListener("hashchange", () => done(), { once: true });
        setTimeout(() => fail(new Error("the address did not change in ten seconds")), 10000);
    }); }""")
    act()
    page.evaluate("() => window.changed")


def ends_within(page, width):
    """Whether every result of a requirement ends within a width, and how far they go."""
    ends = page.eval_on_selector_all("td.cell", "all => all.map(one => one.getBoundingClientRect().right)")
    return bool(ends) and max(ends) <= width, (len(ends), max(ends, default=0))


def broken_words(page):
    """Words of table heads, counts and results that are broken over two lines; names and addresses may be."""
    return page.evaluate("""() => {
        const broken = [];
        for (const cell of document.querySelectorAll("thead th:not(.target), .bars li, td.cell > span, td.tally")) {
            if (cell.getBoundingClientRect().height < 2 || getComputedStyle(cell.closest("thead") || cell).position === "absolute") continue;
            const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
            for (let text = texts.nextNode(); text; text = texts.nextNode()) {
                for (const word of text.data.matchAll(/[^\\s-]+/g)) {
                    const range = document.createRange();
                    range.setStart(text, word.index);
                    range.setEnd(text, word.index + word[0].length);
                    if (new Set([...range.getClientRects()].map(box => Math.round(box.top))).size > 1) broken.push(word[0]);
                }
            }
        }
        return broken;
    }""")


def overlapping(page):
    """Results of requirements that reach into the next one."""
    return page.evaluate("""() => [...document.querySelectorAll("td.cell > span")].filter(one => {
        const range = document.createRange();
        range.selectNodeContents(one);
        return range.getBoundingClientRect().right > one.parentElement.getBoundingClientRect().right + 1;
    }).map(one => one.textContent)""")


def check_links(browser, name, file):
    """What is filtered stands in the address, and a link shows what it leads to."""
    from playwright.sync_api import expect

    shown = "details.case:not([hidden])"
    page = opened(browser, file)
    total = page.locator("details.case").count()
    address_changes(page, page.locator("#overview a[data-filter]").first.click)
    verdict = page.evaluate("new URLSearchParams(location.hash.slice(2)).get('verdict')")
    some = page.locator(f"details.case[data-v~='{verdict}']").count()
    check(f"{name}: a count of the overview leads to its cases", 0 < some < total and page.locator(shown).count() == some, (verdict, some))
    page.reload()
    check(f"{name}: the filter is kept in the address", page.locator(shown).count() == some)
    hidden = page.evaluate("document.querySelector('details.case[hidden] .inside[id]').id")
    reveal = page.evaluate("id => { const link = document.createElement('a'); link.href = '#' + id; link.id = 'to-it'; link.textContent = 'x'; document.querySelector('nav').append(link); return id }", hidden)
    case = page.locator(f"details.case:has([id='{reveal}'])")
    for again in ("", " again"):
        page.click("#to-it")
        expect(case).to_be_visible()
        check(f"{name}: a link shows a case that was filtered out{again}", case.evaluate("one => one.open && !one.hidden"))
        check(f"{name}: and its title has the focus{again}", case.evaluate("one => document.activeElement === one.querySelector('summary')"))
        case.evaluate("one => { one.open = false; one.hidden = true; document.activeElement.blur() }")
    page.fill("#filter-text", "the request was accepted")
    check(f"{name}: what was found is searched", 0 < page.locator(shown).count() < total)
    page.fill("#filter-text", "content-length")
    check(f"{name}: header fields are not searched", page.locator(shown).count() == 0 and page.locator("#none").is_visible())
    page.click("#none button")
    expect(page.locator(shown)).to_have_count(total)
    check(f"{name}: without filters the address has none", "#" not in page.url, page.url)
    address_changes(page, page.locator("#filters a[data-filter]").click)
    left = page.eval_on_selector_all(shown, "all => all.filter(one => one.dataset.v.trim() === 'pass').length")
    some = page.locator(shown).count()
    check(f"{name}: only what did not pass is one click", left == 0 and 0 < some < total, (left, some, total))
    address_changes(page, lambda: page.evaluate("location.hash = '#%zz'"))
    page.evaluate("document.querySelectorAll('.standing').forEach(one => { one.open = true })")
    # Of one run, each standing has a table of its own.
    rows = "[...document.querySelectorAll('#requirements table')].sort((one, other) => other.rows.length - one.rows.length)[0]"
    page.evaluate(f"{rows}.querySelector('tbody tr:last-child').scrollIntoView()")
    top = page.evaluate(f"{rows}.querySelector('thead th').getBoundingClientRect().top")
    check(f"{name}: the names of the columns stay in sight", 0 <= top < 10, top)
    first = page.locator("details.case:has(pre.line)").first
    first.evaluate("one => { for (; one; one = one.parentElement.closest('details')) { one.hidden = false; one.open = true } }")
    first.locator("button.offer").first.click()
    expect(first.locator("button.offer").first).to_have_text(re.compile("Copied|Selected"))
    check(f"{name}: no link and no button goes wrong", not page.heard, page.heard)
    page.context.close()


def check_print(browser, name, file):
    """On paper: everything fits, what did not pass is there in full, and a filter leaves nothing out."""
    # A4 less its margins, upright for one target and across for several.
    width = 703 if name == "one" else 1031
    page = opened(browser, file, viewport={"width": width, "height": 900})
    page.fill("#filter-text", "no case has these words")
    page.emulate_media(media="print")
    # What is only below the window is no matter.
    drawn(page)
    check(f"{name}: every result fits the paper", *ends_within(page, width))
    seen = "all => all.filter(one => !one.checkVisibility()).map(one => one.id)"
    check(f"{name}: a filter leaves nothing out of print", page.eval_on_selector_all("details.case summary", seen) == [])
    closed = page.eval_on_selector_all("details[data-print] > :not(summary)", seen)
    printed = page.locator("details.case[data-print]").count()
    check(f"{name}: what did not pass, or differs, is printed in full", printed > 0 and not closed, (printed, closed[:5]))
    if name == "one":
        missing = page.locator("details.case:not([data-print]):is([data-v~=fail], [data-v~=blocked], [data-v~=indeterminate])").count()
        check(f"{name}: that is all that did not pass", missing == 0, missing)
    before = page.locator("details[open]").count()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    opened_all = page.locator("details[data-print]:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    check(f"{name}: browsers without such a style open it themselves", opened_all and page.locator("details[open]").count() == before)
    with tempfile.TemporaryDirectory() as folder:
        paper = Path(folder) / "paper.pdf"
        page.pdf(path=paper, prefer_css_page_size=True)
        if arguments.screenshots:
            shutil.copy(paper, arguments.screenshots / f"{name}.pdf")
        if shutil.which("pdftotext"):
            text = subprocess.run(["pdftotext", "-layout", paper, "-"], capture_output=True, text=True, timeout=60).stdout
            ids = page.eval_on_selector_all("details.case summary code", "all => all.map(one => one.textContent)")
            gone = [one for one in ids if one not in text]
            check(f"{name}: the paper names every case", ids and not gone, gone[:5])
            check(f"{name}: the paper has no mark of a closed case", not re.search("[▶▸▼▾]", text))
        else:
            skipped.append(f"{name}: the text on paper, for want of pdftotext")
    page.context.close()


def check_accessibility(page, name):
    if not arguments.axe:
        return
    # The page's policy forbids foreign scripts, as it should: axe-core comes in by the debugger.
    page.evaluate(arguments.axe.read_text())
    result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    bad = [(rule["id"], rule["impact"], len(rule["nodes"]), rule["nodes"][0]["html"][:200], rule["nodes"][0].get("failureSummary"))
           for rule in result["violations"] if rule["impact"] in ("serious", "critical")]
    mild = [(rule["id"], rule["impact"], rule["nodes"][0]["html"][:120]) for rule in result["violations"] if rule["impact"] not in ("serious", "critical")]
    check(f"{name}: axe-core finds nothing serious", not bad, bad)
    if mild:
        print(f"     axe-core also notes {mild}")


def check_report(browser, name, file):
    for scheme in ("light", "dark"):
        page = opened(browser, file, color_scheme=scheme)
        shoot(page, f"{name}-{scheme}")
        page.evaluate("document.querySelectorAll('details.case:has(.badge.bad)').forEach((one, i) => { one.open = i < 3 })")
        check_accessibility(page, f"{name}, {scheme}")
        if scheme == "light":
            check_filters(page, name)
        page.locator("#cases").scroll_into_view_if_needed()
        shoot(page, f"{name}-{scheme}-whole", whole=True)
        check(f"{name}, {scheme}: nothing on the console, nothing asked for", not page.heard, page.heard)
        page.context.close()
    check_widths(browser, name, file)
    page = opened(browser, file, java_script_enabled=False)
    check(f"{name}: without script there is no dead filter", not page.locator("#filters").is_visible())
    hidden = page.locator(".family .inside[id]").last
    for fold in hidden.evaluate_handle("one => { const all = []; while ((one = one.parentElement.closest('details'))) all.unshift(one); return all }").get_properties().values():
        if not fold.evaluate("one => one.open"):
            fold.as_element().query_selector("summary").click()
    check(f"{name}: without script a case is opened by hand", hidden.is_visible())
    page.goto(f"{file.as_uri()}#{page.locator('.family .inside[id]').first.get_attribute('id')}")
    check(f"{name}: or by a link, where the browser knows how", page.locator(".family .inside[id]").first.is_visible())
    page.context.close()
    check_links(browser, name, file)
    check_print(browser, name, file)
    check_size(name, file)


def check_size(name, file):
    size, limit = file.stat().st_size, 2_000_000 if name in ("four", "five") else 600_000
    check(f"{name}: under {limit / 1_000_000} MB ({size} bytes)", size < limit)


def check_map(browser, name, file):
    """The map of a run: on top, a list to whoever hears it, one stop for the keyboard, and a link to each case."""
    for scheme in ("light", "dark"):
        page = opened(browser, file, color_scheme=scheme, viewport={"width": 1280, "height": 800})
        shoot(page, f"{name}-{scheme}")
        faint = page.evaluate("""() => {
            const light = (colour) => {
                const parts = colour.match(/[0-9.]+/g).map((part) => part / 255)
                    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
                return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2] + 0.05;
            };
            const square = document.querySelector("#map a");
            return [..."PFKXBNIAH"].filter((letter) => {
                square.className = letter;
                const { color, backgroundColor } = getComputedStyle(square);
                const [less, more] = [light(color), light(backgroundColor)].sort();
                return more / less < 4.5 || !getComputedStyle(square, "::before").content.includes(letter);
            });
        }""")
        check(f"{name}, {scheme}: every letter of the map can be read", not faint, faint)
        page.context.close()
    page = opened(browser, file, viewport={"width": 1280, "height": 800})
    cases = page.eval_on_selector_all("details.case .inside", "all => all.map(one => '#' + one.id)")
    squares = page.eval_on_selector_all("#map a", "all => all.map(one => one.getAttribute('href'))")
    check(f"{name}: each case is a square that leads to it", squares and sorted(squares) == sorted(cases), (len(squares), len(cases)))
    bottom = page.evaluate("Math.max(...['.numbers', '.mapped'].map(one => document.querySelector(one).getBoundingClientRect().bottom))")
    check(f"{name}: map and numbers are in the first window", bottom <= 800, bottom)
    heard = page.get_by_role("list", name=re.compile("Map of the run"))
    suites = page.locator("details.suite").count()
    check(f"{name}: the map is a list of suites", heard.count() == 1 and heard.get_by_role("list").count() == suites, heard.count())
    check(f"{name}: and of links that say what they are", page.get_by_role("link", name=re.compile("^[a-z/0-9-]+: (pass|fail)$")).count() > 0)
    page.focus(".mapped .skip")
    page.keyboard.press("Tab")
    place = "document.activeElement.closest('#map') && document.activeElement.title"
    first = page.evaluate(place)
    page.keyboard.press("ArrowRight")
    second = page.evaluate(place)
    page.keyboard.press("ArrowDown")
    row = page.evaluate("document.activeElement === document.querySelectorAll('#map ul')[1].querySelector('a')")
    page.keyboard.press("Home")
    check(f"{name}: arrows go through the map", first and second and first != second and row and page.evaluate(place) == first, (first, second))
    page.keyboard.press("Tab")
    check(f"{name}: one Tab leaves it", not page.evaluate(place))
    folded = page.evaluate("[...document.querySelectorAll('.family:not([open]) .inside[id]')].pop().id")
    square = page.locator(f"#map a[href='#{folded}']")
    address_changes(page, square.click)
    case = page.locator(f"details.case:has([id='{folded}'])")
    check(f"{name}: a square opens its case inside a folded family", case.is_visible() and case.evaluate("one => one.open"))
    check(f"{name}: the map makes nothing go wrong", not page.heard, page.heard)
    page.context.close()
    page = opened(browser, file, viewport={"width": 703, "height": 900})
    page.emulate_media(media="print")
    shoot(page, f"{name}-paper")
    painted = page.eval_on_selector_all("#map a", "all => all.map(one => getComputedStyle(one)).filter(one => one.backgroundColor !== 'rgba(0, 0, 0, 0)' || one.color !== 'rgb(0, 0, 0)' || one.boxShadow === 'none').length")
    check(f"{name}: on paper the map is letters and borders", painted == 0, painted)
    page.context.close()
    page = opened(browser, file, viewport={"width": 400, "height": 800})
    shoot(page, f"{name}-400")
    numbers, squares = (page.locator(one).bounding_box() for one in (".numbers", "#map"))
    check(f"{name}: on a phone the numbers come first", 0 < numbers["y"] < 300 and numbers["y"] < squares["y"], (numbers, squares))
    page.context.close()


# A window of a computer, and one of a phone, which takes more of them: lines are short there.
SCREENS = {(1280, 800): 5, (400, 800): 10}


def check_height(browser, name, file):
    for (width, height), screens in SCREENS.items():
        page = opened(browser, file, viewport={"width": width, "height": height})
        if name == "eleven":
            in_sight = page.locator(".finding:visible").count()
            check(f"{name}: {in_sight} failures are all in sight", 10 <= in_sight == page.locator(".finding").count())
        long = page.evaluate("document.documentElement.scrollHeight") / height
        check(f"{name}: at most {screens} screens of {width} pixels ({long:.2f})", long <= screens)
        page.context.close()


def check_widths(browser, name, file):
    """Whatever the width, nothing is broken or cut; in a small window, tables are stacked and still tables."""
    for width in (1280, 1000, 900, 768, 400, 320):
        page = opened(browser, file, viewport={"width": width, "height": 800})
        page.evaluate("document.querySelectorAll('.standing').forEach(one => { one.open = true })")
        check(f"{name}: no word of a table is broken in {width} pixels", not broken_words(page), broken_words(page))
        check(f"{name}: no result reaches into another in {width} pixels", not overlapping(page), overlapping(page)[:5])
        page.context.close()
    for width in (400, 320):
        page = opened(browser, file, viewport={"width": width, "height": 800})
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        drawn(page)
        wide = page.evaluate("document.documentElement.scrollWidth")
        check(f"{name}: {width} pixels are wide enough", wide <= width, wide)
        page.evaluate("document.querySelectorAll('details').forEach((one, i) => { one.open = i < 2 || one.matches('.standing') })")
        check(f"{name}: every result is seen in {width} pixels", *ends_within(page, width))
        rows = page.locator(".requirements tbody tr").count()
        check(f"{name}: what is stacked in {width} pixels is still a table", page.locator(".requirements").get_by_role("row").count() >= rows > 0, rows)
        if width == 400:
            shoot(page, f"{name}-400")
            page.evaluate("document.querySelector('#cases').scrollIntoView()")
            shoot(page, f"{name}-400-cases")
        page.context.close()


def check_grid(browser, name, file):
    """The filter of the grid stands in the address, and needs no script; paper shows all."""
    rows = "#grid .row"
    seen = "all => all.filter(one => one.checkVisibility()).length"
    page = opened(browser, file)
    total = page.eval_on_selector_all(rows, seen)
    letters = page.eval_on_selector_all("#grid td.v", "all => [...new Set(all.map(one => one.textContent.trim().length > 2))]")
    check(f"{name}: each cell of the grid has a letter and a word", letters == [True], letters)
    address_changes(page, page.locator("#grid .picks a").nth(1).click)
    some = page.eval_on_selector_all(rows, seen)
    told = int(page.locator("#grid .picks a").nth(1).inner_text().split()[0])
    check(f"{name}: a filter of the grid shows as many as it says", 0 < some == told < total, (some, told, total))
    page.emulate_media(media="print")
    check(f"{name}: paper shows the whole grid", page.eval_on_selector_all(rows, seen) == total)
    check(f"{name}: the grid asks for nothing", not page.heard, page.heard)
    page.context.close()
    page = opened(browser, file, java_script_enabled=False)
    page.goto(file.as_uri() + "#only=broken-by-1")
    some = page.eval_on_selector_all(rows, seen)
    broken = page.locator("#grid .row:has(td.v:nth-of-type(2):is(.v-fail, .v-departs))").count()
    check(f"{name}: without script, an address shows what one target breaks", 0 < some == broken < total, (some, broken, total))
    page.context.close()


def check_still_page(browser, name, file, parts):
    """A page without script, in both colour schemes, on paper and in small windows."""
    for scheme in ("light", "dark"):
        page = opened(browser, file, color_scheme=scheme)
        shoot(page, f"{name}-{scheme}", whole=True)
        check_accessibility(page, f"{name}, {scheme}")
        check(f"{name}, {scheme}: nothing on the console, nothing asked for", not page.heard, page.heard)
        page.context.close()
    for width in (400, 320):
        page = opened(browser, file, viewport={"width": width, "height": 800})
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        drawn(page)
        wide = page.evaluate("document.documentElement.scrollWidth")
        check(f"{name}: {width} pixels are wide enough", wide <= width, wide)
        if width == 400:
            shoot(page, f"{name}-400", whole=True)
            check_accessibility(page, f"{name}, 400 pixels")
        page.context.close()
    page = opened(browser, file, viewport={"width": 703, "height": 900})
    page.emulate_media(media="print")
    drawn(page)
    wide = page.eval_on_selector_all(parts, "all => Math.max(...all.map(one => one.getBoundingClientRect().right))")
    check(f"{name}: everything fits the paper", 0 < wide <= 703, wide)
    shoot(page, f"{name}-paper", whole=True)
    page.context.close()
    check(f"{name}: there is no script", "<script" not in file.read_text())
    size = file.stat().st_size
    check(f"{name}: under 0.6 MB ({size} bytes)", size < 600_000)


def check_history(browser, file):
    check_still_page(browser, "history", file, "svg, td, th, article")
    page = opened(browser, file)
    runs = page.locator("article.run").count()
    check("history: each run is a point of the line", runs == 12 == page.locator(".chart a").count(), runs)
    page.locator(".chart a").nth(6).focus()
    address_changes(page, lambda: page.keyboard.press("Enter"))
    check("history: a point leads to its run by keyboard", page.url.endswith("#run-7") and page.locator("#run-7").is_visible(), page.url)
    check("history: the run that was cut short says so", "The run was cut short" in page.inner_text("#run-7"))
    # The lowest number of a scale is 0, and stands where its points stand that are 0.
    zero = page.eval_on_selector_all(".chart text", "all => all.filter(one => one.textContent === '0').length")
    check("history: both scales begin at 0", zero == 2, zero)
    rows = page.locator(".numbers tbody tr").count()
    check("history: the same numbers are a table", rows == runs, rows)
    since = page.inner_text("#violations") if page.locator("#violations").count() else ""
    check("history: a violation says since when it stands", re.search(r"Since 2026-\d\d-\d\d, run \d+ of 12", since), since[:300])
    page.context.close()


def sdk_stream(version, attempts, error, agent):
    """A hand-written run of an SDK with forty cases in which a call fails."""
    def request(attempt):
        headers = {"content-type": "application/x-amz-json-1.1", "user-agent": agent, "x-amz-target": "RedshiftServerless.GetCredentials"}
        return {"call": 1, "attempt": attempt, "server": "endpoint", "line": "POST / HTTP/1.1", "headers": headers, "signed_headers": [],
                "scope": "us-east-1/redshift-serverless", "signature": "valid", "body": {"text": "{}", "json": {}}}

    outcome = {"outcome": "error", "meta": {}, "error": {"phase": "service", "class": error, "bases": [], "code": error, "message": HOSTILE,
               "http_status": 500, "request_id": None, "fault": None, "members": {}}}
    record = {"attempts": attempts, "invocation_ids": "none", "requests": [request(1 + at) for at in range(attempts)], "outcomes": [outcome]}
    case = {"event": "case", "suite": "retries", "side": "client", "title": "Always at fault", "requirements": [], "decided": [],
            "verdict": "pass", "violations": [], "warnings": [], "status": None, "error": None, "media_type": None, "body": None, "runs": 1,
            "duration_ms": 1.0, "record": record}
    target = {"name": "boto3", "endpoint": "http://127.0.0.1/", "region": "us-east-1", "features": [], "class": "answers", "meaning": "", "said": ""}
    driver = {"driver": "boto3", "language": "python", "runtime": "CPython 3.11.7", "sdk": "boto3", "sdk_version": version,
              "deps": {"botocore": version}, "config": [], "inputs": {}, "reports": [], "typed": True, "isolated": True}
    run = {"event": "run", "version": 1, "tool": "countersign", "suite": "GetCredentials", "selected": 40, "seed": 0, "side": "client",
           "started_at": "2026-01-01T00:00:00Z", "target": target, "driver": driver}
    summary = {"event": "summary", "conformant": True, "verdicts": {"pass": 40}, "checks": 40, "features": {}, "duration_ms": 1.0, "complete": True}
    cases = [{**case, "id": f"retries/case-{at}"} for at in range(40)]
    return "".join(json.dumps(event) + "\n" for event in (run, *cases, summary))


def make_sdk_diff(folder):
    """The diff of two runs of an SDK that gives its caller another error, retries less and has another agent."""
    (folder / "old.jsonl").write_text(sdk_stream("1.43.1", 5, "InternalServerException", "Boto3/<version>"))
    (folder / "new.jsonl").write_text(sdk_stream("1.44.5", 3, "ServerError", "Boto3/<version> cfg/retry-mode#standard"))
    with (folder / "sdk.html").open("w") as page:
        made = subprocess.run([arguments.binary, "diff", folder / "old.jsonl", folder / "new.jsonl", "--format", "html"], stdout=page,
                              env=environment(), timeout=120, check=False)
    check("sdk: a change for callers is told by the exit code", made.returncode == 1, made.returncode)
    return folder / "sdk.html"


def check_sdk_diff(browser, file):
    check_still_page(browser, "sdk", file, "article, .versions li, .versions .mark")
    page = opened(browser, file)
    stops = page.eval_on_selector_all(".versions .version", "all => all.map(one => one.textContent)")
    check("sdk: the versions stand along a line", stops == ["boto3 1.43.1", "1.44.5"], stops)
    marks = page.eval_on_selector_all(".versions .mark", "all => all.map(one => one.textContent.trim())")
    check("sdk: each class that changed is a mark with its cases", marks == ["caller 40", "attempts 40", "agent 40"], marks)
    address_changes(page, page.locator(".versions .mark").first.click)
    check("sdk: a mark leads to its changes", page.url.endswith("#caller") and page.locator("#caller").is_visible(), page.url)
    # All that this pair of runs shows follows from the mode of retries and from the class of the error.
    told = page.eval_on_selector_all("article", "all => all.map(one => one.querySelector('h3').innerText)")
    check("sdk: each cause is told once, with its id", 0 < len(told) == len({re.search(r"id ([0-9a-f]{8})$", one)[1] for one in told}), told)
    lost = page.eval_on_selector_all(".versions .mark", "all => all.filter(one => !document.querySelector(one.hash)).map(one => one.hash)")
    check("sdk: every mark leads somewhere", not lost, lost)
    folded = page.eval_on_selector_all("details", "all => all.filter(one => one.open).length")
    check("sdk: what follows and each case are folded", folded == 0 < page.locator("article details").count(), folded)
    page.locator("article summary", has_text="old and new in each case").first.focus()
    page.keyboard.press("Enter")
    check("sdk: the cases open by keyboard", page.get_by_role("columnheader", name="Old").first.is_visible())
    names = page.eval_on_selector_all("main details code", "all => new Set(all.map(one => one.textContent).filter(one => one.startsWith('retries/case-'))).size")
    check("sdk: every case is named", names == 40, names)
    away = page.eval_on_selector_all("a[href]:not([href^='#'])", "all => all.map(one => one.href)")
    check("sdk: only the changelog of the package leads out of the page", away == ["https://github.com/boto/botocore/blob/HEAD/CHANGELOG.rst"], away)
    check("sdk: no element of the run's", page.locator("main img, main script, main style").count() == 0 and page.title().endswith("Countersign"), page.title())
    page.set_viewport_size({"width": 400, "height": 800})
    rows = page.locator("article table").first.get_by_role("row").count()
    check("sdk: what is stacked in 400 pixels is still a table", rows >= 3, rows)
    page.context.close()


def check_hostile(browser, file):
    page = opened(browser, file)
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    check("hostile: the title is ours", page.title().endswith("Countersign"), page.title())
    check("hostile: no element of the target's", page.locator("main img, main script, main style").count() == 0)
    check("hostile: its text is shown", page.locator("text=<script>").count() > 0)
    raw = file.read_text()
    check("hostile: no control or bidirectional character", not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069]", raw))
    check("hostile: nothing on the console, nothing asked for", not page.heard, page.heard)
    page.context.close()


def main():
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        skipped.append("everything: there is no playwright in this Python")
        end()
    if not chromium:
        skipped.append("everything: there is no chromium on the PATH")
        end()
    if not (arguments.axe and arguments.axe.is_file()):
        arguments.axe = None
        skipped.append("accessibility: no axe.min.js was given with --axe")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        reports = make_reports(Path(folder))
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        for name in ("one", "four"):
            check_report(browser, name, reports[name])
        if arguments.screenshots:
            draw_picture(browser, reports["one"])
        for name in ("green", "failing"):
            check_map(browser, name, reports[name])
        for name in ("green", "one", "eleven", "failing", "hostile"):
            check_height(browser, name, reports[name])
            check_size(name, reports[name])
        for name in ("four", "five"):
            check_grid(browser, name, reports[name])
        check_history(browser, make_history(Path(folder)))
        check_sdk_diff(browser, make_sdk_diff(Path(folder)))
        check_widths(browser, "five", reports["five"])
        check_size("five", reports["five"])
        check_hostile(browser, reports["hostile"])
        browser.close()
    end()


main()
