"""The words of the window in both languages: complete, with the same facts in them, and switched while it runs."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PySide6.QtCore import QLocale, Qt
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QFileDialog, QFileSystemModel

from app.config.paths import resources
from app.config.settings import LANGUAGES, Settings
from app.servers.providers import providers
from app.services import Services
from model_manager.errors import UserError
from tests.window.pages import answer
from ui.export.choices import export_labels
from ui.export.dialog import ExportDialog
from ui.settings.page import SettingsPage
from ui.start.crash_dialog import CrashDialog
from ui.transcript import Transcript
from ui.widgets.appearance import Appearance, system_language
from ui.widgets.error_text import error_text

ROOT = Path(__file__).parents[2]
TS = resources() / "translations" / "apus_chat_zh_CN.ts"
UseLanguage = Callable[[str], None]
CHINESE = re.compile(r"[\u4e00-\u9fff]")
traditional = runpy.run_path(str(ROOT / "packaging" / "traditional.py"))["traditional"]

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support propagateSizeHints")


@pytest.fixture
def use_language(qapp: QApplication):
    before = QLocale()
    made = Appearance(qapp, Settings(language="en", theme="light"))
    yield lambda language: made.use(Settings(language=language, theme="light"))
    made.use(Settings(language="en", theme="light"))
    qapp.processEvents()
    QLocale.setDefault(before)


def test_translations_are_complete_and_compiled():
    done = subprocess.run(
        [sys.executable, ROOT / "packaging" / "translations.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("convert", [str, traditional], ids=["Simplified", "Traditional"])
def test_translations_have_the_placeholders_of_their_sources(convert: Callable[[str], str]):
    for message in ElementTree.parse(TS).iter("message"):
        source, translation = message.findtext("source", ""), convert(message.findtext("translation", ""))
        facts = re.findall(r"\{\w*\}|%\d|%n|\(\*\.\w+\)|\*\.\*", source)
        assert sorted(facts) == sorted(re.findall(r"\{\w*\}|%\d|%n|\(\*\.\w+\)|\*\.\*", translation)), source
        assert translation.count("…") == source.count("…") or "…" not in source, source


@pytest.mark.parametrize(
    ("simplified", "expected"),
    [
        ("显存布局", "顯示記憶體配置"),
        ("另存为新预设…", "另存為新預設集…"),
        ("恢复默认设置", "還原預設設定"),
        ("回收站中的对话会在 {days} 天后永久删除。", "垃圾桶中的對話會在 {days} 天後永久刪除。"),
        ("“{name}”已下载并通过校验。", "「{name}」已下載並通過校驗。"),
        ("命令行：填写服务器地址（可选）并生成密钥。", "命令列：填寫伺服器位址（選填）並產生金鑰。"),
        ("联网搜索当前列表。", "網路搜尋目前清單。"),
        ("可以通过“设置”更改。", "可以透過「設定」更改。"),
        ("请更新驱动；驱动程序在这台电脑的驱动器上。", "請更新驅動程式；驅動程式在這台電腦的磁碟機上。"),
    ],
)
def test_traditional_chinese_has_the_words_of_taiwan(simplified: str, expected: str):
    assert traditional(simplified) == expected


UNTRANSLATED = {
    "huggingface.co",
    "hf-mirror.com",
    "简体中文",
    "繁體中文",
    "English",
    "Top-p",
    "Top-k",
    "Min-p",
    "Top-nσ",
    "Markdown",
    "JSON",
    "JSON Lines",
    "PDF",
    "APUS Chat",
    "starter",  # the name by which other programs ask the local server for the model
    "SearXNG",
    "Brave Search",
    "Tavily",
    *(each.name for each in providers()),
}


@pytest.mark.parametrize("kind", [SettingsPage, ExportDialog, CrashDialog])
def test_all_texts_of_a_dialog_are_translated(services: Services, use_language: UseLanguage, qtbot, tmp_path, kind):
    services.store.create(title="")
    make = {
        SettingsPage: lambda: SettingsPage(services),
        ExportDialog: lambda: ExportDialog(services.store, None),
        CrashDialog: lambda: CrashDialog(ValueError("a bug"), tmp_path),
    }[kind]
    texts = []
    for language in ("en", "zh_CN"):
        use_language(language)
        dialog = make()
        qtbot.addWidget(dialog)
        texts.append(words_of(dialog))
    assert not [text for text in texts[0] - UNTRANSLATED if CHINESE.search(text)]
    assert not untranslated(*texts, tmp_path)


def test_open_settings_follow_the_language(services: Services, use_language: UseLanguage, qtbot, tmp_path):
    dialog = SettingsPage(services)
    qtbot.addWidget(dialog)
    with qtbot.waitExposed(dialog):
        dialog.show()
    english = words_of(dialog)
    dialog._status.show_message("Done.", action=("Undo", lambda: None))
    use_language("zh_CN")
    qtbot.waitUntil(lambda: dialog.windowTitle() == "设置")
    assert dialog._status.action.isVisible(), "the last action can still be undone"
    dialog._status.clear()
    assert not untranslated(english, words_of(dialog), tmp_path)
    assert dialog.appearance.controls["language"].hasFocus() or not dialog.isActiveWindow()
    dialog.appearance.controls["zoom"].setValue(120)
    assert services.settings.current.zoom == 120
    use_language("en")
    qtbot.waitUntil(lambda: dialog.windowTitle() == "Settings")
    assert words_of(dialog) - {"Undo"} == english


def test_the_word_for_a_picture_is_in_the_language_of_the_window(use_language: UseLanguage, qtbot):
    use_language("zh_CN")
    transcript = Transcript()
    qtbot.addWidget(transcript)
    transcript.resize(800, 600)
    transcript.set_items([answer("a", "A ![](data:image/png;base64,iVBORw0KGgo=) b")])
    (part,) = transcript.page.view(0).parts
    assert part.document.toPlainText() == "A 图片 b"
    transcript.finder.search("图片")
    qtbot.waitUntil(lambda: not transcript.finder.is_searching)
    assert transcript.finder.total == 1


def test_the_file_dialog_is_chinese(services: Services, use_language: UseLanguage, qtbot):
    use_language("zh_CN")
    page = SettingsPage(services)
    qtbot.addWidget(page)
    page.data.back_up.click()
    dialog = page.findChild(QFileDialog, "fileDialog")
    labels = [dialog.labelText(each) for each in (QFileDialog.DialogLabel.LookIn, QFileDialog.DialogLabel.FileType)]
    assert labels == ["文件夹：", "文件类型："]
    model = dialog.findChild(QFileSystemModel)
    assert model.headerData(1, Qt.Orientation.Horizontal) == "大小"


def test_busy_settings_keep_their_pages(services: Services, use_language: UseLanguage, qtbot, qapp):
    dialog = SettingsPage(services)
    qtbot.addWidget(dialog)
    with qtbot.waitExposed(dialog):
        dialog.show()
    page = dialog.data
    page.busy = True
    use_language("zh_CN")
    qapp.processEvents()
    assert dialog.data is page
    page.busy = False


def untranslated(english: set[str], chinese: set[str], folder: Path) -> set[str]:
    """Return the texts with words that are the same in both languages, without names and paths."""
    same = {text for text in english & chinese if re.search(r"[A-Za-z]{3}", text)} - UNTRANSLATED
    return {text for text in same if not text.startswith(("/", str(folder)))}


def words_of(dialog: object) -> set[str]:
    from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QWidget

    assert isinstance(dialog, QWidget)
    texts = {each.text() for each in dialog.findChildren(QLabel)}
    texts |= {each.text() for each in dialog.findChildren(QAbstractButton)}
    texts |= {box.itemText(at) for box in dialog.findChildren(QComboBox) for at in range(box.count())}
    texts |= {dialog.windowTitle(), dialog.accessibleName()}
    return texts - {""}


def test_errors_and_exports_are_translated(use_language: UseLanguage):
    error = UserError("engine_died", phase="loading", returncode=3, signal=None)
    assert "loading the model (exit code 3)" in error_text(error)
    use_language("zh_CN")
    assert error_text(error).startswith("引擎在加载模型时意外退出（退出代码 3）")
    assert export_labels().user == "你"
    assert export_labels().language == "zh-CN"
    use_language("zh_TW")
    assert error_text(error).startswith("引擎在載入模型時意外退出（結束代碼 3）")
    assert export_labels().language == "zh-TW"
    use_language("en")
    assert export_labels().user == "You"


def test_strings_of_qt_are_translated(use_language: UseLanguage, qtbot):
    use_language("zh_CN")
    assert QLocale().language() == QLocale.Language.Chinese
    box = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
    qtbot.addWidget(box)
    assert CHINESE.search(box.button(QDialogButtonBox.StandardButton.Cancel).text())


def test_default_language_is_the_system_language(qapp: QApplication, use_language: UseLanguage):
    appearance = Appearance(qapp, Settings(language="", theme="light"))
    assert appearance.language == system_language()
    assert appearance.language in LANGUAGES


@pytest.mark.parametrize(
    ("system", "expected"),
    [
        ("zh_CN.UTF-8", "zh_CN"),
        ("zh_TW.UTF-8", "zh_TW"),
        ("zh_HK.UTF-8", "zh_TW"),
        ("de_DE.UTF-8", "en"),
        ("C.UTF-8", "en"),
    ],
)
def test_system_language_is_mapped_to_a_translation(system: str, expected: str):
    code = "from ui.widgets.appearance import system_language; print(system_language())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"LANG": system, "LC_ALL": system, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == expected
