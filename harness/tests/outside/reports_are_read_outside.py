"""Two JUnit readers, an XML parser and GitHub's own Markdown renderer read the reports of a run
against a hostile server, and the program reads its stream as an older one would have written it.
Needs junitparser, junit2html and cmarkgfm; run as `reports_are_read_outside.py BINARY`."""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import xml.etree.ElementTree as ElementTree
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cmarkgfm
from cmarkgfm.cmark import Options
from junitparser import Error, Failure, JUnitXml, Properties, Skipped
from junit2htmlreport import parser as junit2html

MESSAGE = rb'\u001b[2J\u0000\ufffe <script>PWNED</script> ]]> ![PWNED](http://x) @octocat | ``` <b>'


# A violation is a failure, what could not be judged an error, and what leaves the exit code at 0 is skipped.
KINDS = {Failure: ("fail", "fixed"), Skipped: ("known-fail", "not-applicable"),
         Error: ("blocked", "not-implemented", "indeterminate", "harness-error")}


# What version 2 of the run stream has and version 1 had not, by where it stands.
ADDED = {"": {"service", "because", "source"}, "target": {"heard"}, "violations": {"fault"}, "warnings": {"fault"}}


def older(event, at=""):
    """An event of the run stream as version 1 had it."""
    kept = {name: value for name, value in event.items() if name not in ADDED[at]}
    for name in ADDED.keys() & kept.keys():
        within = kept[name]
        kept[name] = [older(one, name) for one in within] if isinstance(within, list) else older(within, name)
    return {**kept, "version": 1} if "version" in kept else kept


class Hostile(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        # An operation that is answered as every other one would be taken for an absent one.
        known = self.headers.get("x-amz-target", "").endswith(".GetCredentials")
        body = b'{"__type":"' + (b"<b>PWNED|`" if known else b"UnknownOperationException") + b'","message":"' + MESSAGE + b'"}'
        self.send_response(400)
        self.send_header("content-type", "application/x-amz-json-1.1")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
threading.Thread(target=server.serve_forever, daemon=True).start()
environment = {**os.environ, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
environment.pop("GITHUB_STEP_SUMMARY", None)
with tempfile.TemporaryDirectory() as folder:
    names = {flag: os.path.join(folder, name) for flag, name in
             [("--report-junit", "r.xml"), ("--report-json", "r.json"), ("--report-jsonl", "r.jsonl"), ("--report-md", "r.md"),
              ("--badge", "b.svg")]}
    flags = [word for pair in names.items() for word in pair]
    done = subprocess.run([sys.argv[1], "run", "--endpoint", f"http://127.0.0.1:{server.server_port}", "--workgroup", "wg",
                           "--format", "quiet", *flags], env=environment, stdout=subprocess.PIPE, text=True)
    assert done.returncode == 1, done
    cases = [case for suite in JUnitXml.fromfile(names["--report-junit"]) for case in suite]
    results = [result for case in cases for result in case.result]
    counts = {kind: sum(isinstance(result, kind) for result in results) for kind in (Failure, Error, Skipped)}
    assert len(cases) > 300 and counts[Failure] > 0 and counts[Skipped] > 0, counts
    with open(names["--report-json"], encoding="utf-8") as file:
        verdicts = Counter(case["verdict"] for case in json.load(file)["cases"])
    for kind, words in KINDS.items():
        assert counts[kind] == sum(verdicts[word] for word in words), (kind, counts, verdicts)
    assert len(results) == sum(counts.values()) == len(cases) - verdicts["pass"], (counts, verdicts)
    ids = [p.name for case in cases for properties in case.iterchildren(Properties) for p in properties]
    assert ids.count("requirement") >= len(cases), "each case names its requirements"
    other = junit2html.Junit(names["--report-junit"])
    read = [case for suite in other.suites for group in suite.classes.values() for case in group.cases]
    assert len(read) == len(cases), (len(read), len(cases))
    assert sum(case.failed() for case in read) >= counts[Failure]
    badge = ElementTree.parse(names["--badge"]).getroot()
    assert badge.tag == "{http://www.w3.org/2000/svg}svg", badge.tag
    matrix = os.path.join(folder, "matrix.md")
    subprocess.run([sys.argv[1], "report", "--from", names["--report-jsonl"], "--from", names["--report-jsonl"],
                    "--format", "quiet", "--report-md", matrix], env=environment, stdout=subprocess.DEVNULL, check=True)
    with open(names["--report-jsonl"], encoding="utf-8") as file:
        events = [json.loads(line) for line in file]
    dropped = [older(event) for event in events]
    addresses = {source["address"] for event in events for source in event.get("source", []) if "address" in source}
    assert len(addresses) > 10, "requirements have the addresses of their sources"
    assert events[0]["version"] == 2 and events[0]["service"] and events[0]["target"]["heard"], events[0]
    assert all("fault" in violation for event in events for violation in event.get("violations", [])), "each fault is data too"
    assert all("because" in event for event in events if event.get("reason")), "each reason is data too"
    stream, read_again = os.path.join(folder, "older.jsonl"), os.path.join(folder, "older.json")
    with open(stream, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(event) + "\n" for event in dropped)
    subprocess.run([sys.argv[1], "report", "--from", stream, "--format", "quiet", "--report-json", read_again],
                   env=environment, stdout=subprocess.DEVNULL, check=True)
    with open(read_again, encoding="utf-8") as file:
        again = {case["id"]: older(case) for case in json.load(file)["cases"]}
    written = {event["id"]: {**event} for event in dropped if event.pop("event") == "case"}
    assert again == written, "an older stream says the same"
    for path, needed in [(names["--report-md"], "PWNED"), (matrix, "2 targets")]:
        with open(path, encoding="utf-8") as file:
            markdown = file.read()
        assert needed in markdown, (path, "what it tells of is there")
        html = cmarkgfm.github_flavored_markdown_to_html(markdown, Options.CMARK_OPT_UNSAFE)
        tags = set(re.findall(r"<([a-z0-9]+)", html))
        assert tags <= set("h2 h3 h4 p strong em code pre ul li blockquote table thead tbody tr th td a".split()), tags
        links = re.findall(r'<a href="([^"]*)">', html)
        assert len(links) == html.count("<a") and set(links) <= addresses, (path, "a link leads to a source, and nowhere else")
print(f"{len(cases)} cases read alike by junitparser and junit2html, and from an older stream; the badge is SVG; the Markdown does nothing but link to sources")
