"""Every text of a schema's grammar is valid against the schema, by an independent validator."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from datetime import date, datetime
from datetime import time as time_of_day
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema
import pytest

from app.structured.schema import FORMATS, schema_grammar
from model_manager.errors import UserError
from tests.structured.gbnf import RandomTexts

SUITE = Path(__file__).resolve().parents[1] / "data" / "json_schema_test_suite" / "schemas.jsonl"
VALIDATORS = {
    "draft2020-12": jsonschema.Draft202012Validator,
    "draft2019-09": jsonschema.Draft201909Validator,
    "draft7": jsonschema.Draft7Validator,
    "draft6": jsonschema.Draft6Validator,
    "draft4": jsonschema.Draft4Validator,
}


def texts(schema: Any, count: int = 40) -> list[str]:
    source = RandomTexts(schema_grammar(json.dumps(schema)))
    return [source.text() for _ in range(count)]


def test_supported_schemas_of_the_public_suite() -> None:
    """``SUITE``: all schemas of the suite at 44401e0 without those that are refused, each once."""
    lines = SUITE.read_text("utf-8").splitlines()
    assert len(lines) >= 300
    problems = []
    for draft, description, schema in map(json.loads, lines):
        validator = VALIDATORS[draft](schema)
        for text in texts(schema, 8):
            if error := next(validator.iter_errors(json.loads(text)), None):
                problems.append(f"{draft} {description}: {text[:200]}: {error.message[:200]}")
                break
    assert problems == []


def test_numbers_within_bounds_and_multiples() -> None:
    for schema in (
        {"type": "integer", "minimum": -12, "exclusiveMaximum": 1005},
        {"type": "integer", "minimum": 17, "multipleOf": 7},
        {"type": "number", "exclusiveMinimum": 0.25, "maximum": 12.5},
        {"type": "number", "minimum": -0.5, "exclusiveMaximum": -0.25},
        {"type": "number", "minimum": 99.99},
        {"minimum": 3, "maximum": 3},
        {"type": "integer", "enum": [1e300, 2]},
    ):
        found = {json.loads(text) for text in texts(schema, 100)}
        for number in found:
            jsonschema.validate(number, schema)
        assert len(found) > 1 or schema == {"minimum": 3, "maximum": 3}
    assert {json.loads(text) for text in texts({"type": "integer", "minimum": 8, "maximum": 11}, 100)} == {8, 9, 10, 11}


@pytest.mark.parametrize(
    "pattern",
    [
        r"^(\([0-9]{3}\))?[0-9]{3}-[0-9]{4}$",
        r"a+b?",
        r"^(?=.*[A-Z])(?=.*\d)(?!.*x).{4,8}$",
        r"^[^a-c\n]{2}|end$",
        r"^\S+@\S+\.[a-z]{2,}$",
        r"^\"\\\/\t$",
        "^[^\\x20-\\x7f]é?$",
    ],
)
def test_patterns(pattern: str) -> None:
    for text in texts({"type": "string", "pattern": pattern, "maxLength": 60}):
        value = json.loads(text)
        assert len(value) <= 60
        assert re.search(pattern, value), (pattern, value)


def test_formats() -> None:
    checks: dict[str, Callable[[str], object]] = {
        "date": date.fromisoformat,
        "time": time_of_day.fromisoformat,
        "date-time": datetime.fromisoformat,
        "uuid": UUID,
        "ipv4": IPv4Address,
    }
    checker = jsonschema.FormatChecker(["date", "email", "ipv4", "uuid"])
    for name in FORMATS:
        for text in texts({"type": "string", "format": name}, 30):
            value = json.loads(text)
            checks.get(name, str)(value.replace("Z", "+00:00"))
            jsonschema.validate(value, {"format": name}, format_checker=checker)


def test_texts_are_counted_in_characters_and_escaped() -> None:
    for length in (1, 7, 250):
        for text in texts({"type": "string", "minLength": length, "maxLength": length}):
            value = json.loads(text)
            assert len(value) == length
            value.encode()
    odd = ['"', "\\", "\n", "\u2028", "é🐲", "]", "-"]
    assert {json.loads(text) for text in texts({"enum": odd}, 200)} == {*odd}


def test_a_property_is_written_once_and_further_ones_have_other_names() -> None:
    schema = {
        "properties": {"a": {"type": "null"}, "ab": {"type": "null"}},
        "additionalProperties": {"type": "integer"},
    }
    for text in texts(schema, 200):
        pairs = json.loads(text, object_pairs_hook=list)
        names = [name for name, _ in pairs]
        assert names.count("a") <= 1
        assert all((value is None) == (name in ("a", "ab")) for name, value in pairs)


def test_keys_that_a_pattern_leaves_out_leave_it_out_in_every_dialect() -> None:
    # The dot of Python matches a carriage return, that of ECMA 262 does not.
    schema = {"patternProperties": {".": {"type": "integer"}}}
    for text in texts(schema, 100):
        jsonschema.validate(json.loads(text), schema)


def test_recursion_ends() -> None:
    tree = {
        "$defs": {"node": {"properties": {"left": {"$ref": "#/$defs/node"}, "value": {"type": "integer"}}}},
        "$ref": "#/$defs/node",
        "required": ["left"],
    }
    for text in texts(tree):
        jsonschema.validate(json.loads(text), tree)
    endless = {"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}
    with pytest.raises(UserError) as caught:
        schema_grammar(json.dumps(endless))
    assert caught.value.code == "schema_unsatisfiable"


@pytest.mark.parametrize(
    ("schema", "code", "keyword"),
    [
        ({"properties": {"a": {"not": {}}}}, "schema_unsupported", "not"),
        ({"oneOf": [{"type": "integer"}, {"minimum": 2}]}, "schema_unsupported", "oneOf"),
        ({"$ref": "https://example.com/schema"}, "schema_unsupported", "$ref https://example.com/schema"),
        ({"$ref": "#"}, "schema_unsupported", "$ref"),
        ({"$id": "http://[::1", "$ref": "http://[::1/a"}, "schema_unsupported", "$ref http://[::1/a"),
        ({"type": "string", "pattern": r"(a)\1"}, "schema_unsupported", r"pattern \1"),
        ({"type": "array", "uniqueItems": True}, "schema_unsupported", "uniqueItems"),
        ({"type": "string", "maxLength": -1}, "schema_invalid", "maxLength"),
        ({"type": "strnig"}, "schema_invalid", "type"),
        ({"allOf": [{"type": "string"}, {"type": "null"}]}, "schema_unsatisfiable", None),
        ({"enum": ["a"], "minLength": 2}, "schema_unsatisfiable", None),
        ([], "schema_invalid", "array"),
    ],
)
def test_refusals_name_the_keyword_and_its_place(schema: Any, code: str, keyword: str | None) -> None:
    with pytest.raises(UserError) as caught:
        schema_grammar(json.dumps(schema))
    assert (caught.value.code, caught.value.data.get("keyword")) == (code, keyword)
    if keyword == "not":
        assert caught.value.data["place"] == "/properties/a"


def nested(depth: int) -> str:
    return '{"items": ' * depth + "{}" + "}" * depth


@pytest.mark.parametrize(
    "schema",
    [
        json.dumps({"allOf": [{"anyOf": [{"minLength": n}, {"maxLength": n}]} for n in range(40)]}),
        json.dumps({"type": "array", "minItems": 10**9, "items": {"type": "null"}}),
        json.dumps({"type": "string", "pattern": "^(a|b)*a(a|b){40}$"}),
        json.dumps({"type": "string", "pattern": "^" + "(x{0,99}){0,99}" * 9 + "$"}),
        json.dumps({"type": "object", "minProperties": 90, "properties": {f"p{n}": {} for n in range(500)}}),
        json.dumps({"patternProperties": {f"^.*{n}.*$": {} for n in range(9)}}),
        json.dumps({"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}] * 300}}, "$ref": "#/$defs/a"}),
        nested(5000),
        "[" * 100_000,
        " " * (1 << 20),
        '{"const": 1e999}',
        '{"minLength": %s}' % ("9" * 400),
    ],
    ids=[
        "combinations",
        "items",
        "pattern",
        "repetitions",
        "count",
        "keys",
        "recursion",
        "depth",
        "deep",
        "long",
        "inf",
        "digits",
    ],
)
def test_explosions_are_refused_in_time(schema: str) -> None:
    begin = time.thread_time()
    with pytest.raises(UserError) as caught:
        schema_grammar(schema)
    assert caught.value.code in ("schema_too_large", "schema_unsupported")
    assert time.thread_time() - begin < 20
