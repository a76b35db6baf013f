#!/usr/bin/env python3
"""Every input that a case calls valid or invalid is judged by rules that are not the project's.

usage: inputs_are_judged_outside.py [FIXTURES]    (standard library; from the project's root)
The rules below are written by hand from the API reference, with the name pattern taken apart into
labels. They know nothing of the generated schemas. An input is sent where the answer may be a
success, and refused where it may be an error; what the documents leave open may be either.
"""
import json
import string
import sys
from pathlib import Path

FIXTURES = Path(sys.argv[1] if len(sys.argv) > 1 else "fixtures")
LETTERS, DIGITS = set(string.ascii_letters), set(string.digits)
SAMPLES = {"workgroup": "a-workgroup", "custom_domain": "db.example.com", "database": "dev", "absent_domain": "absent.example.com"}
RESERVED = set(json.loads((FIXTURES / "shapes/redshift-serverless.json").read_text())["reserved_words"]["words"]["is"])


def domain(name):
    """At least two labels of 1 to 63 letters, digits and inner hyphens, the last of 2 at least; 253 in all."""
    labels = name.split(".")
    def label(text):
        return 1 <= len(text) <= 63 and set(text) <= LETTERS | DIGITS | {"-"} and text[0] != "-" != text[-1]
    return 1 <= len(name) <= 253 and len(labels) >= 2 and all(map(label, labels)) and len(labels[-1]) >= 2


def workgroup(name):
    return 3 <= len(name) <= 64 and set(name) <= set(string.ascii_lowercase) | DIGITS | {"-"}


def database(name):
    """True and false where the documents agree with themselves; None where they do not."""
    if not 1 <= len(name) <= 64 or name[0] not in LETTERS or not set(name) <= LETTERS | DIGITS | set("_+.@-"):
        return False
    if name in {word.lower() for word in RESERVED}:
        return False
    if set(name) & set("_+.@") or set(name) & set(string.ascii_uppercase):
        return None
    return True


def duration(value):
    if isinstance(value, float):
        return None
    return 900 <= value <= 3600


RULES = {"customDomainName": (str, domain), "workgroupName": (str, workgroup), "dbName": (str, database),
         "durationSeconds": ((int, float), duration)}


def judge(request):
    """True for a request that the documents allow, False for one that they forbid, None where they are silent."""
    request = {name: value for name, value in request.items() if value is not None}
    verdicts = []
    for name, value in request.items():
        if name in RULES:
            kind, rule = RULES[name]
            verdicts.append(isinstance(value, kind) and not isinstance(value, bool) and rule(value))
    names = "workgroupName" in request, "customDomainName" in request
    verdicts.append(None if all(names) else any(names))
    return False if False in verdicts else None if None in verdicts else True


def fill(value):
    if isinstance(value, str):
        for name, sample in SAMPLES.items():
            value = value.replace("${%s}" % name, sample)
        while "${random:" in value:
            start = value.index("${random:")
            end = value.index("}", start)
            value = value[:start] + "r" * int(value[start + 9:end]) + value[end + 1:]
    return value


def expanded(case):
    """Each call of a case as its input and its expectation; a body that is written out is left out."""
    if "steps" in case:
        yield from ((case["id"], step["request"]["input"], step["expect"]) for step in case["steps"])
        return
    request, family = case["request"], case.get("family")
    raw = "raw" in request and ("body" in request["raw"] or family and family["at"] == "/body")
    if raw:
        return
    values = [(None, None)]
    if family and "raw" not in request:
        values = [(str(value), value) for value in family.get("values", [])] + list(family.get("named", {}).items())
    for name, value in values:
        members = dict(request["input"])
        if name is not None:
            members[family["at"].lstrip("/")] = value
        yield case["id"] + (f"/{name}" if name else ""), members, case["expect"]


def main():
    passed = failed = 0
    for path in sorted((FIXTURES / "server").glob("*.json")):
        for case in json.loads(path.read_text())["cases"]:
            for name, members, expect in expanded(case):
                answers = expect.get("one_of", [expect])
                success = any(answer["status"] == 200 for answer in answers)
                refusal = any(answer["status"] != 200 for answer in answers)
                allowed = judge({member: fill(value) for member, value in members.items()})
                # A request that the documents allow may still be refused: for what the target has, or for its wire form.
                other_reason = case.get("breaks") in ("state", "protocol")
                right = success if allowed else refusal if allowed is False else success and refusal
                if allowed and other_reason:
                    right = True
                if allowed is False and success:
                    right = False
                passed, failed = passed + right, failed + (not right)
                if not right:
                    print(f"FAIL {name}: the documents say {allowed}, the case expects {answers}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0 or passed < 250)


main()
