"""Limits of chat templates in time and memory; the loaded model is not affected."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from app.backend import PromptMessage
from app.conversation import Role
from app.engine.child.template import PromptTemplate
from app.engine.child.template_child import MEMORY_LIMIT_BYTES, TIME_LIMIT_S
from app.engine.local_engine import LocalEngine
from app.process.child_process import DRAWINGS, FORMULAS, TEMPLATE_RENDERER, ChildProgram, LimitedProcess
from model_manager.cancellation import CancelToken
from model_manager.errors import Cancelled, UserError
from tests.engine.requests import ask, load
from tests.rigs.engine_children import engine_children
from tests.rigs.tiny_model import write_tiny_model

HELLO = [PromptMessage(Role.USER, "hello")]
SHORT_S = 0.5
ENDLESS = "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}"
COSTLY = {
    "loops in loops": ENDLESS,
    "a power, folded while it is compiled": "{{ 9 ** (9 ** 9) }}",
    "a power of what is not known before": "{% set n = messages|length + 8 %}{{ (n ** (n ** n)) % 10 }}",
    "a long string": "{{ 'a' * 2000000000 }}",
    "a string that doubles": "{% set n = namespace(s='a') %}{% for i in range(40) %}"
    "{% set n.s = n.s + n.s %}{% endfor %}",
    "a string that doubles by ~": "{% set n = namespace(s='a') %}{% for i in range(40) %}"
    "{% set n.s = n.s ~ n.s %}{% endfor %}",
    "a long list": "{{ ([0] * 1000000000)|length }}",
    "padding": "{{ '%2000000000d' % messages|length }}",
    "padding by a filter": "{{ messages[0].content|center(2000000000) }}",
    "a replacement that grows": "{% set n = namespace(s='aaaa') %}{% for i in range(40) %}"
    "{% set n.s = n.s|replace('a', 'aaaaaaaa') %}{% endfor %}",
    "text without end": "{% for a in range(100000) %}{% for b in range(1000) %}text {{ b }}{% endfor %}{% endfor %}",
    "filler text": "{{ lipsum(n=10000000) }}",
    "sorting in loops": "{% for a in range(100000) %}{% set x = range(100000)|list|sort(reverse=true) %}{% endfor %}",
    "a filter at work for long": "{{ ('a' * 3000000)|wordwrap(1)|length }}",
}  # fmt: skip
REFUSED = {
    "an error of its own": "{{ raise_exception('only poems here') }}",
    "a macro that calls itself": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "a range beyond the sandbox": "{% for a in range(10000000000) %}{% endfor %}",
    "division by zero": "{{ 1 / 0 }}",
    "a name that is not there": "{{ nobody.name }}",
    "no template at all": "{% for %}",
    "a number with too many digits": "{{ 10 ** 5000 }}",
    "an error without a text": "{% set n = 5000 * messages|length %}{{ raise_exception(10 ** n) }}",
    "an error with a list in lists": "{% set n = namespace(a=[]) %}{% for i in range(3000) %}{% set n.a = [n.a] %}"
    "{% endfor %}{{ raise_exception(n.a) }}",
    "an escape": "{{ messages.__class__.__mro__[1].__subclasses__() }}",
    "another file": "{% include '/etc/passwd' %}",
    "brackets without end": "{{ " + "(" * 20000 + "1" + ")" * 20000 + " }}",
}

Start = Callable[..., PromptTemplate]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[PromptTemplate] = []

    def begin(source: str, **options: object) -> PromptTemplate:
        started.append(PromptTemplate(source, "<s>", "</s>", **options))  # type: ignore[arg-type]
        return started[-1]

    yield begin
    for each in started:
        each.close()


def renderers() -> list[psutil.Process]:
    return [each for each in psutil.Process().children() if TEMPLATE_RENDERER.command()[-1] in each.cmdline()]


@pytest.mark.parametrize("source", COSTLY.values(), ids=COSTLY.keys())
def test_costly_template_is_ended(start: Start, source: str) -> None:
    rendering = start(source, limit_s=SHORT_S)
    before = time.monotonic()
    with pytest.raises(UserError) as caught:
        rendering.prompt(HELLO, "")
    assert caught.value.code == "chat_template_too_costly"
    assert time.monotonic() - before < 5
    assert not renderers()


@pytest.mark.parametrize("source", REFUSED.values(), ids=REFUSED.keys())
def test_template_error_does_not_end_the_process(start: Start, source: str) -> None:
    rendering = start(source)
    for _ in range(2):
        with pytest.raises(UserError) as caught:
            rendering.prompt(HELLO, "")
        assert caught.value.code == "chat_template_failed"
        assert 0 < len(str(caught.value.data["detail"])) <= 500
    assert len(renderers()) == 1


def test_renderer_restarts_after_it_was_ended(start: Start) -> None:
    rendering = start(
        "{% if messages|length == 1 %}" + ENDLESS + "{% endif %}{{ messages[0].content }}", limit_s=SHORT_S
    )
    for _ in range(2):
        with pytest.raises(UserError, match="too_costly"):
            rendering.prompt(HELLO, "")
        assert rendering.prompt(HELLO * 2, "").text == "hello"


def test_memory_stays_within_the_limit(start: Start) -> None:
    rendering = start(COSTLY["a string that doubles"], limit_s=3)
    peak, ended = [0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.005):
            # It may end between two looks at it.
            with contextlib.suppress(psutil.Error):
                peak.extend(process.memory_info().rss for process in renderers())

    thread = threading.Thread(target=watch)
    thread.start()
    with pytest.raises(UserError, match="too_costly"):
        rendering.prompt(HELLO, "")
    ended.set()
    thread.join()
    assert 1 << 20 < max(peak) < MEMORY_LIMIT_BYTES


def test_cancellation_ends_the_renderer(start: Start) -> None:
    asked = threading.Event()
    rendering = start(ENDLESS, is_stopped=asked.is_set, limit_s=30)
    threading.Timer(0.3, asked.set).start()
    before = time.monotonic()
    with pytest.raises(Cancelled):
        rendering.prompt(HELLO, "")
    assert time.monotonic() - before < 3
    assert not renderers()


def test_long_unicode_conversation_is_rendered(start: Start) -> None:
    rendering = start("{% for m in messages %}{{ m.content }}{% endfor %}")
    parts = ["大海 🌊 \ud800 \x00 " * 20000, "word " * 200000]
    messages = [PromptMessage(Role.USER, part) for part in parts]
    assert rendering.prompt(messages, "").text == "".join(parts)


def test_rendering_takes_milliseconds(start: Start) -> None:
    """A bound far above what it takes: that nothing is started for each prompt."""
    rendering = start("{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}")
    rendering.prompt(HELLO, "")
    before = time.monotonic()
    for _ in range(20):
        rendering.prompt(HELLO * 20, "")
    assert (time.monotonic() - before) / 20 < 0.05


@pytest.mark.parametrize(
    "source",
    [
        "{%- for m in messages %}\n  {%- if loop.first %}{{ bos_token }}{% endif %}\n{{ m.role }}: "
        "{{ m.content | trim }}\n"
        "  {%- if m.role == 'user' %}{% continue %}{% endif %}{{ eos_token }}\n{% endfor %}\n"
        "{%- if add_generation_prompt %}assistant:{% endif %}",
        "{% generation %}{{ messages|tojson(indent=2) }}{% endgeneration %}{{ tools is none }}{{ {'ä': 1}|tojson }}",
        "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + m.content|length %}{% endfor %}"
        "{{ ns.n }}{{ '%s' % messages[-1]['content'] }}{{ strftime_now('%Y') }}{{ nothing }}",
    ],
    ids=["a usual one", "tags and json", "numbers and dates"],
)
def test_rendering_matches_the_engines_formatter(start: Start, source: str) -> None:
    package = sys.modules["llama_cpp"]
    assert package.__spec__ is not None
    assert package.__spec__.loader is not None
    package.__spec__.loader.exec_module(package)  # the child's package leaves it out
    from llama_cpp.llama_chat_format import Jinja2ChatFormatter

    messages = [
        PromptMessage(Role.SYSTEM, "  Be <brief> & 'kind'.\n"),
        PromptMessage(Role.USER, "你好"),
        PromptMessage(Role.ASSISTANT, "Hello!"),
    ]
    formatter = Jinja2ChatFormatter(template=source, bos_token="<s>", eos_token="</s>")
    plain = [{"role": str(each.role), "content": each.content} for each in messages]
    assert start(source).prompt(messages, "").text == formatter(messages=plain).prompt  # type: ignore[arg-type]


def test_costly_template_does_not_unload_the_model(engine: LocalEngine, tmp_path: Path) -> None:
    template = "{% if messages|length == 1 %}" + ENDLESS + "{% endif %}{{ messages[0].content }}"
    load(engine, write_tiny_model(tmp_path / "endless.gguf", chat_template=template))
    state, children = engine.state, engine_children()
    before = time.monotonic()
    with pytest.raises(UserError) as caught:
        ask(engine, "hello")
    assert caught.value.code == "chat_template_too_costly"
    assert time.monotonic() - before < 10
    again = ask(engine, "hello", "hi", "more", max_tokens=3)
    assert again.finished is not None
    assert (engine.state, engine_children()) == (state, children)


def test_cancellation_while_the_template_runs(engine: LocalEngine, tmp_path: Path) -> None:
    load(engine, write_tiny_model(tmp_path / "endless.gguf", chat_template=ENDLESS))
    token = CancelToken()
    threading.Timer(0.5, token.cancel).start()
    before = time.monotonic()
    with pytest.raises(Cancelled):
        ask(engine, "hello", token=token)
    assert time.monotonic() - before < 3


def test_renderer_ends_with_the_engine(engine: LocalEngine, tmp_path: Path) -> None:
    load(engine, write_tiny_model(tmp_path / "own.gguf", chat_template="{{ messages[0].content }}"))
    (child,) = engine_children()
    (helper,) = psutil.Process(child).children()
    psutil.Process(child).kill()
    end = time.monotonic() + 5
    while time.monotonic() < end and helper.is_running() and helper.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.02)
    assert not helper.is_running() or helper.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("program", [TEMPLATE_RENDERER, FORMULAS, DRAWINGS], ids=lambda program: program.module)
def test_limited_processes_do_not_inherit_secrets(program: ChildProgram, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_TOKEN", "OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "MY_PASSWORD"):
        monkeypatch.setenv(name, "planted")
    process = LimitedProcess(program, MEMORY_LIMIT_BYTES)
    process.wait_until_ready()
    environment = psutil.Process(process.pid).environ()
    process.close()
    assert environment["PYTHONUTF8"] == "1"
    assert "planted" not in environment.values()


@pytest.mark.slow
def test_renderer_without_a_parent_ends() -> None:
    process = subprocess.Popen(TEMPLATE_RENDERER.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with process:
        assert process.stdin is not None
        for line in (
            {"source": "{{ 9 ** (9 ** messages|length) }}", "bos": "", "eos": ""},
            {"messages": [{"role": "user", "content": "hello"}] * 9},
        ):
            process.stdin.write(json.dumps(line).encode() + b"\n")
        process.stdin.flush()
        assert process.wait(TIME_LIMIT_S + 6) != 0


def test_template_that_needs_alternating_roles(start: Start) -> None:
    rendering = start(
        "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
        "{{ raise_exception('roles must alternate') }}{% endif %}[{{ m.role }}]{{ m.content }}{% endfor %}"
    )
    user, assistant = Role.USER, Role.ASSISTANT
    talk = [(assistant, "Ahoy."), (user, "Hi"), (assistant, "one"), (assistant, "two"), (user, "Go"), (user, "on")]
    messages = [PromptMessage(role, text) for role, text in talk]
    rest = "[assistant]Ahoy.[user]Hi[assistant]one\n\ntwo[user]Go\n\non"
    assert rendering.prompt(messages, "").text == f"[user]{rest}"
    system = PromptMessage(Role.SYSTEM, "Be brief.")
    assert rendering.prompt([system, *messages], "").text == f"[user]Be brief.\n\n{rest}"
