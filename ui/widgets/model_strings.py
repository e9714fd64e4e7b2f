"""Plain words about model files: what a quantisation means for quality, sizes, speeds and times.

Pure functions; the texts are in the language of the moment, so they are asked for anew when the language changes.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal

from PySide6.QtCore import QCoreApplication, QDate, QLocale

translate = QCoreApplication.translate

Quality = Literal["original", "same", "very_close", "close", "small", "some", "noticeable", "heavy", "severe"]
"""How much of the original weights' quality is left, the best first."""

_BY_LABEL: tuple[tuple[Quality, str], ...] = (
    ("original", r"F32|F16|BF16"),
    ("same", r"Q8_\w+|Q6_\w+"),
    ("very_close", r"Q5_\w+"),
    ("close", r"Q4_\w+|IQ4_\w+|MXFP4\w*|NVFP4"),
    ("small", r"Q3_K|Q3_K_M|Q3_K_L|Q3_K_XL|IQ3_M|IQ3_S"),
    ("some", r"Q3_K_S|Q3_0|IQ3_XS|IQ3_XXS"),
    ("noticeable", r"Q2_K|Q2_K_L|Q2_K_XL|IQ2_M"),
    ("heavy", r"Q2_\w+|IQ2_S|IQ2_XS|TQ2_0"),
    ("severe", r"IQ2_XXS|I?Q1_\w+|TQ1_0"),
)
"""After the perplexities that llama.cpp's ``tools/quantize/README.md`` lists; large models lose a little less."""

_BY_BITS: tuple[tuple[Quality, float], ...] = (
    ("original", 15.5),
    ("same", 6.4),
    ("very_close", 5.2),
    ("close", 4.1),
    ("small", 3.6),
    ("some", 3.05),
    ("noticeable", 2.6),
    ("heavy", 2.2),
    ("severe", 0.0),
)


def quality_of(quantisation: str | None, bits_per_weight: float | None = None) -> Quality | None:
    """What is left of the quality, by the quantisation's name, else by its bits per weight; None where neither says."""
    label = re.sub(r"^UD-", "", (quantisation or "").upper())
    for quality, pattern in _BY_LABEL:
        if label and re.fullmatch(pattern, label):
            return quality
    if bits_per_weight is None:
        return None
    return next(quality for quality, least in _BY_BITS if bits_per_weight >= least)


def quality_text(quality: Quality | None) -> str:
    """A few words, for a row; empty where nothing is known."""
    texts: dict[Quality, str] = {
        "original": translate("model_words", "Original weights"),
        "same": translate("model_words", "Virtually lossless"),
        "very_close": translate("model_words", "Very close to the original"),
        "close": translate("model_words", "Close to the original"),
        "small": translate("model_words", "Small loss"),
        "some": translate("model_words", "Some loss"),
        "noticeable": translate("model_words", "Noticeable loss"),
        "heavy": translate("model_words", "Heavy loss"),
        "severe": translate("model_words", "Severe loss"),
    }
    return texts[quality] if quality else ""


def quality_sentence(quality: Quality | None) -> str:
    """What that means when one chats; empty where nothing is known."""
    texts: dict[Quality, str] = {
        "original": translate("model_words", "No loss of quality, but larger than chatting requires."),
        "same": translate("model_words", "In practice, answers are the same as from the original weights."),
        "very_close": translate("model_words", "Answers like the original, apart from very rare slips."),
        "close": translate("model_words", "Answers almost like the original. The usual choice if it fits."),
        "small": translate(
            "model_words", "Hardly noticeable in conversation; code and long reasoning suffer slightly."
        ),
        "some": translate(
            "model_words", "Good for conversation; more mistakes in facts, code and reasoning than larger versions."
        ),
        "noticeable": translate(
            "model_words",
            "Fluent, but with more mistakes in facts, code and reasoning. Still useful for very large models.",
        ),
        "heavy": translate("model_words", "Often wrong and sometimes incoherent. Use only if nothing larger fits."),
        "severe": translate("model_words", "Mainly for experiments; don't rely on its answers."),
    }
    return texts[quality] if quality else ""


def size_text(n_bytes: int) -> str:
    """A size as people compare it with the memory of a GPU."""
    if n_bytes >= 1 << 30:
        return f"{n_bytes / (1 << 30):.1f} GiB"
    return f"{n_bytes / (1 << 20):.0f} MiB" if n_bytes >= 1 << 20 else f"{n_bytes / (1 << 10):.0f} KiB"


def of_text(done: int, total: int) -> str:
    """How much of a size is there; the unit once where both have the same."""
    whole = size_text(total)
    part = f"{done / (1 << 30):.1f} GiB" if total >= 1 << 30 else size_text(done)
    if part.split()[-1] == whole.split()[-1]:
        part = part.split()[0]
    return translate("model_words", "{part} of {whole}").format(part=part, whole=whole)


def speed_text(bytes_per_second: float) -> str:
    """As browsers and providers say it, in powers of ten."""
    if bytes_per_second >= 1e6:
        digits = 0 if bytes_per_second >= 1e8 else 1
        return f"{bytes_per_second / 1e6:.{digits}f} MB/s"
    return f"{bytes_per_second / 1e3:.0f} kB/s"


def time_left_text(seconds: float) -> str:
    """How long something will still take, as roughly as one would say it."""
    minutes = round(seconds / 60)
    if seconds < 60:
        return translate("model_words", "less than a minute left")
    if minutes < 60:
        return translate("model_words", "{minutes} min left").format(minutes=minutes)
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return translate("model_words", "{hours} h {minutes} min left").format(hours=hours, minutes=minutes)
    days, hours = divmod(hours, 24)
    return translate("model_words", "{days} d {hours} h left").format(days=days, hours=hours)


def date_text(moment: datetime) -> str:
    """A day, as the person's system writes it."""
    local = moment.astimezone()
    return QLocale().toString(QDate(local.year, local.month, local.day), QLocale.FormatType.ShortFormat)


def number_text(number: int) -> str:
    """A count with the separators of the person's language."""
    return QLocale().toString(number)


def count_text(count: int) -> str:
    """A large count as one glances at it."""
    for step, unit in ((1_000_000, "M"), (1_000, "k")):
        if count >= step:
            return f"{count / step:.1f}{unit}" if count < 100 * step else f"{count // step}{unit}"
    return str(count)
