"""Conversations of the pictures in the documents."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime, time, timedelta

from app.conversation import Attachment, Conversation, ConversationTree, Message, Provenance, Role, Status
from app.sampling import Sampling

HOME_MODEL = "APUS-xDAN4.0-MoE-0402.IQ3_XXS"

FORMULA = (
    r"y = \sum_{i \in T} \frac{e^{s_i}}{\sum_{j \in T} e^{s_j}}\; E_i(x), "
    r"\qquad s = W_r\,x, \quad T = \mathrm{top}_2(s)"
)

EXPERTS = """A small router scores the four experts for each token. The two best ones answer, each with a weight:

$$FORMULA$$

```python
def moe(x, router, experts, used=2):
    scores = router @ x
    best = scores.argsort()[-used:]
    weights = softmax(scores[best])
    return sum(w * experts[i](x) for w, i in zip(weights, best))
```

So of all the weights only a part is read for a token:

| parameters | in the file | read for a token |
|---|--:|--:|
| experts | 105.7 B | 52.8 B |
| everything else | 8.0 B | 8.0 B |
| **together** | **113.7 B** | **60.8 B** |
"""

EXPERTS_ZH = """每个 token 先由一个很小的路由器给四个专家打分，得分最高的两个专家参与计算，结果按得分的 softmax 加权：

$$FORMULA$$

```python
def moe(x, router, experts, used=2):
    scores = router @ x
    best = scores.argsort()[-used:]       # 得分最高的两个专家
    weights = softmax(scores[best])
    return sum(w * experts[i](x) for w, i in zip(weights, best))
```

所以生成一个 token 时，只需要读取一部分权重：

| 参数 | 文件中 | 每个 token 读取 |
|---|--:|--:|
| 专家 | 1057 亿 | 528 亿 |
| 其余部分 | 80 亿 | 80 亿 |
| **合计** | **1137 亿** | **608 亿** |
"""

CARD = """No. What counts, in this order:

1. The memory. Each layer lies on one card as a whole, so what both have together is what you can use.
2. Its bandwidth. The cards work one after the other. Layers on a card with half the bandwidth take twice as long.
3. The slot. Between two cards only a few kilobytes go over for each token: four lanes of PCIe are enough.

| second card | memory | bandwidth |
|---|--:|--:|
| RTX 3090 | 24 GiB | 936 GB/s |
| RTX 4060 Ti | 16 GiB | 288 GB/s |
"""

TIDES = (
    "Because the Moon pulls the near side of the Earth more strongly than its centre, and the centre more strongly "
    "than the far side. Seen from the centre, water moves away from it on **both** sides.",
    "<think>\nTwo bulges: the difference of the pull between near side, centre and far side. The Earth turns under "
    "both of them once a day. The Moon moves on meanwhile, so it is 24 h 50 min.\n</think>\n\nThe Moon stretches the "
    "oceans into **two bulges**, one towards it and one away from it:\n\n1. The near side is pulled more strongly "
    "than the Earth's centre.\n2. The far side is pulled less strongly, and stays behind.\n3. The Earth turns under "
    "both bulges once in 24 h 50 min, so that most coasts see high water twice.\n\nWhat is left is the difference of "
    "two pulls, which falls with the **third** power of the distance. That is why the Sun, far heavier but far away, "
    "raises less than half of the Moon's tide.",
    "Think of the Earth and the Moon as turning about a common point. Gravity and this turning cancel at the Earth's "
    "centre alone; on the two opposite sides something is left over, and the water follows it.",
)


def conversations(language: str) -> list[ConversationTree]:
    """Return all conversations, newest last."""
    return _chinese() if language == "zh_CN" else _english()


def shown(language: str) -> str:
    """Return the id of the conversation with formula, code and table."""
    return _id("experts" + language)


def branched() -> str:
    """Return the id of the conversation whose answer has three versions."""
    return _id("tides")


def _english() -> list[ConversationTree]:
    return [
        _talk(
            "sourdough", "Sourdough at 24 °C", 5, "How long does it rise?", "About five hours, until it has doubled."
        ),
        _talk("sky", "为什么天空是蓝色的？", 4, "为什么天空是蓝色的？", "空气分子对短波长的蓝光散射得更多。"),
        _talk(
            "bandwidth",
            "What limits the tokens per second",
            1,
            "What limits the speed of an answer?",
            "The bandwidth of the memory. For each token all weights in use are read once.",
        ),
        _talk(
            "ram",
            "Why RAM slows answers down",
            1,
            "Why are experts in RAM so slow?",
            "Two channels of DDR5 have a bandwidth of some 80 GB/s, a card ten times as much.",
        ),
        _talk(
            "rows",
            "SQL: the newest row of each group",
            1,
            "How do I get the newest row of each group?",
            "With `ROW_NUMBER() OVER (PARTITION BY … ORDER BY … DESC)`, and take number 1.",
        ),
        _talk(
            "card",
            "Choosing a second graphics card",
            0,
            "Does the second card have to be the same?",
            CARD,
            pinned=True,
        ),
        _talk("letter", "A letter to the landlord", 0, "Please make it more polite.", "Dear Ms Weber, …"),
        _tides(),
        _talk(
            "experts" + "en",
            "How a token finds its experts",
            0,
            "How does a token find its experts?",
            EXPERTS.replace("FORMULA", FORMULA),
        ),
    ]


def _chinese() -> list[ConversationTree]:
    return [
        _talk("zh4", "给房东的信", 5, "请写得更客气一些。", "尊敬的王女士：……"),
        _talk("zh3", "Why is the sky blue?", 4, "Why is the sky blue?", "Air scatters short wavelengths more."),
        _talk("zh2", "每组取最新一行的 SQL", 1, "怎样取每组最新的一行？", "用 `ROW_NUMBER()`，取编号 1。"),
        _talk("zh1", "第二张显卡怎么选", 0, "第二张显卡必须一样吗？", "不必。先看显存，再看带宽。", pinned=True),
        _talk("zh0", "周末去爬山带什么", 0, "周末去爬山带什么？", "水、雨衣、头灯和一点吃的。"),
        _talk(
            "experts" + "zh_CN",
            "token 如何找到它的专家",
            0,
            "token 是怎样选择专家的？",
            EXPERTS_ZH.replace("FORMULA", FORMULA),
        ),
    ]


def _talk(name: str, title: str, days: int, question: str, answer: str, *, pinned: bool = False) -> ConversationTree:
    asked = _message(name, "question", None, Role.USER, question, days)
    reply = _message(name, "answer", asked.id, Role.ASSISTANT, answer, days)
    return ConversationTree(_conversation(name, title, reply, pinned=pinned), (asked, reply))


def _tides() -> ConversationTree:
    name = "tides"
    notes = Attachment("tide-table.csv", "time,height\n" * 180, tokens=1420)
    asked = _message(name, "question", None, Role.USER, "Why are there two high tides a day, not one?", 0)
    asked = replace(asked, attachments=(notes,))
    versions = [
        _message(name, f"answer {number}", asked.id, Role.ASSISTANT, text, 0) for number, text in enumerate(TIDES)
    ]
    more = _message(name, "more", versions[1].id, Role.USER, "And why do they come 50 minutes later each day?", 0)
    last = _message(
        name,
        "last",
        more.id,
        Role.ASSISTANT,
        "While the Earth turns once, the Moon goes on by about 13° of its way around. The Earth needs 50 minutes more "
        "to catch up with it.",
        0,
    )
    conversation = _conversation(name, "Why there are two tides a day", last)
    return ConversationTree(conversation, (asked, *versions, more, last))


def _id(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"https://example.org/{name}"))


def _moment(days: int) -> datetime:
    """Return a time that many days ago; for today midnight, so that it is never in the future."""
    return datetime.combine(datetime.now() - timedelta(days=days), time(0, 0)).astimezone()


def _message(name: str, part: str, parent_id: str | None, role: Role, content: str, days: int) -> Message:
    provenance = Provenance(
        model_id=HOME_MODEL,
        sampling=Sampling(),
        seed=7,
        prompt_tokens=1536,
        completion_tokens=312,
        finish_reason="stop",
        tokens_per_second=34.6,
        thought_s=6.2 if "<think>" in content else None,
        plan={"context": 16384},
    )
    return Message(
        id=_id(name + part),
        conversation_id=_id(name),
        parent_id=parent_id,
        role=role,
        status=Status.COMPLETE,
        content=content,
        created_at=_moment(days),
        provenance=provenance if role is Role.ASSISTANT else None,
    )


def _conversation(name: str, title: str, leaf: Message, *, pinned: bool = False) -> Conversation:
    return Conversation(
        id=_id(name),
        title=title,
        created_at=leaf.created_at,
        updated_at=leaf.created_at,
        model_id=HOME_MODEL,
        leaf_id=leaf.id,
        is_pinned=pinned,
        title_is_chosen=True,
    )
