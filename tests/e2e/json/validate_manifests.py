"""Asks the public validator which of these manifests fit a JSON schema.

Reads {"schema": …, "manifests": {name: YAML}} from standard input; writes {name: what is wrong with it, or null} to standard
output. Runs in scripts/test_tools.sh's Python.
"""

import json
import sys

import yaml
from jsonschema import Draft202012Validator


def main():
    asked = json.load(sys.stdin)
    Draft202012Validator.check_schema(asked["schema"])
    validator = Draft202012Validator(asked["schema"])
    answer = {}
    for name, text in asked["manifests"].items():
        first = next(validator.iter_errors(yaml.safe_load(text)), None)
        answer[name] = first and f"{first.json_path}: {first.message}"
    json.dump(answer, sys.stdout)


main()
