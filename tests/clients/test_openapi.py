"""docs/openapi.json is an OpenAPI 3.1 document by the word of the standard's own schema, and clients can be made of it."""

import json
import re
from pathlib import Path

from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

DOCUMENT = json.loads((Path(__file__).parents[2] / "docs/openapi.json").read_text())
OPERATIONS = [(path, method, operation) for path, item in DOCUMENT["paths"].items() for method, operation in item.items()]


def test_the_document_is_valid():
    assert DOCUMENT["openapi"].startswith("3.1")
    assert [str(error) for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_every_schema_is_a_json_schema():
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_operations_have_names_answers_and_problems():
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(names) == len(set(names))
    for path, method, operation in OPERATIONS:
        statuses = operation["responses"]
        assert {"200", "204"} & statuses.keys(), path
        for status, response in statuses.items():
            if int(status) >= 400:
                assert "application/problem+json" in response["content"], (path, status)
        in_path = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"}
        assert in_path == set(re.findall(r"{(\w+)}", path))
        if operation.get("security") != []:
            assert {"401", "403"} <= statuses.keys(), (path, method)


def test_figures_say_their_unit():
    measures = DOCUMENT["components"]["schemas"]["Measures"]["properties"]
    for name, unit in {"energy_kwh": "kWh", "co2e_location_g": "gCO2e", "water_l": "litres", "billed_cost": "currency"}.items():
        assert unit in measures[name]["description"], name
