"""Qualities of quantisations, shares, times and dates as text in the current language."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from PySide6.QtCore import QCoreApplication, QDateTime, QLocale

from app.units import size_text

translate = QCoreApplication.translate

Quality = Literal["original", "same", "very_close", "close", "small", "some", "noticeable", "heavy", "severe"]
"""Quality compared to the original weights, best first."""

_BY_NAME: tuple[tuple[Quality, str], ...] = (
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
"""By the perplexities in llama.cpp's ``tools/quantize/README.md``; large models lose slightly less."""


def list_text(items: Iterable[str]) -> str:
    """Return items as a list in one line."""
    return translate("formats", ", ").join(items)


def sentences(*texts: str) -> str:
    """Return sentences one after the other, with a space between them except for Chinese ones."""
    return re.sub(r"(?<=[。！？]) ", "", " ".join(filter(None, texts)))


def quality_of(quantisation: str | None) -> Quality | None:
    """Return the quality of a quantisation by its name; None for an unknown one."""
    label = re.sub(r"^UD-", "", (quantisation or "").upper())
    return next((quality for quality, pattern in _BY_NAME if re.fullmatch(pattern, label)), None)


def quality_text(quality: Quality | None) -> str:
    """Return the quality in a few words; empty where it is unknown."""
    texts: dict[Quality, str] = {
        "original": translate("formats", "Original weights"),
        "same": translate("formats", "Virtually lossless"),
        "very_close": translate("formats", "Very close to the original"),
        "close": translate("formats", "Close to the original"),
        "small": translate("formats", "Small loss of quality"),
        "some": translate("formats", "Some loss of quality"),
        "noticeable": translate("formats", "Noticeable loss of quality"),
        "heavy": translate("formats", "Heavy loss of quality"),
        "severe": translate("formats", "Severe loss of quality"),
    }
    return texts[quality] if quality else ""


def quality_sentence(quality: Quality | None) -> str:
    """Return what the quality means for answers; empty where it is unknown."""
    texts: dict[Quality, str] = {
        "original": translate("formats", "No loss of quality, but larger than chatting requires."),
        "same": translate("formats", "In practice, answers are the same as from the original weights."),
        "very_close": translate("formats", "It answers like the original, apart from very rare slips."),
        "close": translate("formats", "It answers almost like the original. The usual choice if it fits."),
        "small": translate(
            "formats",
            "The loss of quality is hardly noticeable in conversation; code and long reasoning suffer slightly.",
        ),
        "some": translate(
            "formats", "Good for conversation; more mistakes in facts, code and reasoning than larger versions."
        ),
        "noticeable": translate(
            "formats",
            "Fluent, but with more mistakes in facts, code and reasoning. Still useful for very large models.",
        ),
        "heavy": translate("formats", "Often wrong and sometimes incoherent. Use only if nothing larger fits."),
        "severe": translate("formats", "Mainly for experiments; don't rely on its answers."),
    }
    return texts[quality] if quality else ""


def of_text(done: int, total: int) -> str:
    """Return "part of whole", with one unit where both have the same."""
    part, whole = size_text(done), size_text(total)
    if part.split()[-1] == whole.split()[-1]:
        part = part.split()[0]
    return translate("formats", "{part} of {whole}").format(part=part, whole=whole)


def percent_text(percent: int) -> str:
    """Return a share in percent."""
    return translate("formats", "{percent} %").format(percent=percent)


def time_left_text(seconds: float) -> str:
    """Return the time left, rounded to minutes."""
    minutes = round(seconds / 60)
    if seconds < 60:
        return translate("formats", "less than a minute left")
    if minutes < 60:
        return translate("formats", "{minutes} min left").format(minutes=minutes)
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return translate("formats", "{hours} h {minutes} min left").format(hours=hours, minutes=minutes)
    days, hours = divmod(hours, 24)
    return translate("formats", "{days} d {hours} h left").format(days=days, hours=hours)


def date_text(moment: datetime) -> str:
    """Return a date in the format of the system."""
    # Not ``astimezone``, which fails for the years 1 and 9999.
    local = QDateTime.fromSecsSinceEpoch(int(moment.timestamp()))
    return QLocale().toString(local.date(), QLocale.FormatType.ShortFormat)


def day_text(moment: datetime) -> str:
    """Return a date in which an English month is a word: in numbers, 4/3 is another day in each country."""
    if QLocale().language() != QLocale.Language.English:
        return date_text(moment)
    local = QDateTime.fromSecsSinceEpoch(int(moment.timestamp()))
    return QLocale().toString(local.date(), "d MMM yyyy")


def time_text(moment: datetime) -> str:
    """Return a date and a time in the format of the system."""
    local = QDateTime.fromSecsSinceEpoch(int(moment.timestamp()))
    return QLocale().toString(local, QLocale.FormatType.ShortFormat)


def count_text(count: int) -> str:
    """Return a large number shortened to thousands or millions."""
    for step, unit in ((1_000_000, "M"), (1_000, "k")):
        if count >= step:
            return f"{count / step:.1f}{unit}" if count < 100 * step else f"{count // step}{unit}"
    return str(count)
