"""Answers in a given form on the command line."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.test_context_cli import chat
from tests.rigs.openai_server import openai_server


def test_answers_follow_the_schema_or_the_grammar(tmp_path: Path, tiny_model: Path) -> None:
    data, ask = tmp_path / "data", ("--message", "?", "--model", str(tiny_model))
    schema, grammar = tmp_path / "schema.json", tmp_path / "yes.gbnf"
    schema.write_text('{"type": "array", "items": {"const": "é"}, "minItems": 1, "maxItems": 1}', "utf-8")
    grammar.write_text('root ::= "yes"\n', "utf-8")
    answer = json.loads(chat(data, *ask, "--json-schema", str(schema), "--max-tokens", "99").stdout)
    assert (json.loads(answer["text"]), answer["finish_reason"]) == (["é"], "stop")
    cut = json.loads(chat(data, *ask, "--json-schema", str(schema)).stdout)
    assert cut["finish_reason"] == "length"
    assert json.loads(chat(data, *ask, "--grammar", str(grammar)).stdout)["text"] == "yes"
    schema.write_text('{"type": "object",\n "required": 1}', "utf-8")
    wrong = chat(data, "--message", "?", "--model", str(tiny_model), "--json-schema", str(schema))
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "“required”" in wrong.stderr
    assert chat(data, *ask, "--json-schema", str(schema), "--grammar", str(grammar)).returncode == 2


def test_a_server_is_sent_the_schema(tmp_path: Path) -> None:
    schema, grammar = tmp_path / "schema.json", tmp_path / "yes.gbnf"
    schema.write_text('{"enum": ["yes", "no"]}', "utf-8")
    grammar.write_text('root ::= "yes"\n', "utf-8")
    with openai_server() as server:
        ask = ("--message", "?", "--model", "apus", "--endpoint", server.url)
        assert chat(tmp_path / "data", *ask, "--json-schema", str(schema)).returncode == 0
        sent = {"name": "answer", "schema": {"enum": ["yes", "no"]}, "strict": True}
        assert server.chats()[-1]["response_format"] == {"type": "json_schema", "json_schema": sent}
        schema.write_text('{"type": "object"}', "utf-8")
        assert chat(tmp_path / "data", *ask, "--json-schema", str(schema)).returncode == 0
        assert server.chats()[-1]["response_format"] == {"type": "json_object"}
        assert chat(tmp_path / "data", *ask, "--grammar", str(grammar)).returncode == 1
