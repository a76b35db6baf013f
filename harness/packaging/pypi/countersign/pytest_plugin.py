"""The pytest plugin: two servers as fixtures, and each case of `countersign run` as a test.

`--countersign-endpoint URL` adds the cases. They are tried in one run of the program, when the first of them is due.
Every setting of that run can come from the environment, as the program's own flags can: `COUNTERSIGN_CLAIM`,
`COUNTERSIGN_BASELINE`, `COUNTERSIGN_WAIT` and so on.
"""

import subprocess
import tempfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from . import emulator, mock, program


@pytest.fixture(scope="session")
def countersign_emulator():
    """The reference emulator: `endpoint`, `region`, `workgroup`, keys, and `environment` for AWS SDKs."""
    with emulator() as running:
        yield running


@pytest.fixture(scope="session")
def countersign_mock():
    """The mock: `reply(name)` and `case(id)` give the URL that answers so."""
    with mock() as running:
        yield running


def pytest_addoption(parser):
    group = parser.getgroup("countersign")
    group.addoption("--countersign-endpoint", metavar="URL", help="test the server at this URL: each case is one test")
    group.addoption("--countersign-workgroup", metavar="NAME", help="a workgroup that the server has")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session, config, items):
    """Adds the cases before `-k` and the like choose among the tests."""
    if config.getoption("countersign_endpoint"):
        cases = Cases.from_parent(session, name="countersign", nodeid="countersign")
        report = session.ihook.pytest_make_collect_report(collector=cases)
        session.ihook.pytest_collectreport(report=report)
        items += report.result


class Failed(Exception):
    """A case that did not pass, with what the program says about it."""


class Cases(pytest.Collector):
    results = None

    def collect(self):
        code, out, err = self._run("--format", "quiet", "--dry-run")
        if code != 0:
            raise self.CollectError(out + err)
        self.listed = out.splitlines()
        cases = [Case.from_parent(self, name=case) for case in self.listed]
        return [*cases, ExitCode.from_parent(self, name="exit-code")]

    def judged(self):
        """The elements `testcase` of the JUnit report by their cases; the first call makes the run."""
        if self.results is None:
            self.told, self.code, self.said, self.results = {}, None, "", {}
            self._judge()
        return self.results

    def _judge(self):
        chosen = [item.name for item in self.session.items if isinstance(item, Case)]
        chosen = [] if len(chosen) == len(self.listed) else chosen
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder, "junit.xml")
            self.code, out, err = self._run("--format", "text", "--report-junit", str(report), *chosen)
            self.said = f"countersign run ended with exit code {self.code}:\n{out}{err}"
            if report.exists():
                for test in ElementTree.parse(report).iter("testcase"):
                    self.results[f"{test.get('classname')}/{test.get('name')}"] = test

    def _run(self, *flags):
        options = self.config.option
        target = ["--endpoint", options.countersign_endpoint]
        if options.countersign_workgroup:
            target += ["--workgroup", options.countersign_workgroup]
        command = [program(), "run", *target, *flags]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
        try:
            out, err = process.communicate()
        except KeyboardInterrupt:
            # Ctrl-C reached it as well: it undoes what it made, and ends.
            process.wait()
            raise
        return process.returncode, out, err


class Item(pytest.Item):
    def repr_failure(self, excinfo, style=None):
        return str(excinfo.value) if excinfo.errisinstance(Failed) else super().repr_failure(excinfo, style)

    def reportinfo(self):
        return self.session.path / "countersign", None, self.name


class Case(Item):
    def runtest(self):
        test = self.parent.judged().get(self.name)
        if test is None:
            self.fail_once(self.parent.said)
        self.add_report_section("call", "countersign", test.findtext("system-out", ""))
        for ending in test:
            # pytest sums a failure up by its first line.
            message = ending.get("message", "")
            text = f"{message}\n{ending.text}"
            if ending.tag == "failure":
                raise Failed(text)
            if ending.tag == "error":
                self.fail_once(text, message)
            if ending.tag == "skipped":
                (pytest.xfail if ending.get("type") == "known-fail" else pytest.skip)(message)

    def fail_once(self, text, cause=None):
        """What keeps many cases from being judged, such as a server that is not there, is one failure."""
        first = self.parent.told.setdefault(cause or text, self.nodeid)
        if first != self.nodeid:
            pytest.skip(f"not judged, for the same reason as {first}")
        raise Failed(text)


class ExitCode(Item):
    """Fails where the run went wrong and no case says so, such as one that left something behind on the server."""

    def runtest(self):
        results = self.parent.judged().values()
        told = self.parent.told or any(test.find("failure") is not None for test in results)
        if self.parent.code != 0 and not told:
            raise Failed(self.parent.said)
