"""Documents: passages with the answer among those given, time to read a PDF of 300 pages, time of the ranking.

    python -m tests.benchmarks.documents [--out FILE] [--embedder GGUF] [--debian FOLDER]     about a minute

192 questions over five documents: the Python reference (465 kB of text, part of Python), the readme of
llama-cpp-python (Markdown), the English guide as a PDF, the Chinese guide as HTML, and a Chinese handbook as DOCX.  An
answer is found if the passages for a context of 4,096 or 8,192 tokens contain its words; tokens are estimated.  The
ranking was tuned by half of the questions, and the limits hold for the other half (``held_out_questions``).  A third of
each half shares few words with the text.  With an embedding model (``tests.rigs.e5``, ``tests.rigs.minilm``) the
passages are ranked by meaning too, which takes many minutes.  With the manuals of ``development_questions`` in a folder
40 further questions are asked, by which the ranking by meaning was developed.
"""

from __future__ import annotations

import argparse
import html
import pydoc_data.topics
import re
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

from app.backend import ChatRequest, PromptMessage, QuestionWithDocuments, Similarities
from app.chat.context import fit
from app.chat.token_estimate import TEMPLATE_TOKENS, estimated_tokens
from app.conversation import Attachment, Role
from app.documents.attachments import read_attachment
from app.documents.ranking import PassageIndex, rank
from app.documents.vectors import PassageVectors
from app.engine.embedder import Embedder
from app.sampling import Sampling
from model_manager.disk.hashing import sha256_of
from tests.benchmarks.figures import Figure, at_least, at_most, median, report, reported
from tests.documents import development_questions, held_out_questions
from tests.documents.builders import docx, pdf, prose, w_p

ROOT = Path(__file__).resolve().parents[2]
CONTEXTS = 4096, 8192
PAGES, PAGE_CHARACTERS, READ_PAGES, RUNS = 2000, 2000, 300, 7
FOUND, FOUND_HYBRID, READ_S, RANK_MS = 0.9, 0.95, 3.0, 50.0

PYTHON = {
    "What happens when a class defines neither __bool__ nor __len__?": "all its instances are considered true",
    "Does declaring __slots__ prevent the creation of __dict__?": "deny the creation of",
    "Can comparisons such as x < y <= z be chained?": "Comparisons can be chained arbitrarily",
    "Which descriptors are data descriptors?": "it is a data descriptor",
    "How is the property function implemented?": "implemented as a data descriptor",
    "In which order does the dictionary display evaluate duplicate keys?": "the final dictionary’s value",
    "What does assert do when optimization is requested?": "emits no code for an assert statement",
    "Which exception is raised for nonempty slots of variable-length built-in types?": "nonempty *__slots__*",
    "Are function parameter default values evaluated on each call?": "when the function definition is executed",
    "What value does break leave in the for loop's target?": "the loop control target keeps its current value",
    "Is a yield statement different from a yield expression?": "semantically equivalent to a yield expression",
    "May an except clause be combined with except*?": "cannot appear in",
    "What is the modulo operator's sign of the result?": "same sign as its second operand",
    "What does a context manager's __exit__ return to suppress an exception?": "should return a true value",
}
LLAMA = {
    "How do I build it for AMD cards?": "GGML_HIP=on",
    "Which CUDA versions have a pre-built wheel?": "CUDA Version is 11.8",
    "How do I enable Vulkan?": "GGML_VULKAN=on",
    "What should I do on an M1 Mac where it is 10x slower?": "supports arm64 architecture",
    "How can I rebuild it from source after an upgrade?": "--force-reinstall --no-cache-dir",
    "Which compiler does Linux need?": "gcc or clang",
    "How do I get the full cmake build log?": "add `--verbose`",
    "How do I increase the context window?": "n_ctx=2048",
    "How can a model be downloaded from Hugging Face?": "from_pretrained",
    "How do I constrain a chat response to valid JSON?": "response_format",
    "What is needed for function calling?": "tools=[",
    "Which chat handler does LLaVA 1.5 use?": "Llava15ChatHandler",
    "How does speculative decoding with prompt lookup work?": "LlamaPromptLookupDecoding",
    "How do I start the web server?": "python3 -m llama_cpp.server",
}
GUIDE = {
    "How long does the trash keep conversations?": "trash keeps conversations for 30 days",
    "What is a file called until its checksum is correct?": "its SHA-256, where the hub lists one, is correct",
    "Where is the original layout of a converted file kept?": "gguf.origin.json",
    "Which proxies are supported?": "HTTP and SOCKS proxies",
    "What is the shortcut for a temporary chat?": "Ctrl+Shift+N",
    "Is the connection to GPUs of other PCs encrypted?": "nothing is encrypted",
    "Where are API keys of servers stored?": "keys are stored in the system",
    "What does the program do with the experts of old APUS files?": "stacks the experts",
    "How often is an answer saved while it is written?": "saved every second",
    "Which extra package do magnet links need?": "libtorrent",
    "Is there telemetry?": "no account and no update check",
    "How do I make a diagnostic report?": "doctor --report",
}
GUIDE_ZH = {
    "校验失败的文件会怎样命名？": "改名为 `.bad`",
    "磁力链接需要安装哪个软件包？": "libtorrent",
    "回收站保留多少天？": "回收站保留 30 天",
    "通过 RPC 使用其他电脑的显卡，传输加密吗？": "传输不加密",
    "本地服务的地址是什么？": "127.0.0.1:8033",
    "中文显示为方框怎么办？": "Noto Sans CJK SC",
    "令牌和密钥保存在哪里？": "系统密钥环",
    "检查更新吗？": "没有遥测",
    "下载中断之后还要重新开始吗？": "断点继续",
    "数据库多久备份一次？": "每天或每周自动备份",
    "思考过程通过哪个字段返回？": "reasoning_content",
    "哪个快捷键查看全部快捷键？": "Ctrl+/",
}
HANDBOOK = {
    "新员工试用期是几个月？": "试用期为三个月",
    "年休假可以顺延到什么时候？": "顺延至次年三月三十一日",
    "差旅报销单要在多少天内提交？": "返回后二十个工作日内",
    "住宿费的标准是多少？": "每晚不超过四百五十元",
    "机房的温度应当保持在多少度？": "二十二摄氏度",
    "备份磁带存放在哪里？": "城东的保管库",
    "忘记门禁卡应该找谁？": "前台登记领取临时卡",
    "密码多久更换一次？": "每九十天更换",
    "火灾时在哪里集合？": "北门外的停车场",
    "谁负责审批五万元以上的采购？": "由总经理审批",
    "加班费怎样计算？": "一点五倍",
    "育儿假有多少天？": "每年十天育儿假",
    "泵 LX-17 的检修周期是多长？": "泵 LX-17 的额定流量为每小时 271 立方米，检修周期为 41 天",
    "泵 LX-33 由哪个班组负责？": "检修周期为 57 天，由第 4 班组负责",
}
PARAPHRASED = {
    "python.txt": {
        "When is an object truthy if I write no special methods for it?": "all its instances are considered true",
        "How can I save memory by forbidding arbitrary new fields on objects?": "deny the creation of",
        "Can I write a range check without two tests, such as 0 < n < 10?": "Comparisons can be chained arbitrarily",
        "I run the interpreter with -O: are my sanity checks still run?": "emits no code for an assert statement",
        "Why does my list keep growing if I wrote it in the signature?": "when the function definition is executed",
        "After I jump out early, what remains in the counter?": "the loop control target keeps its current value",
        "Is the remainder of a negative number positive?": "same sign as its second operand",
        "How does a with block swallow an error?": "should return a true value",
    },
    "llama.md": {
        "My Apple laptop is terribly slow": "supports arm64 architecture",
        "I have a Radeon; which switch do I set when compiling?": "GGML_HIP=on",
        "Can it read longer inputs than by default?": "n_ctx=2048",
        "Force the output into a machine-readable structure": "response_format",
        "Look at photos with a vision network": "Llava15ChatHandler",
        "Offer the same HTTP interface as the cloud": "python3 -m llama_cpp.server",
    },
    "guide.pdf": {
        "When do removed chats vanish forever?": "trash keeps conversations for 30 days",
        "Could somebody in my LAN eavesdrop on the traffic to the other machine?": "nothing is encrypted",
        "Do you collect usage data about me?": "no account and no update check",
        "How do I send you information about a crash?": "doctor --report",
        "How do I chat without leaving a trace?": "Ctrl+Shift+N",
        "What happens to my text if the power fails halfway?": "saved every second",
    },
    "guide.html": {
        "删掉的聊天还能找回来吗？": "回收站保留 30 天",
        "汉字变成了方块": "Noto Sans CJK SC",
        "网断了，之前拉取的部分会丢吗？": "断点继续",
        "软件会偷偷联网上报吗？": "没有遥测",
    },
    "handbook.docx": {
        "刚入职多久才算正式员工？": "试用期为三个月",
        "当年没休的假会怎样？": "顺延至次年三月三十一日",
        "出差睡酒店最多能花多少钱？": "每晚不超过四百五十元",
        "没带工卡进不去怎么办？": "前台登记领取临时卡",
        "着火了往哪儿跑？": "北门外的停车场",
        "家里有小宝宝可以请几天？": "每年十天育儿假",
    },
}
"""Questions that share few words with the passages of their answers."""
CLAUSES = (
    ("录用", "新员工的试用期为三个月，表现优秀者经部门同意可以提前转正。试用期内双方均可提前三日通知解除合同。"),
    ("年休假", "工作满一年的员工每年享有十天带薪休假，当年未休完的假期可以顺延至次年三月三十一日，逾期作废。"),
    ("育儿假", "子女未满三周岁的员工，夫妻双方每年十天育儿假，工资照常发放，可以分次使用。"),
    ("加班", "工作日延长工作时间的，按照不低于工资的一点五倍支付报酬；休息日安排工作又不能补休的，支付二倍。"),
    (
        "出差",
        "员工出差须事先填写申请，返回后二十个工作日内提交报销单和票据原件。住宿费每晚不超过四百五十元，特殊城市另行规定。",
    ),
    ("采购", "五千元以下由部门主管批准，五万元以下由财务负责人批准，五万元以上的采购由总经理审批，并须三家比价。"),
    ("机房", "机房应当保持在二十二摄氏度左右，湿度不高于百分之六十。进入机房须两人同行，并在日志上签名。"),
    ("备份", "数据库每晚全量备份，磁带每周一送往城东的保管库，保存七年。恢复演练每季度一次。"),
    ("门禁", "门禁卡不得转借。忘记携带的员工可以在前台登记领取临时卡，当日归还；遗失须立即报告保卫处。"),
    ("密码", "登录密码不少于十二位，每九十天更换，不得与前五次相同。管理员账号必须使用硬件令牌。"),
    ("消防", "听到警报后立即停止工作，沿疏散标志离开，不得乘坐电梯，在北门外的停车场集合，由班长清点人数。"),
)


def documents(folder: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """Yield the files with their questions and words of the answers."""
    python = folder / "python.txt"
    python.write_text("\n\n".join(pydoc_data.topics.topics.values()), "utf-8")
    yield python, PYTHON
    readme = folder / "llama.md"
    readme.write_text(str(metadata.distribution("llama_cpp_python").metadata.get_payload()), "utf-8")
    yield readme, LLAMA
    texts = [(ROOT / name).read_text("utf-8") for name in ("docs/guide.md", "README.md", "docs/architecture.md")]
    yield guide_pdf(folder / "guide.pdf", "\n\n".join(texts)), GUIDE
    page = folder / "guide.html"
    chinese = [(ROOT / name).read_text("utf-8") for name in ("docs/guide.zh-CN.md", "README.zh-CN.md")]
    paragraphs = re.split(r"\n\n(?=[^|])", "\n\n".join(chinese))
    page.write_text("".join(map(as_html, paragraphs)), "utf-8")
    yield page, GUIDE_ZH
    body = "".join(w_p(title, style="1") + w_p(text) for title, text in CLAUSES)
    for n in range(1, 161):
        text = f"泵 LX-{n} 的额定流量为每小时 {220 + n * 3} 立方米，检修周期为 {24 + n} 天，由第 {n % 5 + 1} 班组负责。"
        body += w_p(f"设备 {n}", style="2") + w_p(text + f"检修时先关闭进口阀 {n}A 和出口阀 {n}B，再排空泵体。")
    yield docx(folder / "handbook.docx", body), HANDBOOK


def as_html(paragraph: str) -> str:
    """Return a paragraph of Markdown as an element."""
    level = re.match("#+ ", paragraph)
    name = f"h{len(level[0]) - 1}" if level else "p"
    return f"<{name}>{html.escape(paragraph.lstrip('# '))}</{name}>\n"


def guide_pdf(path: Path, text: str) -> Path:
    """Write a PDF of 40 lines a page."""
    lines: list[tuple[float, float, str]] = []
    for paragraph in re.split(r"\n\n|\n(?=[-|])", text.encode("latin-1", "ignore").decode("latin-1")):
        lines += prose(paragraph.lstrip("# "), size=16 if paragraph.startswith("#") else 11)
    return pdf(path, [lines[n : n + 40] for n in range(0, len(lines), 40)])


def count(messages: Sequence[PromptMessage], prefill: str, texts: Sequence[str]) -> tuple[int, tuple[int, ...]]:
    """Count by estimate."""
    prompt = sum(estimated_tokens(each.content) + TEMPLATE_TOKENS for each in messages)
    return prompt + estimated_tokens(prefill), tuple(map(estimated_tokens, texts))


def is_found(attachment: Attachment, text: str, answer: str, similarities: Similarities | None, context: int) -> bool:
    """Return whether the prompt of a question contains the words of its answer."""
    question = QuestionWithDocuments(Role.USER, text, attachments=((0, attachment),))
    fitting, fitted = fit(ChatRequest((question,), Sampling(), similarities=similarities), context, count)
    assert fitted.documents is not None or context > CONTEXTS[0], attachment.name
    squeezed = re.sub(r"\s+", "", fitting.messages[0].content.removesuffix(text))
    assert re.sub(r"\s+", "", answer) in re.sub(r"\s+", "", attachment.content), answer
    return re.sub(r"\s+", "", answer) in squeezed


def questions_of(name: str, asked: dict[str, str]) -> dict[tuple[str, str], dict[str, str]]:
    """Return the questions over a document by their half and kind, with words of the answers."""
    if name in development_questions.SHARED_WORDS:
        return {
            ("development", "shared words"): development_questions.SHARED_WORDS[name],
            ("development", "few shared words"): development_questions.FEW_SHARED_WORDS[name],
        }
    return {
        ("tuned", "shared words"): asked,
        ("tuned", "few shared words"): PARAPHRASED[name],
        ("held out", "shared words"): held_out_questions.SHARED_WORDS[name],
        ("held out", "few shared words"): held_out_questions.FEW_SHARED_WORDS[name],
    }


def retrieval(folder: Path, vectors: PassageVectors | None, manuals: Path | None) -> Iterator[Figure]:
    attachments = [(read_attachment(path), questions) for path, questions in documents(folder)]
    if manuals is not None:
        attachments += [(read_attachment(next(manuals.rglob(name))), {}) for name in development_questions.SHARED_WORDS]
    for attachment, _ in attachments if vectors is not None else ():
        vectors.compute(attachment.content)
    similarities = vectors.similarities if vectors is not None else None
    kind = "full text and meaning" if vectors is not None else "full text"
    limit = FOUND if vectors is None else FOUND_HYBRID
    for context in CONTEXTS:
        missed: dict[str, list[str]] = {}
        counts = Counter[str]()
        for attachment, questions in attachments:
            name = attachment.name
            for (half, words), asked in questions_of(name, questions).items():
                found = {
                    text: is_found(attachment, text, answer, similarities, context) for text, answer in asked.items()
                }
                for key in (half, f"{half}, {words}"):
                    counts[key] += len(asked)
                    missed.setdefault(key, []).extend(f"{name}: {text}" for text in found if not found[text])
        for key, texts in missed.items():
            # The questions of which each is of one kind show where the others are missed.
            least = limit if key == "held out" else 0
            yield at_least(
                f"passage with the answer among those given, {kind}, {context} tokens, {key}",
                1 - len(texts) / counts[key], least, questions=counts[key], missed=texts,
            )  # fmt: skip


def long_pdf(folder: Path) -> Path:
    """Write a PDF of 300 pages with 45 lines each."""
    words = "\n\n".join(pydoc_data.topics.topics.values()).encode("latin-1", "ignore").decode("latin-1")
    lines = prose(words)
    return pdf(folder / "long.pdf", [lines[n * 45 % (len(lines) - 45) :][:45] for n in range(READ_PAGES)])


def reading(folder: Path) -> Iterator[Figure]:
    path = long_pdf(folder)
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    attachment = read_attachment(path)
    clock = time.monotonic() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    yield at_most("PDF of 300 pages, CPU s", cpu, READ_S, clock_s=round(clock, 1), characters=len(attachment.content))


def ranking() -> Iterator[Figure]:
    words = "\n\n".join(pydoc_data.topics.topics.values())
    many = words * (1 + PAGES * PAGE_CHARACTERS // len(words))
    pages = (many[n * PAGE_CHARACTERS : (n + 1) * PAGE_CHARACTERS] for n in range(PAGES))
    begin = time.process_time()
    index = PassageIndex("\n\n".join(f"[Page {n}]\n\n{text}" for n, text in enumerate(pages, 1)))
    prepared = time.process_time() - begin
    times = []
    for text in [*PYTHON] * RUNS:
        begin = time.process_time()
        rank([index], text)
        times.append(1000 * (time.process_time() - begin))
    yield at_most(
        "passages of 2,000 pages for a question, ms of CPU time", median(times), RANK_MS,
        longest=round(max(times), 1), prepared_s=round(prepared, 2), passages=len(index.passages),
    )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--embedder", type=Path)
    parser.add_argument("--debian", type=Path, help="folder with the manuals of the development questions")
    parser.add_argument("--vectors", type=Path, help="keep the vectors in this folder")
    arguments, _ = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures = [*map(reported, retrieval(folder, None, arguments.debian))]
        if arguments.embedder:
            embedder, model = Embedder(folder / "embedder.log"), (arguments.embedder, sha256_of(arguments.embedder))
            vectors = PassageVectors(arguments.vectors or folder / "vectors", lambda: model, embedder.embed)
            figures += map(reported, retrieval(folder, vectors, arguments.debian))
            embedder.release()
        figures += [*map(reported, reading(folder)), *map(reported, ranking())]
    return report(figures)


if __name__ == "__main__":
    raise SystemExit(main())
