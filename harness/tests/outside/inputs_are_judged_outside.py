#!/usr/bin/env python3
"""Every input that a case calls valid or invalid is judged by rules that are not the project's.

usage: inputs_are_judged_outside.py [FIXTURES]    (standard library; from the project's root)
The rules below are written by hand from the API reference and, for what has no page, from the model, with the name
pattern taken apart into labels. They know nothing of the generated schemas. An input is sent where the answer may be a
success, and refused where it may be an error; what the documents leave open may be either. The schemas, which lie
beside FIXTURES, are then held against the same inputs: each must refuse what a case says breaks one of its keywords,
for that keyword alone, and accept the rest. A case that holds in older revisions of the documents only is judged by
the rules of the newest of them, and its schema is that of today with what the rules of that time change.
"""
import json
import re
import string
import sys
from collections import Counter
from pathlib import Path

FIXTURES = Path(sys.argv[1] if len(sys.argv) > 1 else "fixtures").resolve()
SCHEMAS = FIXTURES.parent / "schemas"
LETTERS, DIGITS = set(string.ascii_letters), set(string.digits)
SERVICE = json.loads((FIXTURES / "services/redshift-serverless/service.json").read_text())
# What the placeholders stand for: a name of each resource, and one that no target has.
SAMPLES = {resource["placeholder"]: resource["sample"] for resource in SERVICE["resources"]}
SAMPLES |= {absent["placeholder"]: re.sub(r"\$\{random:\d+\}", "absent", absent["form"])
            for absent in (resource.get("absent") for resource in SERVICE["resources"]) if absent}
RESERVED = {word.lower() for word in SERVICE["reserved_words"]["words"]["is"]}
YEARS = [revision["year"] for revision in SERVICE["revisions"]]
ROWS = {row["id"]: row for row in json.loads((FIXTURES / "requirements.json").read_text())["requirements"]}
# What the target itself gave out, in the answer to an earlier step.
GIVEN_OUT = "given out before"


def domain(name):
    """At least two labels of 1 to 63 letters, digits and inner hyphens, the last of 2 at least; 253 in all."""
    labels = name.split(".")
    def label(text):
        return 1 <= len(text) <= 63 and set(text) <= LETTERS | DIGITS | {"-"} and text[0] != "-" != text[-1]
    return 1 <= len(name) <= 253 and len(labels) >= 2 and all(map(label, labels)) and len(labels[-1]) >= 2


def workgroup(name):
    return 3 <= len(name) <= 64 and set(name) <= set(string.ascii_lowercase) | DIGITS | {"-"}


def certificate(arn):
    """An ARN of a certificate anywhere in it: a partition, a region that may be missing, an account, and a name."""
    word = r"[\w+=,.@-]+"
    return 20 <= len(arn) <= 2048 and bool(re.search(rf"arn:[\w+=/,.@-]+:acm:[\w+=/,.@-]*:[0-9]+:{word}", arn, re.ASCII))


def resource(arn):
    return 1 <= len(arn) <= 1011


def page_token(text):
    """The same for a token whose length is modelled."""
    return token(text) if text == GIVEN_OUT or 8 <= len(text) <= 1024 else False


def database(name):
    """True and false where the documents agree with themselves; None where they do not."""
    if not 1 <= len(name) <= 64 or name[0] not in LETTERS or not set(name) <= LETTERS | DIGITS | set("_+.@-"):
        return False
    if name in RESERVED:
        return False
    if set(name) & set("_+.@") or set(name) & set(string.ascii_uppercase):
        return None
    return True


def duration(value):
    if isinstance(value, float):
        return None
    return 900 <= value <= 3600


def account(digits):
    """At most 12 characters, and 12 digits among them."""
    return len(digits) == 12 and set(digits) <= DIGITS


def token(text):
    """Nothing says what becomes of one that was never given out."""
    return True if text == GIVEN_OUT else None


def one_name(names):
    """At least one of two; whether both together are allowed is not said."""
    both = {"workgroupName", "customDomainName"}
    return None if both <= names else bool(both & names)


# So many inputs of an operation show at least that its suite is tried here.
LEAST = 20

# The members of each operation's request, and what holds of their names together.
RULES = {
    "GetCredentials": ({"customDomainName": (str, domain), "workgroupName": (str, workgroup), "dbName": (str, database),
                        "durationSeconds": ((int, float), duration)}, one_name),
    "GetWorkgroup": ({"workgroupName": (str, workgroup)}, lambda names: "workgroupName" in names),
    "ListWorkgroups": ({"maxResults": (int, lambda value: 1 <= value <= 100), "nextToken": (str, token),
                        "ownerAccount": (str, account)}, lambda names: True),
    "GetNamespace": ({"namespaceName": (str, workgroup)}, lambda names: "namespaceName" in names),
    "ListNamespaces": ({"maxResults": (int, lambda value: 1 <= value <= 100), "nextToken": (str, token)}, lambda names: True),
    "GetCustomDomainAssociation": ({"customDomainName": (str, domain), "workgroupName": (str, workgroup)},
                                   lambda names: {"customDomainName", "workgroupName"} <= names),
    "ListCustomDomainAssociations": ({"customDomainCertificateArn": (str, certificate), "customDomainName": (str, domain),
                                      "maxResults": (int, lambda value: 1 <= value <= 100), "nextToken": (str, page_token)},
                                     lambda names: True),
    "ListTagsForResource": ({"resourceArn": (str, resource)}, lambda names: "resourceArn" in names),
}


def small(name):
    """The documents of 2022 allow no upper-case letter, and the others that later ones do."""
    return False if set(name) & set(string.ascii_uppercase) else database(name)


# What older documents say otherwise, each with the last year in which they did: a workgroup is required, and there is no
# customDomainName, of which they therefore say nothing.
OLDER = {
    ("GetCredentials", 2023): ({"customDomainName": (str, lambda name: None)}, lambda names: "workgroupName" in names, ["workgroupName"]),
    ("GetCredentials", 2022): ({"dbName": (str, small)}, lambda names: "workgroupName" in names, ["workgroupName"]),
}


def older(operation, year):
    """The changes that count in a year, the newest first."""
    return [OLDER[key] for key in sorted(OLDER, reverse=True) if key[0] == operation and year <= key[1]]


def holds(thing, year):
    """Whether a case or a requirement holds in a year."""
    span = thing.get("holds", {})
    return span.get("from", year) <= year <= span.get("until", year)


def newest(case):
    """The newest year in which a case and one of its requirements that an outcome decides hold."""
    rows = [row for row in map(ROWS.__getitem__, case["requirements"]) if "decided_by" not in row]
    return max(year for year in YEARS if holds(case, year) and any(holds(row, year) for row in rows))


def judge(operation, request, year):
    """True for a request that the documents allow, False for one that they forbid, None where they are silent."""
    rules, together = RULES[operation]
    for changed, then, _ in older(operation, year):
        rules, together = rules | changed, then
    verdicts = [together(set(request))]
    for name, value in request.items():
        if name in rules:
            kind, rule = rules[name]
            verdicts.append(isinstance(value, kind) and not isinstance(value, bool) and rule(value))
    return False if False in verdicts else None if None in verdicts else True


# The keywords that a request's schema may have, as JSON Schema defines them.
KEYWORDS = {
    "type": lambda value, kind: isinstance(value, str) if kind == "string"
    else isinstance(value, (int, float)) and not isinstance(value, bool) and value == int(value),
    "minLength": lambda value, least: not isinstance(value, str) or len(value) >= least,
    "maxLength": lambda value, most: not isinstance(value, str) or len(value) <= most,
    # `$` is the very end, and `\d` a digit of ASCII.
    "pattern": lambda value, pattern: not isinstance(value, str) or re.search(pattern.replace("$", r"\Z"), value, re.ASCII),
    "minimum": lambda value, least: not isinstance(value, (int, float)) or isinstance(value, bool) or value >= least,
    "maximum": lambda value, most: not isinstance(value, (int, float)) or isinstance(value, bool) or value <= most,
}


def broken(schema, request):
    """The keywords of a schema that a request breaks."""
    found = {"required"} if set(schema.get("required", [])) - set(request) else set()
    for name, value in request.items():
        for keyword, operand in schema["properties"].get(name, {}).items():
            if keyword not in ("description", "default") and not keyword.startswith("x-") and not KEYWORDS[keyword](value, operand):
                found.add(keyword)
    return found


def fill(value):
    if isinstance(value, str):
        if re.fullmatch(r"\$\{steps\.[a-z0-9-]+/\w+\}", value):
            return GIVEN_OUT
        for name, sample in SAMPLES.items():
            value = value.replace("${%s}" % name, sample)
        value = re.sub(r"\$\{random:(\d+)\}", lambda found: "r" * int(found[1]), value)
        # The names of what a case makes begin with a random part and end with their key.
        value = re.sub(r"\$\{name:([a-z-]+)\}", r"run-\1", value)
        assert "${" not in value, f"a placeholder that is not known here: {value}"
    return value


def expanded(case, operation):
    """Each call of the operation in a case, as its input and its expectation; a body that is written out is left out."""
    success = {"status": 200, "schema": f"{operation}Response"}
    if "steps" in case:
        for number, step in enumerate(case["steps"], 1):
            if step.get("request", {}).get("operation", operation) == operation and "request" in step:
                yield f"{case['id']}, step {number}", step["request"]["input"], step.get("expect", success)
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
        yield case["id"] + (f"/{name}" if name else ""), members, case.get("expect", success)


def faults(case, operation, schema, members, expect):
    """What is wrong with an input and what is expected of it."""
    answers = expect.get("one_of", [expect])
    success = any(answer["status"] == 200 for answer in answers)
    refusal = any(answer["status"] != 200 for answer in answers)
    request = {name: fill(value) for name, value in members.items() if value is not None}
    year = newest(case)
    for *_, required in older(operation, year):
        schema = schema | {"required": required}
    allowed = judge(operation, request, year)
    # A request that the documents allow may still be refused: for what the target has, or for its wire form.
    breaks = case.get("breaks")
    right = success or breaks in ("state", "protocol") if allowed else refusal and not success if allowed is False else success and refusal
    if not right:
        yield f"the documents say {allowed}, the case expects {answers}"
    if any(answer.get("schema", f"{operation}Response") != f"{operation}Response" for answer in answers):
        yield f"no answer of {operation}: {answers}"
    keywords = {breaks} & (KEYWORDS.keys() | {"required"})
    if broken(schema, request) != keywords:
        yield f"it breaks {sorted(broken(schema, request))} of the schema, the case says {breaks}"


def main():
    judged, failed = Counter(), 0
    for path in sorted((FIXTURES / "server").glob("*.json")):
        suite = json.loads(path.read_text())
        operation = suite["operation"]
        schema = json.loads((SCHEMAS / f"{operation}Request.schema.json").read_text())
        for case in suite["cases"]:
            for name, members, expect in expanded(case, operation):
                wrong = list(faults(case, operation, schema, members, expect))
                judged[operation] += 1
                failed += bool(wrong)
                for fault in wrong:
                    print(f"FAIL {name}: {fault}")
    print(", ".join(f"{operation} {count}" for operation, count in judged.items()))
    print(f"{judged.total() - failed} passed, {failed} failed")
    if judged.keys() != RULES.keys():
        sys.exit(f"RULES has {sorted(RULES)}, the suites are of {sorted(judged)}: write the rules of each operation from its documents")
    few = {operation: count for operation, count in judged.items() if count < LEAST}
    if few or judged.total() < 400:
        sys.exit(f"expected at least {LEAST} inputs of each operation and 400 in all, found {few or judged.total()}")
    sys.exit(failed > 0)


main()
