"""Parameters of the samplers, and how an answer is generated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.parameter import parameter, parameters
from app.translation import QT_TRANSLATE_NOOP

REPETITION = QT_TRANSLATE_NOOP("parameters", "Against repetition")
VARIETY = QT_TRANSLATE_NOOP("parameters", "More variety")
MEMORY_TOOLS = "memory"
"""Name of the built-in tools that change the memory, as in ``Sampling.tools``."""
CONTROLLED = QT_TRANSLATE_NOOP("parameters", "Controlled probability")


# Its functions would delay the start; the classes below it have their own.
@dataclass(frozen=True, init=False, repr=False, eq=False)
class SamplerParameters:
    """Parameters of the samplers that choose the next token; names and order of the samplers are llama.cpp's."""

    temperature: float = parameter(
        0.7,
        minimum=0,
        maximum=2,
        step=0.1,
        page="conversation",
        label=QT_TRANSLATE_NOOP("parameters", "Temperature"),
        description=QT_TRANSLATE_NOOP(
            "parameters",
            "Higher values give more varied answers, lower values more predictable ones; 0 always takes the most "
            "likely word.",
        ),
    )
    top_p: float = parameter(
        0.95,
        minimum=0,
        maximum=1,
        step=0.05,
        page="conversation",
        label=QT_TRANSLATE_NOOP("parameters", "Top-p"),
        description=QT_TRANSLATE_NOOP(
            "parameters",
            "Chooses each word only among the most likely ones that together reach this probability; 1 allows all.",
        ),
    )
    top_k: int = parameter(
        40,
        minimum=0,
        maximum=1000,
        page="conversation",
        label=QT_TRANSLATE_NOOP("parameters", "Top-k"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "Chooses each word only among this many of the most likely ones; 0 allows all."
        ),
    )
    min_p: float = parameter(
        0.05,
        minimum=0,
        maximum=1,
        step=0.01,
        page="conversation",
        label=QT_TRANSLATE_NOOP("parameters", "Min-p"),
        description=QT_TRANSLATE_NOOP(
            "parameters",
            "Rules out words that are much less likely than the best one: below this fraction of its probability; 0 "
            "allows all.",
        ),
    )
    top_n_sigma: float = parameter(
        0.0,
        minimum=0,
        maximum=10,
        step=0.1,
        page="conversation",
        label=QT_TRANSLATE_NOOP("parameters", "Top-nσ"),
        description=QT_TRANSLATE_NOOP(
            "parameters",
            "Rules out words that the model rates lower than the best one by more than this many standard deviations; "
            "0 allows all.",
        ),
    )
    typical_p: float = parameter(
        1.0,
        maximum=1,
        step=0.05,
        label=QT_TRANSLATE_NOOP("parameters", "Typical-p"),
        description=QT_TRANSLATE_NOOP(
            "parameters",
            "Keeps the tokens that are about as surprising as expected, up to this probability; 1 keeps all.",
        ),
    )
    repeat_penalty: float = parameter(
        1.0,
        minimum=0.5,
        maximum=2,
        step=0.05,
        page="conversation",
        label=QT_TRANSLATE_NOOP("parameters", "Repeat penalty"),
        description=QT_TRANSLATE_NOOP("parameters", "Values above 1 make repetition less likely; 1 has no effect."),
        group=REPETITION,
    )
    """Divides the logits of the last 64 tokens."""
    frequency_penalty: float = parameter(
        0.0,
        minimum=-2,
        maximum=2,
        step=0.1,
        label=QT_TRANSLATE_NOOP("parameters", "Frequency penalty"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "Makes a token less likely the more often it was used; 0 has no effect."
        ),
        group=REPETITION,
    )
    presence_penalty: float = parameter(
        0.0,
        minimum=-2,
        maximum=2,
        step=0.1,
        label=QT_TRANSLATE_NOOP("parameters", "Presence penalty"),
        description=QT_TRANSLATE_NOOP("parameters", "Makes tokens that were used before less likely; 0 has no effect."),
        group=REPETITION,
    )
    dry_multiplier: float = parameter(
        0.0,
        maximum=10,
        step=0.1,
        label=QT_TRANSLATE_NOOP("parameters", "DRY multiplier"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "Penalty for tokens that continue a repeated sequence; 0 turns DRY off, 0.8 is usual."
        ),
        group=REPETITION,
    )
    dry_base: float = parameter(
        1.75,
        minimum=1,
        maximum=4,
        step=0.05,
        label=QT_TRANSLATE_NOOP("parameters", "DRY base"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "The penalty grows by this factor with each token of the repetition."
        ),
        group=REPETITION,
    )
    dry_allowed_length: int = parameter(
        2,
        maximum=100,
        label=QT_TRANSLATE_NOOP("parameters", "DRY allowed length"),
        description=QT_TRANSLATE_NOOP("parameters", "Repetitions up to this many tokens are not penalised."),
        group=REPETITION,
    )
    dry_penalty_last_n: int = parameter(
        -1,
        maximum=1 << 20,
        step=256,
        named_values={-1: QT_TRANSLATE_NOOP("parameters", "Whole context")},
        suggestion=1024,
        label=QT_TRANSLATE_NOOP("parameters", "DRY range"),
        description=QT_TRANSLATE_NOOP("parameters", "Tokens of the conversation in which repetitions are looked for."),
        group=REPETITION,
    )
    xtc_probability: float = parameter(
        0.0,
        maximum=1,
        step=0.05,
        label=QT_TRANSLATE_NOOP("parameters", "XTC probability"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "How often the most probable tokens are left out, for more unusual answers; 0 turns XTC off."
        ),
        group=VARIETY,
    )
    xtc_threshold: float = parameter(
        0.1,
        maximum=0.5,
        step=0.05,
        label=QT_TRANSLATE_NOOP("parameters", "XTC threshold"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "Of the tokens above this probability only the least probable is kept."
        ),
        group=VARIETY,
    )
    dynatemp_range: float = parameter(
        0.0,
        maximum=2,
        step=0.1,
        label=QT_TRANSLATE_NOOP("parameters", "Temperature range"),
        description=QT_TRANSLATE_NOOP(
            "parameters",
            "Lets the temperature go up and down by this much, with the model's uncertainty; 0 keeps it fixed.",
        ),
        group=VARIETY,
    )
    dynatemp_exponent: float = parameter(
        1.0,
        maximum=10,
        step=0.1,
        label=QT_TRANSLATE_NOOP("parameters", "Temperature exponent"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "Above 1 only great uncertainty raises the temperature; below 1 already little."
        ),
        group=VARIETY,
    )
    mirostat: int = parameter(
        0,
        choices={0: QT_TRANSLATE_NOOP("parameters", "Off"), 1: "Mirostat 1", 2: "Mirostat 2"},
        label=QT_TRANSLATE_NOOP("parameters", "Mirostat"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "Keeps the surprise of the answer constant; replaces the samplers from top-k to XTC."
        ),
        group=CONTROLLED,
    )
    mirostat_tau: float = parameter(
        5.0,
        maximum=20,
        step=0.5,
        label=QT_TRANSLATE_NOOP("parameters", "Mirostat tau"),
        description=QT_TRANSLATE_NOOP("parameters", "Surprise to aim at: lower values give more predictable answers."),
        group=CONTROLLED,
    )
    mirostat_eta: float = parameter(
        0.1,
        maximum=1,
        step=0.05,
        label=QT_TRANSLATE_NOOP("parameters", "Mirostat eta"),
        description=QT_TRANSLATE_NOOP("parameters", "How fast mirostat corrects itself."),
        group=CONTROLLED,
    )
    adaptive_target: float = parameter(
        0.0,
        maximum=1,
        step=0.05,
        label=QT_TRANSLATE_NOOP("parameters", "Adaptive-p target"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "Prefers tokens near this probability, averaged over the answer; 0 turns it off."
        ),
        group=CONTROLLED,
    )
    adaptive_decay: float = parameter(
        0.9,
        maximum=0.99,
        step=0.01,
        label=QT_TRANSLATE_NOOP("parameters", "Adaptive-p decay"),
        description=QT_TRANSLATE_NOOP("parameters", "How long adaptive-p remembers: 0.9 is about ten tokens."),
        group=CONTROLLED,
    )


@dataclass(frozen=True)
class Sampling(SamplerParameters):
    """How an answer is generated."""

    seed: int | None = parameter(
        None,
        minimum=0,
        maximum=(1 << 31) - 1,
        named_values={None: QT_TRANSLATE_NOOP("parameters", "Random each time")},
        suggestion=42,
        label=QT_TRANSLATE_NOOP("parameters", "Seed"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "With a local model, the same seed and settings give the same answer again."
        ),
    )
    """None for a random one for each answer."""
    max_tokens: int | None = parameter(
        None,
        minimum=1,
        maximum=1 << 24,
        step=256,
        named_values={None: QT_TRANSLATE_NOOP("parameters", "No limit")},
        suggestion=1024,
        label=QT_TRANSLATE_NOOP("parameters", "Maximum tokens"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "Limits the length of an answer. An English word is slightly more than one token."
        ),
    )
    """None for no limit but the context."""
    stop: tuple[str, ...] = parameter(
        (),
        label=QT_TRANSLATE_NOOP("parameters", "Stop sequences"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "The answer ends before the first of them. One per line; write \\n for a line break."
        ),
    )
    dry_sequence_breakers: tuple[str, ...] = parameter(
        ("\n", ":", '"', "*"),
        label=QT_TRANSLATE_NOOP("parameters", "DRY sequence breakers"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "Texts at which a repetition ends. One per line; write \\n for a line break."
        ),
        group=REPETITION,
    )
    thinking: str = parameter(
        "",
        choices={
            "": QT_TRANSLATE_NOOP("parameters", "Default"),
            "off": QT_TRANSLATE_NOOP("parameters", "Off"),
            "on": QT_TRANSLATE_NOOP("parameters", "On"),
            "low": QT_TRANSLATE_NOOP("parameters", "Low"),
            "medium": QT_TRANSLATE_NOOP("parameters", "Medium"),
            "high": QT_TRANSLATE_NOOP("parameters", "High"),
            "max": QT_TRANSLATE_NOOP("parameters", "Maximum"),
        },
    )
    """Whether and how much the model thinks; empty for the default of its chat template."""
    json_schema: str = ""
    """JSON schema, as text, that the answer after the thoughts must satisfy; empty for free text.

    ``app.structured.schema`` lists what is supported and checks it.  An answer with the finish reason ``stop`` is
    valid; one that was cut ends with ``length`` at the token limit, with ``STOP_SEQUENCE`` at a stop sequence.
    """
    tools: tuple[str, ...] = ()
    """Names of the tool servers whose tools the model may call; none for an answer by a schema or a grammar."""
    memory: bool = True
    """Whether the model is given the facts of the memory, where the settings use it."""
    grammar: str = ""
    """The same as a GBNF grammar of llama.cpp with the rule ``root``; ``json_schema`` takes precedence.

    Only from the user of this program: a hostile grammar can take any amount of time and memory.
    """


def changed_samplers(sampling: Sampling) -> dict[str, Any]:
    """Return the parameters of the samplers that are not those of a new ``Sampling``."""
    usual = Sampling()
    names = (*parameters(SamplerParameters), "dry_sequence_breakers")
    return {name: value for name in names if (value := getattr(sampling, name)) != getattr(usual, name)}


def shown_samplers(sampling: Sampling) -> dict[str, float]:
    """Return the numbers of the samplers that are in the settings, and further ones that were changed."""
    changed = changed_samplers(sampling)
    return {
        name: getattr(sampling, name)
        for name, declared in parameters(SamplerParameters).items()
        if declared.page or name in changed
    }
