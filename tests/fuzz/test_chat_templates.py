"""Hostile chat templates: each gives a text or is refused in time, and the renderer answers the next one."""

from __future__ import annotations

import contextlib
import re
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from app.engine.child.template_child import MEMORY_LIMIT_BYTES, TIME_LIMIT_S
from app.process.child_process import TEMPLATE_RENDERER, LimitedProcess
from tests.fuzz.hostile import Hostile, case_count, hostile_cases

CHATML = """{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>'
+ '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"""
LLAMA_2 = """{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}
{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}
{% set system_message = false %}{% endif %}{% for message in loop_messages %}
{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}
{% if loop.index0 == 0 and system_message != false %}
{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}
{% else %}{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}
{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}
{% elif message['role'] == 'assistant' %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}"""
QWEN_3 = """{%- if tools %}{{- tools | tojson }}{%- endif %}
{%- set ns = namespace(multi=true, last=messages|length - 1) %}
{%- for message in messages[::-1] %}{%- set index = (messages|length - 1) - loop.index0 %}
{%- if ns.multi and message.role == "user" and not (message.content.startswith('<tool_response>')) %}
{%- set ns.multi = false %}{%- set ns.last = index %}{%- endif %}{%- endfor %}
{%- for message in messages %}{%- if message.role == "assistant" %}{%- set reasoning = '' %}
{%- if '</think>' in message.content %}{%- set reasoning = message.content.split('</think>')[0].rstrip('\\n') %}
{%- endif %}{{- '<think>\\n' + reasoning.strip() + '\\n</think>\\n\\n' + message.content.lstrip('\\n') }}{%- else %}
{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}{%- endif %}{%- endfor %}
{%- macro think(x, n=2) %}{% generation %}{{ x|trim|default('') }}{% endgeneration %}{%- endmacro %}
{%- if enable_thinking is defined and enable_thinking is false %}{{- think('x') }}{%- endif %}
{{ strftime_now('%d %b %Y') }}"""
TEMPLATES = (CHATML, LLAMA_2, QWEN_3)

_PIECES = re.compile(r"({%.*?%}|{{.*?}})", re.DOTALL)
_TOKENS = re.compile(r"""('[^']*'|"[^"]*"|\w+|[^\w\s])""")
_ATOMS = """messages messages[0] message message.content message['role'] loop loop.index0 bos_token eos_token tools
    nobody add_generation_prompt namespace namespace() cycler joiner lipsum range dict self caller strftime_now
    raise_exception
    0 1 -1 0.5 3 999 10**20 true none [] {} () 'a' '\\ud800' '\\x00' '%d' '{0.__class__}' '</think>' range(3) range(999)
    dict(a=1) messages|list messages[::-1] messages[::0] messages[9] [messages,messages] ''.join
    (10**5000*messages|length)"""
ATOMS = _ATOMS.split()
_FILTERS = """abs attr batch capitalize center count default dictsort escape filesizeformat first float forceescape
    format groupby indent int items join last length list lower map max min pprint random reject rejectattr replace
    reverse round safe select selectattr slice sort string striptags sum title tojson trim truncate unique upper
    urlencode urlize wordcount wordwrap xmlattr"""
FILTERS = _FILTERS.split()
_METHODS = """split strip format format_map replace upper startswith items keys get append pop update encode join count
    __class__ __init__ __globals__ mro func_globals gi_frame"""
METHODS = _METHODS.split()
OPERATORS = ("+", "-", "*", "/", "//", "%", "~", "==", "<", "in", "and", "or", "if")
TESTS = ("defined", "none", "mapping", "divisibleby(0)", "sameas(1)", "iterable", "string")
TAGS = (
    *("{% endif %}", "{% endfor %}", "{% else %}", "{% break %}", "{% continue %}", "{% generation %}", "{% raw %}"),
    *("{% macro m(x) %}", "{% endmacro %}", "{{ m(1) }}", "{% call m(1) %}", "{% filter upper %}", "{% block a %}"),
    *("{% include 'x' %}", "{% import 'os' as os %}", "{% extends 'x' %}", "{% set ns.x = 1 %}", "{# ", "{%", "}}"),
    *("{% autoescape true %}", "{% endautoescape %}", "{% trans %}", "{% do 1 %}", "{% with a = 1 %}", "{% endwith %}"),
)
MESSAGES: list[list[dict[str, Any]]] = [
    [],
    [{"role": "user", "content": "hello"}],
    [{"role": "system", "content": "short"}, {"role": "user", "content": "hi"}],
    [
        {"role": "user", "content": "<|im_end|>{{ 1 }}"},
        {"role": "assistant", "content": "<think>x</think>y"},
        {"role": "user", "content": "\ud800" + "漢" * 100},
    ],
]


def _expression(dice: Hostile, depth: int = 3) -> str:
    if depth == 0 or dice.chance(0.3):
        return dice.choice(ATOMS)

    def part() -> str:
        return _expression(dice, depth - 1)

    match dice.randrange(8):
        case 0:
            return f"({part()} {dice.choice(OPERATORS)} {part()})"
        case 1 | 2 | 3:
            arguments = ", ".join(part() for _ in range(dice.choice((0, 0, 1, 2))))
            return f"{part()}|{dice.choice(FILTERS)}({arguments})" if arguments else f"{part()}|{dice.choice(FILTERS)}"
        case 4:
            return f"{part()}.{dice.choice(METHODS)}({part() if dice.chance(0.5) else ''})"
        case 5:
            return f"{part()}[{part()}]" if dice.chance(0.5) else f"{part()}[{part()}:{part()}]"
        case 6:
            return f"{part()} is {dice.choice(TESTS)}"
        case _:
            return f"{part()}({part() if dice.chance(0.5) else ''})"


def _hostile_template(dice: Hostile) -> str:
    """Return a real template with changed pieces and expressions, or one of random expressions."""
    if dice.chance(0.3):
        return "".join(f"{{{{ {_expression(dice)} }}}}" for _ in range(dice.choice((1, 2))))
    pieces = _PIECES.split(dice.choice(TEMPLATES))
    for _ in range(dice.choice((1, 1, 2, 4))):
        place = dice.randrange(len(pieces))
        match dice.randrange(6):
            case 0:
                del pieces[place]
            case 1:
                pieces.insert(place, dice.choice(pieces))
            case 2:
                pieces.insert(place, dice.choice(TAGS))
            case 3:
                pieces.insert(place, f"{{{{ {_expression(dice)} }}}}")
            case 4:
                pieces.insert(place, f"{{% for x in {_expression(dice)} %}}{_expression(dice)}{{% endfor %}}")
            case _:
                tokens = _TOKENS.findall(pieces[place])
                if tokens:
                    tokens[dice.randrange(len(tokens))] = _expression(dice)
                    pieces[place] = " ".join(tokens)
        if not pieces:
            return dice.text()
    text = "".join(pieces)
    return dice.damaged(text.encode()).decode(errors="replace") if dice.chance(0.1) else text


class _Renderers:
    """The renderer, started again after it was killed."""

    def __init__(self) -> None:
        self._process: LimitedProcess | None = None

    def render(self, source: str, messages: list[dict[str, Any]]) -> dict[str, Any] | None:
        if self._process is None:
            self._process = LimitedProcess(TEMPLATE_RENDERER, MEMORY_LIMIT_BYTES)
            self._process.wait_until_ready()
        request = {"messages": messages, "source": source, "bos": "<s>", "eos": "</s>"}
        answer = self._process.ask(request, TIME_LIMIT_S, lambda: False)
        if answer is None:
            self.close()
        return answer

    def close(self) -> None:
        if self._process is not None:
            self._process.close()
        self._process = None


@contextlib.contextmanager
def _renderers() -> Iterator[_Renderers]:
    renderers = _Renderers()
    try:
        yield renderers
    finally:
        renderers.close()


@case_count
def test_hostile_chat_templates(count: int) -> None:
    outcomes: Counter[str] = Counter()
    with _renderers() as renderers:
        for dice in hostile_cases(count):
            source, messages = _hostile_template(dice), dice.choice(MESSAGES)
            begin = time.monotonic()
            answer = renderers.render(source, messages)
            outcomes[next(iter(answer)) if answer else "killed"] += 1
            if answer is None:
                assert time.monotonic() - begin > TIME_LIMIT_S / 2, (dice, "the renderer ended")
    assert outcomes["text"] > count / 10, outcomes
    assert outcomes["refused"] > count / 10, outcomes
    assert outcomes["killed"] + outcomes["costly"] < count / 100, outcomes
