"""Test texts: the examples of the CommonMark specification, and texts generated from a seed."""

from __future__ import annotations

import json
import random
from pathlib import Path

_SPECIFICATION = json.loads((Path(__file__).parents[1] / "data" / "commonmark.json").read_text("utf-8"))
SPECIFICATION: list[str] = _SPECIFICATION["examples"]
"""CC-BY-SA 4.0, by John MacFarlane."""

FORMULAS = [
    "$$\na = b\n- c\n\nd\n$$",
    "Thus \\[\n x = 3\n- 4\n\n= 5\n---\n\\]. And so",
    "\\begin{align}\na &= b\\\\\n- c\n\n# d\n\\end{align}\nafter",
    "- item\n  $$\n  x\n  + y\n  $$\n- \\[a\\]\n- b",
    "1. one\n\n   \\[\n   1. a\n\n   2. b\n   \\]\n2. two",
    "> $$\n> a\n> - b\n> $$\n> after\n",
    "> \\[\n> a\n\nno quote\n\n\\]",
    "\\[ never closed\n\n- list\n\n# head\n\ntext $x$ and $5",
    "$$ never closed\n\ntext\n\n```\n$$\n```\nafter",
    "\\[ one\n\n\\[ two \\]\n\nafter",
    "text $$\na\n\nb\n$$ text $$\nc\n$$",
    "a $x$ b \\(y\n- z\\) costs $5 and $10 **$z$**。",
    "| a | b |\n|---|---|\n| $|x|$ | $P(A|B)$ |\n| $5 | $6 |\n| \\(a|b\\) | `$|$` |\n",
    "\\begin{cases}\na\n\\begin{matrix}\n1\n\\end{matrix}\n\\end{cases}.\n\n\\begin{cases} x",
    "\\begin{align}\nx\n\n## Heading\n\ntext\n\n\\end{align}",
    "\\(\na\n\nb\\)\n\n$c\n\nd$",
    "```latex\n\\[\nx\n```\n\\]\n\n~~~\n$$\n~~~\n$$\nx\n$$",
    "- a\n\n      $$\n      code\n      $$\n\n- b\n",
    "[x]: https://a.b\n\n$$\n[x]: https://c.d\n$$\n\n[x]",
    "价格从$5涨到$10，**中文。**后面是$x^2$。\n\n$$\n\\text{总价} = 3\n$$\n",
    "$$\n" + "x\n" * 20 + "\n- y\n" * 10 + "$$\nend",
    "`$$` and `\\[`\n\n- a\n- b\n\n`` ` $$ ``\n\nend",
    "$$x$$\n$$y$$\ntext\n$$z\n\n$$\n\\[",
]

_WORDS = (
    "layer",
    "专家",
    "**bold**",
    "*slant*",
    "`code`",
    "两个。",
    "~~old~~",
    "https://x.org",
    "[link](https://y.org)",
)
_WORDS += ("$x^2$", "\\(y\\)", "$5", "\\$6")
_BLOCKS = [
    "## {w} {w}\n",
    "{w} {w} {w}\n{w} {w}\n",
    "- {w}\n- {w}\n  - {w} {w}\n\n    {w}\n- [x] {w}\n",
    "1. {w}\n2. {w}\n\n   ```py\n   x = 1\n   ```\n3. {w}\n",
    "| {w} | {w} |\n|---|:-:|\n| {w} | {w} |\n| $|x|$ | {w} |\n",
    "```python\nprint('$$ \\[')\n\n- no\n```\n",
    "$$\na = b\n- c\n\n= d\n$$\n",
    "\\[\n\\begin{cases} 1 & x \\\\\n- 2 & y \\end{cases}\n\\]\n",
    "{w} \\[ x = \\frac{1}{2} \\] {w}\n",
    "> {w} {w}\n> - {w}\n>\n> $$\n> q\n> $$\n",
    "\\begin{align*}\nx &= 1 \\\\\n\n- y &= 2\n\\end{align*}\n",
    "---\n",
    "    {w}\n",
    "\\[ {w}\n",
]


def generated(seed: int, blocks: int = 8) -> str:
    """Return a text of some blocks, the same for each seed."""
    chance = random.Random(seed)
    text = ""
    for _ in range(blocks):
        block = chance.choice(_BLOCKS)
        while "{w}" in block:
            block = block.replace("{w}", chance.choice(_WORDS), 1)
        text += block + chance.choice(["", "\n", "\n", "\n\n"])
    return text


HOSTILE = {
    "brackets": "\\[ x " * 20_000,
    "bracket lines": "\\[ x\n" * 6_000,
    "dollars": "$x{" * 12_000,
    "double dollars": "$$ x\n\n" * 6_000,
    "environments": "\\begin{align}\n" * 2_000,
    "other environments": "\\begin{cases} x & y \\\\ \n\n" * 1_500,
    "parentheses": "\\( x\n" * 6_000,
    "bars": "| $x" * 20_000,
    "backticks": "`$" * 20_000,
    "one line": "x" * 1_000_000,
    "stars": "**中。" * 10_000,
    "quotes": "> " * 1_000 + "$$\nx\n$$",
    "braces": "$" + "{" * 50_000,
}

_SCRAPS = (
    *("$", "$$", "\\[", "\\]", "\\(", "\\)", "\\begin{align}", "\\end{align}", "\\begin{cases}", "\\end{cases}"),
    *("\n", "\n", "\n\n", "- ", "1. ", "> ", "  ", "    ", "```", "`", "# ", "a", "x_1", "中。", "**", "|", "---"),
    *("|a|b|\n|-|-|\n", "\\\\", "\\$", "5", "=", "~~~", "* ", "{", "}", "\\", "_", "text ", "[x]", "](y)", "\t", "~~"),
)


def scraps(seed: int) -> str:
    """Return random syntax, the same for each seed."""
    chance = random.Random(seed)
    return "".join(chance.choice(_SCRAPS) for _ in range(chance.randint(3, 40)))
