"""Write the table of the READMEs that says which quantisation of the home model belongs on which cards.

    python packaging/quantisation_table.py      put it between the two markers of README.md and README.zh-CN.md

The program's own planner makes every figure, from the reconstructed headers of the published files: no network, no
GPU, and the same figures on every machine.  ``tests/rules/test_documents.py`` compares.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from model_manager.devices.devices import HostMemory, PlanDevice
from model_manager.hub.catalogue import APUS
from model_manager.hub.home_model import reconstructed_header
from model_manager.plan import Candidate, LoadPlan, Wishes, model_facts, plan_model, recommend

ROOT = Path(__file__).resolve().parents[1]
BEGIN = "<!-- quantisations: made by packaging/quantisation_table.py -->"
END = "<!-- end of quantisations -->"
GIB = 1 << 30
TAKEN_GIB = 0.46
"""What the driver has taken of a card before anything runs on it: one of 24 GiB has 23.54 free."""
RAM_FREE_GIB, RAM_GB_S, CORES = 56, 60, 8
CARDS = {8: "RTX 4060", 16: "RTX 4080", 24: "RTX 4090", 48: "RTX A6000"}
"""Whose bandwidth counts for a card of so many GiB."""
MACHINES = ((24,), (24, 24), (24, 16), (24, 24, 24), (48, 48), (8,), ())
"""GiB of the cards of each row."""


@dataclass(frozen=True)
class Words:
    """What a README says around the figures."""

    head: tuple[str, ...]
    none: str
    nothing_in_ram: str
    experts: str
    everything_in_ram: str
    below: str


README = {
    "README.md": Words(
        head=(
            "cards, GiB each",
            "quantisation",
            "context, tokens",
            "layers whose experts are in RAM",
            "about tokens a second",
        ),
        none="none",
        nothing_in_ram="none",
        experts="{count} of {layers}",
        everything_in_ram="the whole model",
        below="Assumed: each card has {taken} GiB less free than its name says and drives no display; the bandwidth is "
        "that of {cards}; {ram} GiB of RAM are free, read at {ram_gb_s} GB/s with {cores} cores; the conversation has "
        "a thousand tokens. Expected, not measured. For your own machine: `apus-chat recommend`.",
    ),
    "README.zh-CN.md": Words(
        head=("显卡显存（GiB）", "建议的量化", "上下文（token）", "专家放在内存中的层", "预计每秒 token 数"),
        none="无独立显卡",
        nothing_in_ram="无",
        experts="{layers} 层中的 {count} 层",
        everything_in_ram="整个模型",
        below="前提：每张卡的空闲显存比标称少 {taken} GiB，且不接显示器；速度按 {cards} 的显存带宽计算；"
        "放在内存里的专家按 {ram_gb_s} GB/s 的内存带宽和 {cores} 个核心计算，空闲内存为 {ram} GiB；"
        "对话已有一千个 token。这些是预计值，不是实测值。查看自己电脑的结果：`apus-chat recommend`。",
    ),
}


def best_plan(cards: tuple[int, ...]) -> tuple[str, LoadPlan]:
    """The recommended quantisation for these cards, and the plan that the program would load it with."""
    devices = tuple(
        PlanDevice(f"GPU{number}", round((gib - TAKEN_GIB) * GIB), backend="CUDA", description=CARDS[gib])
        for number, gib in enumerate(cards)
    )
    host = HostMemory(RAM_FREE_GIB * GIB, bandwidth=RAM_GB_S * 1e9, cores=CORES)
    headers = {entry.quantisation: (reconstructed_header(entry),) for entry in APUS}
    candidates = [Candidate(entry.id, entry.quantisation, entry.bytes, headers[entry.quantisation]) for entry in APUS]
    best = next(each.quantisation for each in recommend(candidates, devices, host) if each.recommended)
    return best, plan_model(model_facts(headers[best]), devices, host, Wishes())


def table(words: Words) -> str:
    """The table and the sentence below it."""
    rows = [words.head, ("---",) * len(words.head)]
    for cards in MACHINES:
        quantisation, plan = best_plan(cards)
        speed = plan.tokens_per_second_estimate
        in_ram = words.experts.format(count=len(plan.experts_in_ram), layers=plan.n_layer)
        if plan.verdict == "gpu":
            in_ram = words.nothing_in_ram
        elif not plan.used_devices:
            in_ram = words.everything_in_ram
        size = f"{len(cards)} × {cards[0]}" if len(set(cards)) == 1 else " + ".join(map(str, cards))
        rows.append(
            (
                size if cards else words.none,
                quantisation,
                f"{plan.context // 1024}k",
                in_ram,
                f"{speed:.0f}" if speed >= 10 else f"{speed:.1f}",
            )
        )
    below = words.below.format(
        taken=TAKEN_GIB,
        cards=", ".join(f"{name} ({gib})" for gib, name in CARDS.items()),
        ram=RAM_FREE_GIB,
        ram_gb_s=RAM_GB_S,
        cores=CORES,
    )
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([*lines, "", below])


def with_table(text: str, words: Words) -> str:
    """The text of a README with its table made anew."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the markers are missing: {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{table(words)}\n{END}{after}"


def main() -> int:
    for name, words in README.items():
        path = ROOT / name
        path.write_text(with_table(path.read_text("utf-8"), words), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
