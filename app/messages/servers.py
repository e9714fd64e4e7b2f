"""Error messages about servers."""

from __future__ import annotations

from app.translation import QT_TRANSLATE_NOOP

SERVERS: dict[str, str] = {
    "server_unknown": QT_TRANSLATE_NOOP(
        "errors",
        "The server used for this conversation is no longer in the list. Choose another model, or add "
        "the server again.",
    ),
    "server_address_invalid": QT_TRANSLATE_NOOP(
        "errors", "{url} isn't a valid server address. Use the form http://127.0.0.1:8000/v1."
    ),
    "server_unreachable": QT_TRANSLATE_NOOP(
        "errors", "Can't reach {host} ({detail}). Check that the server is running and the address is correct."
    ),
    "server_silent": QT_TRANSLATE_NOOP(
        "errors", "{host} hasn't responded for {seconds} seconds. It may be overloaded. Try again later."
    ),
    "server_lost": QT_TRANSLATE_NOOP(
        "errors",
        "The connection to {host} was lost before the answer was complete. The text received so far is "
        "kept. Continue or try again.",
    ),
    "server_key_missing": QT_TRANSLATE_NOOP(
        "errors", "{host} requires an API key. Enter it in the settings under Servers."
    ),
    "server_key_refused": QT_TRANSLATE_NOOP(
        "errors", "{host} doesn't accept the API key. Enter the correct one in the settings under Servers."
    ),
    "server_not_an_api": QT_TRANSLATE_NOOP(
        "errors",
        "{url} doesn't respond like an OpenAI-compatible server ({detail}). Check the address; most end in /v1.",
    ),
    "server_busy": QT_TRANSLATE_NOOP(
        "errors", "{host} isn't accepting requests right now ({detail}). Wait a moment and try again."
    ),
    "server_failing": QT_TRANSLATE_NOOP(
        "errors", "{host} reported an error ({detail}). Try again, or see the server's log for more information."
    ),
    "server_refused": QT_TRANSLATE_NOOP(
        "errors",
        "{host} refused the request ({detail}). Change the conversation settings, or choose another model.",
    ),
    "server_model_missing": QT_TRANSLATE_NOOP(
        "errors", "{host} doesn't offer {model}. Choose one of its models, listed in the settings under Servers."
    ),
    "server_context_full": QT_TRANSLATE_NOOP(
        "errors",
        "The conversation is longer than {host} accepts ({detail}). Leave out the oldest messages, "
        "start a new conversation, or choose a model with a longer context.",
    ),
    "key_variable_empty": QT_TRANSLATE_NOOP("errors", "The environment variable {name} contains no key. Set it first."),
    "server_empty": QT_TRANSLATE_NOOP("errors", "{host} lists no models. Load one on the server, then try again."),
}
