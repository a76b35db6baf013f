#!/usr/bin/env python3
"""Compares the documented shapes with AWS's own service model, as botocore carries it.

Usage: python botocore_agrees.py [PATH_TO_SHAPES]      (needs: pip install botocore)

An outside judge: it shares no code with the harness. Every fact of the shapes that the model can speak about must
be what the model says, unless the shapes declare the difference, with what the model says instead and a document
that says what the shapes state. So an undeclared difference fails, and a declared one that no longer exists fails
too. What the shapes take from the model alone must be declared as well: there the two documents are silent. Prints
one line a check, and the total last.
"""

import json
import pathlib
import re
import sys

import botocore
import botocore.loaders
import botocore.model
import botocore.serialize

SHAPES = pathlib.Path(__file__).resolve().parents[3] / "fixtures/shapes/redshift-serverless.json"

# The traits of the model that `Model.member` understands, for each type; another one fails.
TRAITS = {
    "string": {"type", "min", "max", "pattern", "sensitive"},
    "integer": {"type", "min", "max", "box"},
    "timestamp": {"type", "timestampFormat"},
}
EXCEPTION_TRAITS = {"type", "required", "members", "documentation", "exception", "fault", "retryable"}
MODEL = "service-model"
# The two documents; older and newer revisions of them support nothing.
PAGES = {"api-reference", "boto3"}


class Checks:
    """Counts, and prints a line for each."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, name, holds, detail=""):
        print(f"{'ok  ' if holds else 'FAIL'} {name}{'' if holds else ': ' + detail}")
        if holds:
            self.passed += 1
        else:
            self.failed += 1


def escape(token):
    return token.replace("~", "~0").replace("/", "~1")


def resolve(document, pointer):
    """What a JSON pointer points to; a fact counts as what it states, and what is not there as None."""
    value = document
    for token in pointer.split("/")[1:]:
        token = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and token in value:
            value = value[token]
        elif isinstance(value, list) and token.isdigit() and int(token) < len(value):
            value = value[int(token)]
        else:
            return None
    return value["is"] if isinstance(value, dict) and "is" in value else value


class Model:
    """What the service model says, under the JSON pointers of the shapes file."""

    def __init__(self, checks, raw, operation):
        self.checks = checks
        self.raw = raw
        self.operation = raw["operations"][operation]
        self.says = {}

    def state(self, pointer, value):
        self.says[pointer] = value

    def known(self, at, unknown):
        self.checks.check(f"{at}: the model has no traits that this script does not compare", not unknown, f"{unknown}")

    def service(self):
        metadata = self.raw["metadata"]
        for key, trait in {
            "service_id": "serviceId",
            "signing_name": "signingName",
            "endpoint_prefix": "endpointPrefix",
            "target_prefix": "targetPrefix",
            "protocol": "protocol",
            "json_version": "jsonVersion",
            "api_version": "apiVersion",
            "signature_version": "signatureVersion",
        }.items():
            self.state(f"/service/{key}", metadata.get(trait))
        self.checks.check("metadata: one protocol", metadata["protocols"] == ["json"], repr(metadata["protocols"]))

    def request_line(self):
        """Method, path, target and media type, as botocore's serializer really makes them."""
        service = botocore.model.ServiceModel(self.raw, "redshift-serverless")
        operation = service.operation_model(self.operation["name"])
        serializer = botocore.serialize.create_serializer(service.metadata["protocol"])
        made = serializer.serialize_to_request({}, operation)
        self.state("/operation/name", self.operation["name"])
        self.state("/operation/method", made["method"])
        self.state("/operation/path", made["url_path"])
        self.state("/operation/target", made["headers"]["X-Amz-Target"])
        self.state("/service/content_type", made["headers"]["Content-Type"])
        self.state("/operation/status", self.operation["http"].get("responseCode"))

    def structure(self, at, shape):
        for member, reference in shape["members"].items():
            self.member(f"{at}/members/{escape(member)}", member, reference, shape)

    def member(self, at, name, reference, parent):
        target = self.raw["shapes"][reference["shape"]]
        kind = target["type"]
        unknown = (set(target) - TRAITS.get(kind, set())) | (set(reference) - {"shape", "documentation"})
        self.known(at, unknown)
        is_string = kind == "string"
        self.state(f"{at}/type", kind)
        self.state(f"{at}/required", name in parent.get("required", []))
        self.state(f"{at}/min_length", target.get("min") if is_string else None)
        self.state(f"{at}/max_length", target.get("max") if is_string else None)
        self.state(f"{at}/minimum", None if is_string else target.get("min"))
        self.state(f"{at}/maximum", None if is_string else target.get("max"))
        self.state(f"{at}/pattern", target.get("pattern"))
        self.state(f"{at}/default", target.get("default"))
        self.state(f"{at}/sensitive", target.get("sensitive"))
        formats = {None: None, "iso8601": "string", "rfc822": "string", "unixTimestamp": "number"}
        self.state(f"{at}/json_type", formats[target.get("timestampFormat")] if kind == "timestamp" else None)

    def error(self, name):
        shape = self.raw["shapes"][name]
        unknown = set(shape) - EXCEPTION_TRAITS
        self.known(f"/errors/{name}", unknown)
        self.state(f"/errors/{name}/listed", True)
        self.state(f"/errors/{name}/status", shape.get("error", {}).get("httpStatusCode"))
        self.state(f"/errors/{name}/fault", shape.get("fault"))
        # The trait's value says only that it is no throttling.
        self.state(f"/errors/{name}/retryable", True if "retryable" in shape else None)
        self.structure(f"/errors/{name}", shape)

    def unlisted(self, name):
        shape = self.raw["shapes"].get(name, {})
        self.checks.check(f"/unlisted_errors/{name}: the model defines it as an error", shape.get("exception") is True)
        self.checks.check(f"/unlisted_errors/{name}: none of its members is required", not shape.get("required"))
        listed = [error["shape"] for error in self.operation["errors"]]
        self.checks.check(f"/unlisted_errors/{name}: the operation does not list it", name not in listed)
        self.state(f"/unlisted_errors/{name}/members", sorted(shape.get("members", {})))
        self.state(f"/unlisted_errors/{name}/retryable", True if "retryable" in shape else None)

    def readings(self, at, member_at, prose):
        """A prose constraint, next to the trait of the model that would say the same."""
        for name, statement in prose.items():
            for key in statement.get("reads_as", {}):
                said = self.says.get(f"{member_at}/{key}") if member_at else None
                self.state(f"{at}/prose/{escape(name)}/reads_as/{key}", said)


def text_of(documentation):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", documentation or ""))


def compare_names(checks, what, shapes, model):
    detail = f"shapes {sorted(shapes)}, model {sorted(model)}"
    checks.check(f"{what}: the same names", set(shapes) == set(model), detail)


def quotes(checks, at, prose, documentation):
    """A statement that stands in the boto3 page, which is made from the model, must still be in the model's text."""
    for name, statement in prose.items():
        if "boto3" in statement["source"]:
            checks.check(
                f"{at}/prose/{name}: the model's documentation still says so",
                statement["quote"] in text_of(documentation),
                f"no {statement['quote']!r} in it",
            )


def collect(checks, shapes, raw):
    """Everything that the model says about the operation, and that both sides have the same names."""
    model = Model(checks, raw, shapes["operation"]["name"]["is"])
    model.service()
    model.request_line()
    quotes(checks, "/operation", shapes["operation"]["prose"], model.operation["documentation"])

    for at, key in (("/request", "input"), ("/response", "output")):
        stated = shapes[at[1:]]
        name = model.operation[key]["shape"]
        shape = raw["shapes"][name]
        checks.check(f"{at}/name: {name} on both sides", stated["name"] == name, f"shapes {stated['name']}")
        compare_names(checks, f"{at}/members", stated["members"], shape["members"])
        model.structure(at, shape)
        model.readings(at, None, stated.get("prose", {}))
        for member, facts in stated["members"].items():
            inside = f"{at}/members/{escape(member)}"
            model.readings(inside, inside, facts.get("prose", {}))
            quotes(checks, inside, facts.get("prose", {}), shape["members"].get(member, {}).get("documentation"))

    listed = [error["shape"] for error in model.operation["errors"]]
    compare_names(checks, "/errors", shapes["errors"], listed)
    for name in listed:
        model.error(name)
        stated = shapes["errors"].get(name, {"members": {}})
        compare_names(checks, f"/errors/{name}/members", stated["members"], raw["shapes"][name]["members"])
    for name in shapes["unlisted_errors"]:
        model.unlisted(name)
    return model.says


def declared(checks, shapes, says):
    """Checks what the differences claim that the model says; gives what the two pages say there, by pointer."""
    claims = {}
    for difference in shapes["differences"]:
        for pointer, said in difference["places"].items():
            name = f"difference {difference['id']} at {pointer}"
            values = list(said.values())
            differ = any(value != values[0] for value in values)
            checks.check(f"{name}: the sources differ", differ, "they all say the same")
            if MODEL not in said:
                continue
            if pointer not in says:
                checks.check(f"{name}: the model can be asked", False, "nothing is known of it here")
                continue
            claims.setdefault(pointer, []).extend(said[page] for page in PAGES & set(said))
            checks.check(
                f"{name}: the model says {json.dumps(said[MODEL])}",
                says[pointer] == said[MODEL],
                f"it says {json.dumps(says[pointer])}",
            )
    return claims


def same(one, other):
    """Equal, and of one type: true is not 1."""
    return one == other and type(one) is type(other)


def modelled_only(shapes, pointer):
    """Whether a fact about a member or a listed error comes from the model and from neither document."""
    fact = shapes
    for token in pointer.split("/")[1:]:
        fact = fact.get(token.replace("~1", "/").replace("~0", "~"), {}) if isinstance(fact, dict) else {}
    about_a_shape = pointer.startswith(("/request/", "/response/", "/errors/"))
    return about_a_shape and isinstance(fact, dict) and "is" in fact and not PAGES & set(fact["source"])


def stated_in_shapes(shapes):
    """The pointers of all facts, so that none escapes the comparison."""

    def walk(value, at):
        if isinstance(value, dict):
            if "is" in value:
                yield at
                return
            for name, child in value.items():
                if name == "reads_as":
                    yield from (f"{at}/reads_as/{escape(key)}" for key in child)
                elif at or name != "differences":
                    yield from walk(child, f"{at}/{escape(name)}")

    return list(walk(shapes, ""))


def main():
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else SHAPES
    shapes = json.loads(path.read_text(encoding="utf-8"))
    raw = botocore.loaders.Loader().load_service_model("redshift-serverless", "service-2")
    checks = Checks()
    print(f"{path} against the service model in botocore {botocore.__version__}")

    says = collect(checks, shapes, raw)
    claims = declared(checks, shapes, says)
    for pointer, value in says.items():
        stated = resolve(shapes, pointer)
        if same(stated, value):
            checks.check(f"{pointer}: {json.dumps(value)} on both sides", True)
            if modelled_only(shapes, pointer):
                declared_so = None in claims.get(pointer, [])
                checks.check(f"{pointer}: is declared to be in the model only", declared_so, "it is not")
        else:
            # Without a value of the shapes' own there is nothing that another source could support.
            supported = stated is not None and any(same(stated, other) for other in claims.get(pointer, []))
            checks.check(
                f"{pointer}: shapes {json.dumps(stated)}, model {json.dumps(value)}, and the difference is declared",
                supported,
                "no difference declares it" if pointer not in claims else "neither document is said to say so",
            )
    # Our own words, and what no model can hold.
    beyond = re.compile(r"/meaning$|^/reserved_words/|^/service/error_name_member$")
    for pointer in stated_in_shapes(shapes):
        if pointer not in says and not beyond.search(pointer):
            checks.check(f"{pointer}: is compared", False, "the shapes state it and nothing compares it")

    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(1 if checks.failed else 0)


if __name__ == "__main__":
    main()
