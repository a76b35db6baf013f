#!/usr/bin/env python3
"""The HTML report in a real browser: headless Chromium, and axe-core for accessibility.

usage: html_in_a_browser.py PATH_TO_COUNTERSIGN [--axe AXE_MIN_JS] [--screenshots DIR]
Needs playwright in this Python and chromium on the PATH; says what it skipped where one is missing.

Opens the report of a run with failures, and of four targets side by side: no console error, no
request leaves the file, filters work by keyboard, nothing is wider than a window of 400 pixels, both
colour schemes and print are drawn, a hostile target's text does nothing, axe-core finds nothing
serious.
"""
import argparse
import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

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
    server = subprocess.Popen([arguments.binary, "serve", "emulator", "--defect", defect, "--format", "json"],
                              env=environment(), stdout=subprocess.PIPE, text=True)
    try:
        said = json.loads(server.stdout.readline())
        keys = {"AWS_ACCESS_KEY_ID": said["access_key_id"], "AWS_SECRET_ACCESS_KEY": said["secret_access_key"]}
        countersign("run", "--endpoint", said["endpoint"], "--region", said["region"], "--workgroup", said["workgroups"][0],
                    "--claim", "signature", "--report-jsonl", stream, "--format", "quiet", keys=keys)
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(10)


class Hostile(http.server.BaseHTTPRequestHandler):
    """Answers everything with text that would be markup, code or terminal commands."""
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        body = json.dumps({"__type": "ValidationException", "message": HOSTILE, HOSTILE: HOSTILE}).encode()
        self.send_response(400)
        self.send_header("content-type", "application/x-amz-json-1.1")
        self.send_header("x-note", "<script>document.title='run'</script>")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_HEAD = do_DELETE = do_OPTIONS = do_PATCH = do_POST

    def log_message(self, *_):
        pass


def run_at_stub(answer, stream):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    countersign("run", "--endpoint", f"http://127.0.0.1:{server.server_port}", "--workgroup", "wg-1", "--report-jsonl", stream,
                "--format", "quiet", keys=TEST_KEYS)
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


def make_reports(folder):
    """The report of one run with failures, and of four targets, as files."""
    run_behind("duration-clamped", folder / "clamped.jsonl")
    run_behind("validation-422", folder / "plain.jsonl")
    run_at_stub(Hostile, folder / "hostile.jsonl")
    run_at_stub(Stranger, folder / "stranger.jsonl")
    streams = [folder / f"{name}.jsonl" for name in ("clamped", "plain", "hostile", "stranger")]
    reports = {"one": streams[:1], "four": streams, "hostile": streams[2:3]}
    for name, chosen in reports.items():
        given = [word for stream in chosen for word in ("--from", stream)]
        countersign("report", *given, "--report-html", folder / f"{name}.html", "--format", "quiet")
    return {name: folder / f"{name}.html" for name in reports}


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
    page.keyboard.type("life")
    suites = page.eval_on_selector_all(shown, "all => [...new Set(all.map(one => one.dataset.s))]")
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
    first = page.locator("details.case summary").first
    first.focus()
    page.keyboard.press("Enter")
    check(f"{name}: Enter opens a case", first.evaluate("summary => summary.parentElement.open"))
    check(f"{name}: the count is announced", page.get_attribute("#filter-count", "aria-live") == "polite")


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
    for width in (400, 320):
        page = opened(browser, file, viewport={"width": width, "height": 800})
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        wide = page.evaluate("document.documentElement.scrollWidth")
        check(f"{name}: {width} pixels are wide enough", wide <= width, wide)
        page.evaluate("document.querySelectorAll('details').forEach((one, i) => { one.open = i < 2 })")
        if width == 400:
            shoot(page, f"{name}-400")
            page.evaluate("document.querySelector('#cases').scrollIntoView()")
            shoot(page, f"{name}-400-cases")
        page.context.close()
    page = opened(browser, file, java_script_enabled=False)
    check(f"{name}: without script every case is there, and no dead filter", page.locator("details.case").first.is_visible()
          and not page.locator("#filters").is_visible())
    page.context.close()
    page = opened(browser, file)
    page.emulate_media(media="print")
    # Two frames on, the style of the other medium holds; what is only below the window is no matter.
    hidden = page.evaluate("""() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => {
        const bad = document.querySelector('details.case:has(.badge.bad) .inside');
        done(bad && !bad.checkVisibility()); })))""")
    if name == "one":
        check(f"{name}: what failed is printed in full", hidden is False, hidden)
    if arguments.screenshots:
        page.pdf(path=arguments.screenshots / f"{name}.pdf", format="A4")
    page.context.close()
    size = file.stat().st_size
    check(f"{name}: under 2 MB ({size} bytes)", size < 2_000_000)


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
        check_hostile(browser, reports["hostile"])
        browser.close()
    end()


main()
