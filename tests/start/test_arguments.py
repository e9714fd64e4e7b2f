"""Command line of start.py."""

import pytest

import start


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], start.Options()),
        (["chat", "--message", "hello"], start.Options(rest=("chat", "--message", "hello"))),
        (["--backend", "cuda", "doctor"], start.Options(backend="cuda", rest=("doctor",))),
        (["--backend=vulkan"], start.Options(backend="vulkan")),
        (
            ["--index-url", "https://a/simple", "--rebuild", "test", "-k", "store"],
            start.Options(index_url="https://a/simple", rebuild=True, test=True, rest=("-k", "store")),
        ),
        # options after the command belong to the program
        (["chat", "--backend", "gpu"], start.Options(rest=("chat", "--backend", "gpu"))),
        (["chat", "--help"], start.Options(rest=("chat", "--help"))),
        (["--data-dir", "x", "test"], start.Options(rest=("--data-dir", "x", "test"))),
        (["--help"], start.Options(help=True)),
    ],
)
def test_own_options_are_parsed_and_the_rest_is_passed_on(arguments, expected):
    assert start.parse(arguments) == expected


@pytest.mark.parametrize(
    "arguments",
    [
        ["--backend", "gpu"],
        ["--backend"],
        ["--backend="],
        ["--index-url"],
    ],
)
def test_an_invalid_option_value_is_refused(arguments):
    with pytest.raises(ValueError, match="needs"):
        start.parse(arguments)


@pytest.mark.parametrize(
    ("arguments", "window"),
    [
        ((), True),
        (("--data-dir", "chats"), True),
        (("--data-dir=chats",), True),
        (("chat", "--message", "hello"), False),
        (("--data-dir", "chats", "models", "list"), False),
        (("--version",), False),
    ],
)
def test_without_a_command_the_window_opens(arguments, window):
    assert start.wants_window(arguments) is window


@pytest.mark.parametrize(
    ("options", "environment", "expected"),
    [
        (start.Options(), {"DISPLAY": ":0"}, "xcb"),
        (start.Options(), {"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"}, "wayland"),
        (start.Options(), {"QT_QPA_PLATFORM": "wayland;xcb", "DISPLAY": ":0"}, "wayland"),
        (start.Options(), {"QT_QPA_PLATFORM": "offscreen"}, "offscreen"),
        (start.Options(rest=("doctor",)), {}, ""),
        (start.Options(rest=("doctor",)), {"DISPLAY": ":0"}, ""),
        (start.Options(test=True), {}, "offscreen"),
        (start.Options(test=True), {"DISPLAY": ":0"}, "xcb"),
    ],
)
def test_qt_platform_follows_the_session(options, environment, expected):
    assert start.qt_platform(options, environment) == expected


def test_a_window_without_a_display_is_refused_with_what_to_do():
    with pytest.raises(start.StopError, match=r"No display.*xvfb-run -a(?s:.*)start\.py chat"):
        start.qt_platform(start.Options(), {})
