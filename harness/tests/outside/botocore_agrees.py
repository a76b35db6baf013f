#!/usr/bin/env python3
"""Compares the service, its operations and the right replies with AWS's own model, as botocore carries it.

Usage: python botocore_agrees.py [FIXTURES]      (needs: pip install botocore)

An outside judge: it shares no code with the harness. Every fact that the model can speak about must be what the model
says, unless the file declares the difference, with what the model says instead and a document that says what the file
states. So an undeclared difference fails, and a declared one that no longer exists fails too. Where a fact names the
model as its source, there is no such way out, and the place that it names must be where the model says it. What has a
page of its own and is still taken from the model alone must be declared as well: there the documents are silent. Nothing
that the model has may be missing, and nothing may be stated that is not compared. botocore then reads the right replies.
Prints what does not hold, one line for each part, and the total last.
"""

import datetime
import json
import pathlib
import re
import sys

import botocore
import botocore.loaders
import botocore.model
import botocore.parsers
import botocore.serialize

# The traits of the model that `Model` understands, for each type; another one fails.
TRAITS = {
    "string": {"min", "max", "pattern", "sensitive", "enum"},
    "integer": {"min", "max", "box"},
    "boolean": {"box"},
    "timestamp": {"timestampFormat"},
    "list": {"member", "min", "max"},
    "map": {"key", "value"},
    "structure": {"required", "members"},
}
EXCEPTION_TRAITS = {"type", "required", "members", "documentation", "exception", "fault", "retryable"}
OPERATION_TRAITS = {"name", "http", "input", "output", "errors", "documentation", "idempotent"}
# How JSON writes the formats of points in time; the protocol decides where there is none.
FORMATS = {None: None, "iso8601": "string", "unixTimestamp": "number"}
METADATA = ["service_id", "signing_name", "endpoint_prefix", "target_prefix", "protocol", "json_version", "api_version",
            "signature_version"]
MODEL = "service-model"
# The two documents, and the older copy that says what they no longer do; other revisions of them support nothing.
PAGES = {"api-reference", "boto3", "older-api-reference"}
# What no model can hold.
BEYOND = re.compile(r"/(meaning|changes_nothing|common_names|expires_after|makes|costs)$|^/reserved_words/|^/error_name_member$")


class Checks:
    """Counts, prints what fails, and a line for each part."""

    def __init__(self):
        self.passed = self.failed = self.told = 0

    def check(self, name, holds, detail=""):
        self.passed, self.failed = self.passed + bool(holds), self.failed + (not holds)
        if not holds:
            print(f"FAIL {name}: {detail}")

    def names(self, what, ours, models):
        self.check(f"{what}: the same names", set(ours) == set(models), f"stated {sorted(ours)}, model {sorted(models)}")

    def tell(self, part):
        print(f"     {part}: {self.passed + self.failed - self.told} checks")
        self.told = self.passed + self.failed


def escape(token):
    return token.replace("~", "~0").replace("/", "~1")


def facts(value, at=""):
    """Every fact of a file by its pointer, and what prose is read as, so that none escapes the comparison."""
    if isinstance(value, dict):
        if "is" in value:
            yield at, value
            return
        for name, child in value.items():
            if name == "reads_as":
                yield from ((f"{at}/reads_as/{escape(key)}", {"is": reading}) for key, reading in child.items())
            elif at or name != "differences":
                yield from facts(child, f"{at}/{escape(name)}")


def same(one, other):
    """Equal, and of one type: true is not 1."""
    return one == other and type(one) is type(other)


class File:
    """One file: what it states, and what the model says there, by JSON pointer, and at which places of its own."""

    def __init__(self, checks, path):
        self.checks, self.name = checks, path.name
        self.stated = json.loads(path.read_text(encoding="utf-8"))
        self.facts = dict(facts(self.stated))
        self.says, self.places, self.documented = {}, {}, set()

    def state(self, pointer, value, *places):
        self.says[pointer], self.places[pointer] = value, places

    def mean(self, at, place, documentation):
        """Our own words: the model cannot say them, but speaks of the same thing at this place, with or without words."""
        self.places[f"{at}/meaning"] = (place,)
        if documentation:
            self.documented.add(f"{at}/meaning")

    def check(self, name, holds, detail=""):
        self.checks.check(f"{self.name} {name}", holds, detail)

    def find(self, pointer):
        """What a JSON pointer points to; a fact counts as what it states, and what is not there as None."""
        value = self.stated
        for token in pointer.split("/")[1:]:
            value = value.get(token.replace("~1", "/").replace("~0", "~")) if isinstance(value, dict) else None
        return value["is"] if isinstance(value, dict) and "is" in value else value

    def needs_declaring(self, pointer):
        """Whether a fact comes from the model alone, though the documents speak of what it is about: the file, or the error."""
        about = "/".join(pointer.split("/")[:3]) + "/" if pointer.startswith("/errors/") else "/"
        spoken = any(PAGES & fact.get("source", {}).keys() for at, fact in self.facts.items() if f"{at}/".startswith(about))
        sources = self.facts.get(pointer, {}).get("source")
        return spoken and pointer.startswith(("/request/", "/response/", "/errors/")) and sources and not PAGES & sources.keys()

    def declared(self):
        """Checks what the differences claim that the model says; gives what the two pages say there, by pointer."""
        claims = {}
        for difference in self.stated.get("differences", []):
            for pointer, said in difference["places"].items():
                name = f"difference {difference['id']} at {pointer}"
                values = list(said.values())
                self.check(f"{name}: the sources differ", any(value != values[0] for value in values), "they all say the same")
                if MODEL in said:
                    self.check(f"{name}: the model can be asked", pointer in self.says, "nothing is known of it here")
                    says = self.says.get(pointer)
                    self.check(f"{name}: the model says {json.dumps(said[MODEL])}", says == said[MODEL], f"it says {json.dumps(says)}")
                    claims.setdefault(pointer, []).extend(said[page] for page in PAGES & said.keys())
        for pointer, said in claims.items():
            stated, documents = self.find(pointer), [value for value in said if value is not None]
            holds = not documents or any(same(stated, value) for value in documents)
            self.check(f"{pointer}: is what a document is declared to say", holds, f"stated {json.dumps(stated)}, not {documents}")
        return claims

    def compare(self):
        claims = self.declared()
        for pointer, value in self.says.items():
            stated, fact = self.find(pointer), self.facts.get(pointer, {})
            if same(stated, value) and self.needs_declaring(pointer):
                self.check(f"{pointer}: is declared to be in the model only", None in claims.get(pointer, []), "it is not")
            # Without a value of the file's own there is nothing that another source could support.
            supported = stated is not None and any(same(stated, other) for other in claims.get(pointer, []))
            # What the protocol decides where the model has nothing.
            silent = value is None and pointer.endswith(("/status", "/json_type"))
            supported |= silent and fact.get("evidence") == "protocol"
            detail = f"stated {json.dumps(stated)}, model {json.dumps(value)}, and no difference declares what a document says"
            self.check(pointer, same(stated, value) or supported and MODEL not in fact.get("source", {}), detail)
        for pointer, fact in self.facts.items():
            beyond = BEYOND.search(pointer) and (fact.get("evidence") != "modelled" or pointer in self.documented)
            compared = pointer in self.says or beyond
            self.check(f"{pointer}: is compared", compared, "the file states it and nothing compares it")
            place = fact.get("source", {}).get(MODEL)
            if place or fact.get("evidence") == "modelled":
                places = self.places.get(pointer, ())
                self.check(f"{pointer}: the model says so at its place", place in places, f"stated {place!r}, model {places}")
        self.checks.tell(self.name)

    def readings(self, at, prose):
        """A prose constraint, next to the trait of the model that would say the same."""
        for name, statement in prose.items():
            for key in statement.get("reads_as", {}):
                self.state(f"{at}/prose/{escape(name)}/reads_as/{key}", self.says.get(f"{at}/{key}"))

    def quotes(self, at, prose, documentation):
        """A statement that stands in the boto3 page, which is made from the model, must still be in the model's text."""
        text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", documentation or ""))
        for name, statement in prose.items():
            if "boto3" in statement["source"]:
                self.check(f"{at}/prose/{name}: the model's documentation still says so", statement["quote"] in text, statement["quote"])


# Every operation can answer these, by the page of common errors; the model lists them for some.
COMMON_ERRORS = {"AccessDeniedException"}


class Model:
    """What the service model says, put into the files under their pointers."""

    def __init__(self, raw, paginators):
        self.raw, self.paginators, self.shapes = raw, paginators, raw["shapes"]
        self.service = botocore.model.ServiceModel(raw, "redshift-serverless")

    def reach(self, name, found):
        """The shapes that a shape is made of, itself included."""
        if name not in found:
            found.add(name)
            shape = self.shapes[name]
            for reference in [*shape.get("members", {}).values(), *filter(None, [shape.get("member"), shape.get("value")])]:
                self.reach(reference["shape"], found)
        return found

    def parts(self, operation):
        """The shapes of its request, its response and its errors."""
        operation = self.raw["operations"][operation]
        roots = [operation["input"], operation["output"], *operation["errors"]]
        return set().union(*(self.reach(root["shape"], set()) for root in roots))

    def structure(self, file, at, name):
        stated, shape = file.find(at) or {}, self.shapes[name]
        file.checks.names(f"{file.name} {at}/members", stated.get("members", {}), shape["members"])
        file.mean(at, f"shape {name}", shape.get("documentation"))
        for member, reference in shape["members"].items():
            inside = f"{at}/members/{escape(member)}"
            place = f"shape {name}, required" if "required" in shape else f"shape {name}, which has no required list"
            file.state(f"{inside}/required", member in shape.get("required", []), place)
            self.value(file, inside, reference, f"shape {name}, {member}")
            facts = stated.get("members", {}).get(member, {})
            file.readings(inside, facts.get("prose", {}))
            file.quotes(inside, facts.get("prose", {}), reference.get("documentation"))
            file.mean(inside, f"shape {name}, {member}", reference.get("documentation"))

    def value(self, file, at, reference, where):
        """What a member is, or an item of a list."""
        name = reference["shape"]
        target = self.shapes[name]
        kind = target["type"]
        unknown = set(target) - TRAITS.get(kind, set()) - {"type", "documentation"} | set(reference) - {"shape", "documentation"}
        file.check(f"{at}: the model has no traits that this script does not compare; teach TRAITS and Model.value", not unknown, unknown)
        text = kind in ("string", "list")
        file.state(f"{at}/type", "enumeration" if "enum" in target else kind, f"shape {name}", where)
        file.state(f"{at}/values", target.get("enum"), f"shape {name}, enum")
        file.state(f"{at}/min_length", target.get("min") if text else None, f"shape {name}, min")
        file.state(f"{at}/max_length", target.get("max") if text else None, f"shape {name}, max")
        file.state(f"{at}/minimum", None if text else target.get("min"), f"shape {name}, min")
        file.state(f"{at}/maximum", None if text else target.get("max"), f"shape {name}, max")
        file.state(f"{at}/pattern", target.get("pattern"), f"shape {name}, pattern")
        file.state(f"{at}/default", target.get("default"), f"shape {name}, default")
        file.state(f"{at}/sensitive", target.get("sensitive"), f"shape {name}, sensitive")
        file.state(f"{at}/json_type", FORMATS.get(form := target.get("timestampFormat"), form), f"shape {name}, timestampFormat")
        file.state(f"{at}/shape", name if kind == "structure" else None)
        if kind in ("list", "map"):
            inner = "member" if kind == "list" else "value"
            self.value(file, f"{at}/items", target[inner], f"shape {name}, {inner}")

    def whole(self, file, names):
        """The service: its metadata, the errors and shapes that its operations have, and what its resources are."""
        stated, metadata = file.stated, self.raw["metadata"]
        for key in METADATA:
            trait = re.sub(r"_(.)", lambda found: found[1].upper(), key)
            file.state(f"/{key}", metadata.get(trait), f"metadata, {trait}")
        file.check("/protocol: the only one", metadata["protocols"] == ["json"], metadata["protocols"])
        file.check("/signature_version: the only one", metadata["auth"] == ["aws.auth#sigv4"], metadata["auth"])
        file.check("/default_operation: is an operation", stated["default_operation"] in names, stated["default_operation"])

        listed = {error["shape"] for name in names for error in self.raw["operations"][name]["errors"]}
        file.checks.names("the errors of all operations", stated["errors"], listed)
        for name in sorted(listed):
            self.error(file, f"/errors/{name}", name)

        ends = {self.raw["operations"][name][end]["shape"] for name in names for end in ("input", "output")}
        reached = set().union(*map(self.parts, names)) - ends - listed
        inner = {name for name in reached if self.shapes[name]["type"] == "structure"}
        file.checks.names("the shapes of all operations", stated["shapes"], inner)
        for name in sorted(inner):
            file.state(f"/shapes/{name}/name", name)
            self.structure(file, f"/shapes/{name}", name)
        for resource in stated["resources"]:
            self.resource(file, resource, names)

    def error(self, file, at, name):
        shape = self.shapes[name]
        file.check(f"{at}: the model has no traits that this script does not compare", not set(shape) - EXCEPTION_TRAITS, set(shape))
        file.state(f"{at}/status", shape.get("error", {}).get("httpStatusCode"))
        file.state(f"{at}/fault", shape.get("fault"), f"shape {name}, fault")
        # The trait's value says only that it is no throttling.
        file.state(f"{at}/retryable", True if "retryable" in shape else None, f"shape {name}, retryable")
        file.check(f"{at}/means: fault, where it is one", (file.find(f"{at}/means") == "fault") == shape.get("fault", False))
        self.structure(file, at, name)

    def resource(self, file, resource, names):
        """The names of resources fit what requests call them by, and they are listed where the model has such a list."""
        member, at = resource["member"], f"/resources/{resource['id']}"
        requests = [self.shapes[self.raw["operations"][name]["input"]["shape"]]["members"] for name in names]
        called = [self.shapes[members[member]["shape"]] for members in requests if member in members]
        file.check(f"{at}: requests have the member {member}", called)
        for shape in called:
            for name in (resource["sample"], resource["example"], resource.get("default", resource["sample"])):
                fits = shape.get("min", 0) <= len(name) <= shape.get("max", len(name)) and re.search(shape.get("pattern", ""), name)
                file.check(f"{at}: {name} can be a {member}", fits)
        if listing := resource.get("listed_by"):
            result = self.paginators.get(listing["operation"], {}).get("result_key")
            file.check(f"{at}: is listed at {listing['at']}", listing["at"] == f"/{result}", result)
            answer = self.service.operation_model(listing["operation"]).output_shape.members.get(result)
            members = getattr(getattr(answer, "member", None), "members", {})
            file.check(f"{at}: each one listed has a {listing['member']}", listing["member"] in members, list(members))

    def operation(self, file, service):
        """An operation: its line, as botocore's serializer really makes it, its request, its response and its errors."""
        name = file.name.removesuffix(".json")
        operation = self.raw["operations"][name]
        unknown = set(operation) - OPERATION_TRAITS
        file.check("the model has no traits that this script does not compare", not unknown, unknown)
        serializer = botocore.serialize.create_serializer(self.raw["metadata"]["protocol"], include_validation=False)
        made = serializer.serialize_to_request({}, self.service.operation_model(name))
        file.mean("", f"operation {name}", operation["documentation"])
        file.places["/changes_nothing"] = (f"operation {name}",)
        file.check("/changes_nothing: by its name", file.find("/changes_nothing") == name.startswith(("Get", "List")))
        file.state("/name", operation["name"], f"operation {name}")
        file.places["/makes"] = (f"operation {name}",)
        if makes := file.find("/makes"):
            ends = [self.raw["operations"][end] for end in (name, makes["undone_by"])]
            required = self.shapes[ends[1]["input"]["shape"]].get("required", [])
            file.check("/makes: what undoes it requires what it has", set(required) == set(makes["with"]), required)
            listed = [error["shape"] for end in ends for error in end["errors"]]
            file.check("/makes: both list the error", listed.count(makes["taken"]) == 2, listed)
        file.state("/idempotent", operation.get("idempotent"), f"operation {name}, idempotent")
        line = operation["http"]["method"], operation["http"]["requestUri"]
        file.check("is sent as the model has it", line == (made["method"], made["url_path"]), line)
        file.state("/method", made["method"], f"operation {name}, http")
        file.state("/path", made["url_path"], f"operation {name}, http")
        file.state("/target", made["headers"]["X-Amz-Target"])
        file.state("/status", operation["http"].get("responseCode"), f"operation {name}, http")
        status = operation["http"].get("responseCode", 200)
        file.check("/status: the protocol's, where the model has none", file.find("/status") == status, status)
        file.check("is sent as the service's media type", made["headers"]["Content-Type"] == service.find("/content_type"), made["headers"])
        service.state("/content_type", made["headers"]["Content-Type"])
        pages = self.paginators.get(name)
        file.state("/pages", pages and {"size": pages["limit_key"], "token": pages["input_token"]}, f"paginators, {name}")
        if pages:
            ends = (operation["input"]["shape"], pages["input_token"]), (operation["output"]["shape"], pages["output_token"])
            one = pages["input_token"] == pages["output_token"] and all(token in self.shapes[end]["members"] for end, token in ends)
            file.check("/pages: one token for requests and answers", one, pages)
        file.readings("", file.stated.get("prose", {}))
        file.quotes("", file.stated.get("prose", {}), operation["documentation"])
        for at, key in (("/request", "input"), ("/response", "output")):
            file.state(f"{at}/name", operation[key]["shape"])
            self.structure(file, at, operation[key]["shape"])
            file.readings(at, file.stated[at[1:]].get("prose", {}))
        listed = [error["shape"] for error in operation["errors"]]
        file.checks.names(f"{file.name} /errors", file.stated["errors"], listed)
        for error in listed:
            file.state(f"/errors/{error}", True, f"operation {name}, errors")

    def reads(self, checks, service, name, operation, reply):
        """botocore reads all of a right reply: each member with its value, each point in time as one."""
        body = json.loads(re.sub(r'"\$\{now\+\w+\}"', "1700000000", json.dumps(reply["body"])))
        answer = {"body": json.dumps(body).encode(), "headers": {}, "status_code": reply["status"]}
        output = self.service.operation_model(operation).output_shape
        read = botocore.parsers.create_parser("json").parse(answer, output)
        if reply["status"] == 200:
            del read["ResponseMetadata"]
            wrong = differ(output, body, read, "")
            checks.check(f"reply {name}: botocore reads it as an answer of {operation}", not wrong, wrong)
            return
        naming = service.find("/error_name_member")
        code, stated = read["Error"]["Code"], body.get(naming)
        checks.check(f"reply {name}: botocore reads the error {stated}", code == stated, code)
        listed = {shape.error_code: shape for shape in self.service.operation_model(operation).error_shapes}
        if code in listed:
            missing = [member for member in listed[code].required_members if member not in body]
            unknown = body.keys() - listed[code].members.keys() - {naming}
            checks.check(f"reply {name}: an error of {operation} in full", not missing and not unknown, (missing, unknown))
        else:
            others = code in self.shapes and self.shapes[code].get("exception") and code not in COMMON_ERRORS
            checks.check(f"reply {name}: no other operation's error", not others, code)


def differ(shape, sent, read, at):
    """Where what botocore read is not what was sent."""
    kind, limits = shape.type_name, shape.metadata
    text = shape.serialization.get("timestampFormat") == "iso8601"
    time = str if text else (int, float)
    kinds = {"structure": dict, "map": dict, "list": list, "string": str, "integer": int, "boolean": bool, "timestamp": time}
    if not isinstance(sent, kinds[kind]) or isinstance(sent, bool) != (kind == "boolean"):
        return [at]
    if kind == "structure":
        found = [f"{at}/{name}" for name in (sent.keys() ^ read.keys()) | (set(shape.required_members) - sent.keys())]
        both = [(name, shape.members[name]) for name in sent.keys() & read.keys()]
        return found + [one for name, member in both for one in differ(member, sent[name], read[name], f"{at}/{name}")]
    if kind == "list":
        return [one for index, item in enumerate(sent) for one in differ(shape.member, item, read[index], f"{at}/{index}")]
    if kind == "map":
        return [one for key, item in sent.items() for one in differ(shape.value, item, read[key], f"{at}/{key}")]
    if kind == "timestamp":
        return [] if isinstance(read, datetime.datetime) else [at]
    size = len(sent) if kind == "string" else sent
    right = same(sent, read) and limits.get("min", size) <= size <= limits.get("max", size)
    right = right and (kind != "string" or re.search(limits.get("pattern", ""), sent) and sent in (shape.enum or [sent]))
    return [] if right else [at]


def replies(checks, fixtures, model, service, files):
    """The replies that stand for right answers, by the operations whose cases name them, and the examples."""
    wanted = {}
    for path in sorted((fixtures / "server").glob("*.json")):
        suite = json.loads(path.read_text(encoding="utf-8"))
        for call in (call for case in suite["cases"] for call in case.get("steps", [case])):
            # The mock has no state, and so no reply for what depends on it.
            if "reply" in call:
                operation = call["request"].get("operation", suite["operation"])
                wanted[call["reply"], operation] = fixtures / f"replies/{call['reply']}.json"
    for (name, operation), path in sorted(wanted.items()):
        reply = json.loads(path.read_text(encoding="utf-8"))
        if "body" in reply:
            model.reads(checks, service, name, operation, reply)
    for name, file in files.items():
        if "example" in file.stated:
            model.reads(checks, service, "in the example", name, {"status": 200, "body": file.stated["example"]})
    checks.tell("replies")


def requirements(checks, rows, model, files):
    """A requirement that is taken from the model names what its operation has there, or what any of the operations has
    if it is about what they make together."""
    prefixes = {file.stated["requirements"]: name for name, file in files.items()}
    for row in rows:
        operation = prefixes.get(row["id"].split("-")[0])
        operations = set(files) if row.get("feature") == "provisioning" else {operation} - {None}
        for place in [source.get("place", "") for source in row["source"] if source["document"] == MODEL]:
            named = set(re.findall(r"\bshape (\w+)", place))
            unknown = named.difference(*map(model.parts, operations))
            checks.check(f"{row['id']}: its operation has what {place!r} names", operation and not unknown, unknown)
            others = set(re.findall(r"\b(?:operation|paginator of) ([A-Z]\w+)", place)) - operations
            checks.check(f"{row['id']}: {place!r} is about its own operation", not others, others)
    checks.tell("requirements.json")


def main():
    fixtures = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[3] / "fixtures"
    loader, checks = botocore.loaders.Loader(), Checks()
    raw, paginators = (loader.load_service_model("redshift-serverless", kind) for kind in ("service-2", "paginators-1"))
    print(f"{fixtures} against the service model in botocore {botocore.__version__}")
    model, folder = Model(raw, paginators["pagination"]), fixtures / "services/redshift-serverless"
    service = File(checks, folder / "service.json")
    files = {path.stem: File(checks, path) for path in sorted((folder / "operations").glob("*.json"))}
    model.whole(service, list(files))
    for file in files.values():
        model.operation(file, service)
    for file in (service, *files.values()):
        file.compare()
    rows = json.loads((fixtures / "requirements.json").read_text(encoding="utf-8"))["requirements"]
    requirements(checks, rows, model, files)
    replies(checks, fixtures, model, service, files)
    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(1 if checks.failed else 0)


if __name__ == "__main__":
    main()
