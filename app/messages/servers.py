"""Sentences about servers."""

from __future__ import annotations

from app.messages.marking import QT_TRANSLATE_NOOP

SERVERS: dict[str, str] = {
    "server_unknown": QT_TRANSLATE_NOOP(
        "errors",
        "The server that answered here is no longer in the list. Choose another model, or add the server again.",
    ),
    "server_address_invalid": QT_TRANSLATE_NOOP(
        "errors", "{url} is not an address of a server. It looks like http://127.0.0.1:8000/v1."
    ),
    "server_unreachable": QT_TRANSLATE_NOOP(
        "errors", "{host} cannot be reached ({detail}). Check that the server runs and that the address is right."
    ),
    "server_silent": QT_TRANSLATE_NOOP(
        "errors", "{host} has said nothing for {seconds} seconds. It may be overloaded: try again later."
    ),
    "server_lost": QT_TRANSLATE_NOOP(
        "errors",
        "The connection to {host} broke before the answer was complete. What came is kept: continue or try again.",
    ),
    "server_key_missing": QT_TRANSLATE_NOOP("errors", "{host} asks for a key. Enter it in the settings under Servers."),
    "server_key_refused": QT_TRANSLATE_NOOP(
        "errors", "{host} does not accept the key. Enter the right one in the settings under Servers."
    ),
    "server_not_an_api": QT_TRANSLATE_NOOP(
        "errors",
        "{url} does not answer as an OpenAI-compatible server ({detail}). Check the address; for most it ends in /v1.",
    ),
    "server_busy": QT_TRANSLATE_NOOP(
        "errors", "{host} takes no more questions just now ({detail}). Wait a while and try again."
    ),
    "server_failing": QT_TRANSLATE_NOOP(
        "errors", "{host} failed ({detail}). Try again; the server's own log tells more."
    ),
    "server_refused": QT_TRANSLATE_NOOP(
        "errors",
        "{host} refused the question ({detail}). Change the settings of the conversation, or choose another model.",
    ),
    "server_model_missing": QT_TRANSLATE_NOOP(
        "errors", "{host} does not offer {model}. Choose one of its models; the settings under Servers list them."
    ),
    "server_context_full": QT_TRANSLATE_NOOP(
        "errors",
        "The conversation is longer than {host} can read ({detail}). Leave out the oldest turns, begin a new "
        "conversation, or choose a model with a larger context.",
    ),
    "key_variable_empty": QT_TRANSLATE_NOOP("errors", "The environment variable {name} holds no key. Set it first."),
    "server_empty": QT_TRANSLATE_NOOP("errors", "{host} lists no model. Load one on the server, then try again."),
}
