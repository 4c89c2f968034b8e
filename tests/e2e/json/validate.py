"""Asks the public validators: is this an OpenAPI 3.1 document, and do these values fit the schemas in it?

Reads {"document": …, "samples": [{"schema": [member, …], "value": …, "valid": true}, …]} from standard input, where "schema" is the
way to a schema in the document, and writes a list of what is wrong to standard output. Runs in scripts/test_tools.sh's Python.
"""

import json
import sys

from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012


def main():
    asked = json.load(sys.stdin)
    document = asked["document"]
    wrong = [f"the document: {e.json_path}: {e.message}" for e in OpenAPIV31SpecValidator(document).iter_errors()]
    registry = Registry().with_resource("urn:api", Resource(contents=document, specification=DRAFT202012))
    for sample in asked["samples"]:
        pointer = "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in sample["schema"])
        errors = list(Draft202012Validator({"$ref": "urn:api#" + pointer}, registry=registry).iter_errors(sample["value"]))
        if bool(errors) == sample["valid"]:
            expected = "fits" if sample["valid"] else "does not fit"
            wrong.append(f"{pointer}: expected that {json.dumps(sample['value'])} {expected}: {[e.message for e in errors]}")
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    json.dump(wrong, sys.stdout)


main()
