"""Promises of the documents and the interface, each with the tests that prove it.

`CLAIMS` lists every sentence of the READMEs, of the guide's section on privacy, of `--help` and of the settings, below
the tests that prove it (`FILE::FUNCTION` in this folder's parent) or below `no promise`. A changed or new sentence fails
until it is listed.
"""

# ruff: noqa: E501

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path

import start
from app.cli.parser import make_parser
from app.config.settings import Settings
from app.parameter import parameters

ROOT = Path(__file__).resolve().parents[2]


def sentences(text: str) -> Iterator[str]:
    """Sentences of at least three words or six Chinese characters; shorter ones are labels."""
    for sentence in re.split(r"(?<=[.!?])\s+(?=[^a-z])|。", text):
        words = " ".join(sentence.split()).strip(" .-")
        if len(words.split()) > 2 or len(re.findall(r"[\u4e00-\u9fff]", words)) > 5:
            yield words


def document(name: str, section: str = "") -> Iterator[str]:
    """Paragraphs, list items, cells of tables, and comments of commands in a Markdown file or one section of it."""
    _, heading, text = (ROOT / name).read_text("utf-8").partition(f"\n## {section}\n" if section else "\n")
    assert heading
    text = text.partition("\n## ")[0] if section else text
    text = re.sub(r"<!-- (\w+).*?<!-- end of \1 -->", "", text, flags=re.DOTALL)  # generated from the code
    text = re.sub(r"!\[.*?\]\(.*?\)|^#.*$|\*\*|\]\(.*?\)|\[", "", text, flags=re.MULTILINE)
    for block in re.split(r"\n\s*\n|\n(?=- )", text):
        yield from re.findall(r" # (.*)", block) if "```" in block else block.split("|")


def help_texts(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        yield action.help or ""
        if isinstance(action, argparse._SubParsersAction):
            yield from (choice.help or "" for choice in action._choices_actions)
            for command in action.choices.values():
                yield from help_texts(command)


def settings_texts() -> Iterator[str]:
    """Descriptions of settings, and the texts of the dialog that end like a sentence."""
    yield from (parameter.description for parameter in parameters(Settings).values())
    for path in (ROOT / "ui" / "settings").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "tr":
                yield from (
                    each.value for each in node.args if isinstance(each, ast.Constant) and each.value.endswith(".")
                )


def written() -> dict[str, str]:
    """Map each sentence to its source."""
    sources = {
        "README.md": document("README.md"),
        "README.zh-CN.md": document("README.zh-CN.md"),
        "docs/guide.md": document("docs/guide.md", "Privacy"),
        "docs/guide.zh-CN.md": document("docs/guide.zh-CN.md", "隐私"),
        "--help": help_texts(make_parser()),
        "start.py --help": re.split(r"\n| {3,}", start.USAGE),
        "settings": settings_texts(),
    }
    return {sentence: source for source, texts in sources.items() for text in texts for sentence in sentences(text)}


def listed() -> dict[str, list[str]]:
    """Map each listed sentence to its tests."""
    tests: list[str] = []
    found: dict[str, list[str]] = {}
    for line in CLAIMS.strip().splitlines():
        if line.startswith("    "):
            assert line.strip() not in found, line
            found[line.strip()] = tests
        else:
            tests = [] if line == "no promise" else line.split()
    return found


def test_every_sentence_is_listed() -> None:
    here = written()
    assert {f"{source}: {sentence}" for sentence, source in here.items() if sentence not in listed()} == set()
    assert {sentence for sentence in listed() if sentence not in here} == set()


def test_every_named_test_exists() -> None:
    named = {test for tests in listed().values() for test in tests}
    assert len(named) > 50
    for test in sorted(named):
        path, _, function = test.partition("::")
        assert re.search(rf"^def {function}\(", (ROOT / "tests" / path).read_text("utf-8"), re.MULTILINE), test


def test_the_windows_installer_needs_no_administrator() -> None:
    assert "\nPrivilegesRequired=lowest\n" in (ROOT / "packaging/windows/apus-chat.iss").read_text("utf-8")


CLAIMS = """
no promise
    For example: I'm vegetarian
    Lend only in a network that you trust
    default: all networks
    English · 简体中文
    No bundle is published yet
    安装包尚未发布
    engine for the CPU
    as for Windows
    disk image, with the Metal engine
    磁盘映像，引擎使用 Metal
    built by `.github/workflows/bundles.yml`; not run yet
    由 `.github/workflows/bundles.yml` 生成；尚未运行过
    Licence: Apache 2.0, see LICENSE
    许可证：Apache 2.0，见 LICENSE
    show this help message and exit
    folder of all data
    type of the KV cache
    a llama.cpp RPC server; may be repeated
    environment variable with the server's API key
    environment variable with the key that requests need
    an id or a path
    published model to compare with
    local id, apus:Q2_K, OWNER/REPO, or OWNER/REPO:FILE
    apus:Q2_K, OWNER/REPO:FILE, or a magnet link
    python3 start.py [OPTIONS] [COMMAND ...]
    python3 start.py [OPTIONS] test [...]
    Options, before the command:
    An English word is slightly more than one token
    Leave it off unless you need it
    Nothing is remembered yet
    This computer has no GPU for models
    First steps and supported hardware
    No program is available that opens it
    The file is {path}
    How many tokens the model sees at once
    HTTP or SOCKS, for example socks5://127.0.0.1:1080
    For repositories that require signing in
    Network traffic isn't encrypted, so use it only on your own network
    Anyone on the network path can read what you write and your API key
    Not checked yet
    No backups yet
    Free software that you run on a computer of yours; it asks several search engines
    It needs no key
    A search engine with its own index
    You create the key there, with an account
    A search service for language models
    Brave Search and Tavily need an API key that you get from them
    SearXNG needs no key, but you have to run it yourself
    No browser is available
    The page is {page}
planning/test_planned_load.py::test_experts_in_ram_over_two_devices_match_the_forecast planning/test_true_layers.py::test_forecast_matches_allocation
    APUS Chat is a desktop program for running very large Mixture-of-Experts models on your own PC, split over one or more GPUs and RAM
    APUS Chat 是一个桌面程序，让你在自己的电脑上运行超大的混合专家（MoE）模型，模型可以分布在一张或多张显卡和内存上
hub/test_home_model.py::test_published_sizes
    It is made for APUS-xDAN-4.0-MoE (114 billion parameters, files of 39 to 64 GiB)
gguf/test_hostile_headers.py::test_every_architecture_is_accepted engine/test_chat_templates.py::test_prompts_equal_those_of_transformers servers/test_backend.py::test_an_answer_is_streamed_with_counts_and_speeds
    Other GGUF chat models and OpenAI-compatible servers work too
    它专为 APUS-xDAN-4.0-MoE（1137 亿参数，文件 39 至 64 GiB）打造，也支持其他 GGUF 对话模型和兼容 OpenAI 接口的服务器
start/test_set_up.py::test_each_start_runs_only_new_steps start/test_arguments.py::test_without_a_command_the_window_opens
    sets everything up, installs the starter model, opens the window
    自动完成安装，下载入门模型，打开窗口
    set up what is missing, then start the program (default: the window)
    Later starts are immediate
    之后启动就是即开即用
    (first start: auto; later starts keep the existing build)
    rebuild the engine
start/test_process.py::test_the_suite_is_a_single_parallel_run
    sets everything up and runs the test suite
    自动完成安装，运行全部测试
    set up for the tests too, then run them; the rest is passed to pytest
start/test_process.py::test_an_older_python_parses_the_file_and_gets_a_message start/test_process.py::test_a_missing_compiler_is_named_before_anything_is_installed
    You need Python 3.11 or newer and a C++ compiler
    只需要 Python 3.11 或更新版本和一个 C++ 编译器
start/test_set_up.py::test_each_start_runs_only_new_steps start/test_system.py::test_needs_become_one_command_or_none
    The first start downloads Qt and the other libraries and builds the engine (llama.cpp) for this computer, which takes some minutes; if something is missing, it prints the command that installs it
    第一次启动会下载 Qt 等库，并为这台电脑编译引擎（llama.cpp），需要几分钟； 如果缺少什么，程序会给出安装命令
start/test_set_up.py::test_a_changed_package_is_refused_and_its_code_does_not_run start/test_locks.py::test_every_requirement_is_locked_once_for_each_system_and_python
    Packages are installed only if their SHA-256 is the one recorded in `packaging/locks`
    软件包只有在 SHA-256 与 `packaging/locks` 中的记录一致时才会安装
start/test_set_up.py::test_a_changed_package_is_refused_and_its_code_does_not_run
    国内网络较慢时可以指定软件包索引：
    use this package index instead of the one in pip's settings
start/test_engine.py::test_every_build_has_rpc_and_at_most_one_gpu_backend start/test_engine.py::test_auto_chooses_a_backend_that_can_be_built_and_used
    engine backend: auto, cpu, cuda, vulkan, hip or metal
start/test_process.py::test_help_and_wrong_usage_go_to_standard_error
    show this text; for the program: python3 start.py COMMAND --help
window/test_language.py::test_translations_are_complete_and_compiled window/test_main_window.py::test_switched_language_has_the_texts_of_a_new_window
    The interface is in English, 简体中文 and 繁體中文
    界面有简体中文、繁体中文和英文
cli/test_planning_cli.py::test_a_plan_for_simulated_gpus_needs_neither_file_nor_network window/test_plan_controls.py::test_dragging_the_border_moves_layers window/test_plan_measuring.py::test_measuring_shows_speeds_and_actual_memory
    See what your GPUs can hold before you download, change it by hand, and measure it
    显存布局：下载前就能看到显卡放得下什么，可以手动调整，也可以实测速度
download/test_resume.py::test_resume_fetches_the_rest_only download/test_refusals.py::test_flipped_byte_is_quarantined_and_repaired window/models/test_downloads.py::test_a_download_without_a_published_hash_is_not_called_verified download/test_stacked.py::test_experts_are_stacked_during_the_download
    Downloads resume, are verified with SHA-256 where the hub lists one, and files of the old layout are converted on the way
    模型文件：断点续传，站点提供 SHA-256 时进行校验，旧格式的文件在下载时自动转换
documents/test_formats.py::test_pdf_has_headings_paragraphs_lists_tables_and_pages documents/test_formats.py::test_html_and_books_become_markdown_without_scripts chat/test_documents.py::test_longer_documents_give_the_passages_that_match_in_their_order_with_pages
    Attach PDF, Word, PowerPoint, Excel, EPUB, web pages and code
    Of a document longer than the context, the passages that match the question are given, with their pages
    文档：可以添加 PDF、Word、PowerPoint、Excel、EPUB、网页和代码
    文档比上下文长时，会给出与问题相关的段落及其页码
imports/test_programs.py::test_each_is_recognised_and_never_doubled
    Import conversations from ChatGPT, Claude, LM Studio, Open WebUI, Jan, SillyTavern and Cherry Studio; nothing is duplicated
    历史记录：可以从 ChatGPT、Claude、LM Studio、Open WebUI、Jan、SillyTavern 和 Cherry Studio 导入对话，不会重复导入
local_server/test_answers.py::test_answers_satisfy_a_schema_or_say_that_they_were_cut local_server/test_messages.py::test_whole_and_streamed_answers_are_equal_and_counted local_server/test_messages.py::test_tools local_server/test_tools.py::test_a_call_is_made_and_its_result_is_read
    The loaded model answers through OpenAI's and Anthropic's API on this computer, also with tools and in the form of a JSON schema
    其他程序：已加载的模型可以在这台电脑上通过 OpenAI 和 Anthropic 的 API 回答，也可以调用工具、按 JSON Schema 回答
window/test_pictures.py::test_clipboard_picture_and_its_name window/test_pictures.py::test_dropped_picture_is_sent_shown_and_opened documents/test_pictures.py::test_metadata_is_removed
    Paste a screenshot or attach a photo for models that read pictures; what a camera stored beside it, such as the place, is removed first
    图片：粘贴截图或添加照片，供支持图片的模型阅读；相机写入的信息（例如拍摄地点）会先被移除
chat/test_kept_states.py::test_conversations_continue_after_a_restart
    A conversation that is opened again continues without being read again, also after a restart
    不用重复等待：再次打开的对话可以直接继续，不必重新读取，重启后也一样
window/test_answers.py::test_edited_question_is_a_new_version window/test_history.py::test_search_results_open_at_the_hit_and_count_once_per_conversation window/test_conversation_settings.py::test_presets_are_saved_renamed_deleted_and_restored window/test_attachments.py::test_dropped_files_are_attached_and_sent window/test_answers.py::test_temporary_chat_is_neither_listed_nor_stored formulas/test_katex.py::test_formula_is_as_in_a_browser formulas/test_drawing.py::test_typical_formulas_are_drawn chat/test_answer.py::test_growing_answer_is_stored_while_no_piece_arrives
    Branches, search, presets, attachments, temporary chats; formulas and chemistry drawn as KaTeX does; answers are saved while they are written
    对话：分支、搜索、预设、附件、临时对话；公式和化学式的显示与 KaTeX 一致；回答边生成边保存
cli/test_export_cli.py::test_one_conversation_in_each_format export/test_json.py::test_import_restores_everything
    Export to Markdown, HTML, PDF, plain text, JSONL and lossless JSON
    导出 Markdown、HTML、PDF、纯文本、JSONL 和无损 JSON
export/test_html.py::test_page_loads_no_resources
    An exported page loads nothing from the network
    导出的网页不从网络加载任何内容
rules/test_documents.py::test_the_table_of_quantisations_is_up_to_date planning/test_service.py::test_the_quantisations_are_judged_for_a_machine
    The planner computes these figures from the memory that is free, so they differ on your PC
    这些数字由规划器根据空闲显存计算，在你的电脑上会有所不同
planning/test_fallbacks.py::test_out_of_memory_falls_back_and_is_remembered
    If a load fails anyway, the next smaller plan is tried automatically and the one that worked is remembered
    如果加载仍然失败，程序会自动尝试更小的方案，并记住成功的那一个
bundle/test_bundle.py::test_it_answers bundle/test_bundle.py::test_it_is_small_and_brings_the_licences
    One command builds the one for your system into `dist/`:
    一条命令即可生成当前系统的安装包，放在 `dist/` 中：
    `.deb`, and a `.tar.xz` that runs from any folder
    `.deb`，以及解压即可运行的 `.tar.xz`
    built, and the program in them tested
    已生成，其中的程序已测试
start/test_engine.py::test_every_build_has_rpc_and_at_most_one_gpu_backend vulkan/test_forecast.py::test_an_offloaded_model_answers_as_the_processor_does
    engine for GPUs of all makers; also: cuda
    支持各种显卡；也可以用 cuda
rules/test_claims.py::test_the_windows_installer_needs_no_administrator
    installer for one user, without administrator rights
    单用户安装程序，不需要管理员权限
rules/test_documents.py::test_links_and_pictures_exist
    User guide: first start, models, conversations, servers, privacy, troubleshooting, shortcuts
    使用指南：首次启动、模型、对话、服务器、隐私、故障排除、快捷键、命令行
    Architecture and how to contribute, for developers
    开发者：架构、如何参与、更新记录（英文）
rules/test_documents.py::test_the_comparison_adds_up_and_names_tests
    Compared with other programs: LM Studio, Jan and ChatGPT in 60 points, with sources
    与其他程序的比较：LM Studio、Jan 和 ChatGPT，共 60 项（英文）
window/models/test_search.py::test_model_is_found_and_downloaded bundle/test_bundle.py::test_it_is_small_and_brings_the_licences
    Models have their own licences, shown on the models page; the licences of the libraries in a bundle are in its folder `licences`
    模型各有自己的许可证，显示在模型页面上；安装包内各个库的许可证在其 `licences` 文件夹中
end_to_end/test_lifecycle.py::test_nothing_is_sent_unless_asked_for
    There is no telemetry, no account and no update check
    没有遥测，没有账号，也不检查更新
    Only this leaves your PC:
    会离开这台电脑的只有：
start/test_process.py::test_a_later_start_needs_no_tool_and_no_network
    the Python package index
    `start.py` installs something, or you build a bundle
    `start.py` 安装软件包或生成安装包时
hub/test_resolver.py::test_hashes_of_the_authority_are_used hub/test_hub_answers.py::test_search_lists_gguf_repositories_by_downloads download/test_queue.py::test_queue_is_restored_by_the_next_run window/test_doctor.py::test_the_network_is_checked_on_request_and_from_then_on
    model names, searches, requests for bytes
    the hub or mirror in the settings; checksums from huggingface.co
    the welcome page or the models page recommends a model; you search, open a model on the hub, download, verify, test mirrors or check the network; unfinished downloads continue at the next start
    模型名称、搜索词、下载请求
    设置中的站点或镜像；校验值来自 huggingface.co
    欢迎页或模型页面推荐模型时；搜索、查看站点上的模型、下载、校验、测试镜像或检查网络时；未完成的下载会在下次启动时继续
hub/test_hub_secrecy.py::test_token_is_sent_to_its_hosts_only hub/test_hub_secrecy.py::test_redirect_to_another_host_gets_no_token hub/test_hub_secrecy.py::test_tokens_of_other_programs_are_not_sent
    your access token, if you entered one
    huggingface.co, and hosts that you named
    你填写的访问令牌
    huggingface.co，以及你指定的主机
    Sent only to huggingface.co and the hosts below
    Servers you trust with your token, such as your own mirror
tools/test_memory.py::test_facts_are_below_the_system_prompt_as_data tools/test_memory.py::test_the_memory_is_off_where_it_was_switched_off_and_in_temporary_chats
    Models are given the facts below in every conversation except temporary chats; a model of a server receives them with your question
tools/test_memory.py::test_facts_are_below_the_system_prompt_as_data window/test_memory.py::test_facts_are_added_edited_searched_copied_and_deleted
    Facts that you want models to know in every conversation, in a list that you edit
    记忆：希望模型在每次对话中都知道的内容，列表由你编辑
window/test_memory.py::test_a_message_is_remembered_from_its_menu
    Models get it in later conversations
    Settings > Memory lists all facts
tools/test_memory.py::test_a_model_notes_a_fact_once_the_user_allows_it
    When you say “Remember that I'm vegetarian”, models that know tools can note it after you have allowed it
tools/test_memory.py::test_a_model_notes_a_fact_unasked_where_the_user_has_chosen_that
    Models also note lasting facts that you mention, without asking first
    The answer shows what was noted
tools/test_web.py::test_nothing_is_offered_or_sent_before_a_service_was_chosen window/test_web_search.py::test_the_switch_leads_to_the_settings_until_a_service_is_chosen
    Where models search the web
    Without one they don't, and nothing is sent
tools/test_web.py::test_each_service_is_asked_in_its_own_format window/test_web_search.py::test_one_click_searches_and_the_sources_are_below_the_answer
    words to search for
    the search service that you chose
    a model searches the web, or you test the search
    requests for pages
    the web sites
    a model reads a page
    你选择的搜索服务
    模型搜索网络，或你测试搜索时
    模型读取网页时
tools/test_web.py::test_what_services_send_instead_of_results_is_named
    The settings of SearXNG must allow JSON as an output format
tools/test_web.py::test_this_computer_and_its_network_are_refused tools/test_web.py::test_a_redirect_to_this_computer_is_refused
    Lets models read those too, such as the pages of your router
window/test_web_search.py::test_a_key_goes_to_the_keyring tools/test_web.py::test_a_key_stays_with_its_service
    Of Brave Search or Tavily, in the system keyring
    Sent to that service only
    The key is kept until you quit
    Key saved in the system keyring
window/test_web_search.py::test_the_switch_leads_to_the_settings_until_a_service_is_chosen
    Sends one search to the service and shows what it found
    The service answers, but found nothing
tools/test_connection.py::test_a_program tools/test_connection.py::test_streamable_http
    arguments of tool calls
    MCP servers that you added
    a model calls one of their tools
    工具调用的参数
    你添加的 MCP 服务器
    模型调用其工具时
tools/test_servers.py::test_secrets_are_in_the_keyring_and_not_in_the_file tools/test_servers.py::test_without_a_keyring_secrets_are_in_the_private_file
    Environment variables and headers of MCP servers are in the keyring too, without one in the file `tools.json`, which only you can read
    MCP 服务器的环境变量和 headers 也保存在密钥环中；没有密钥环时保存在只有你能读取的文件 `tools.json` 中
window/test_tool_settings.py::test_a_pasted_server_is_added_connected_switched_off_and_removed
    Programs and web services that give models tools, for example to read files, over the Model Context Protocol
    The program of a server runs with your rights on this computer, and a server on the web receives what the model sends to it: add only those that you trust
    Most describe themselves in JSON, which you can paste here
tools/test_connection.py::test_lists_of_tools
    Not used: {count} more tools, too many, too large, or without a valid name
window/test_tools.py::test_a_call_is_run_once_the_user_allows_it tools/test_rounds.py::test_a_call_waits_for_the_user_and_the_model_reads_its_result
    Models search the web with a service that you choose, and call the tools of MCP servers, such as your files, after you have allowed it
    工具：经你允许后，模型可以用你选择的服务搜索网络，也可以调用 MCP 服务器的工具，例如读取文件
tools/test_rounds.py::test_the_command_line_runs_tools_only_with_the_option
    tool servers whose tools the model may call; web: search and pages
    run every call of a tool without asking
cli/test_tools_cli.py::test_servers_are_added_tested_and_removed
    MCP servers, whose tools models can call
    list the servers
    add servers; nothing is started
    name of the server; default: from the text
    remove a server and its secrets
    start a server and list its tools
end_to_end/test_lifecycle.py::test_nothing_is_sent_unless_asked_for window/test_servers.py::test_server_answers_and_a_local_model_continues
    Model names, searches and downloads go to the hub or mirror under Downloads
    Your messages and the facts of the memory leave this PC only when you use a model of a server
    If you set them up, web search sends the words it looks for, MCP servers get what the model passes to them, and other PCs get parts of the computation or answers of the local server
    The user guide lists everything that is sent over the network
window/test_download_settings.py::test_fastest_mirror_is_used
    {host} is the fastest and is now used for downloads
    {host} is the fastest and is used for downloads already
window/test_download_settings.py::test_closing_during_a_download_asks
    Otherwise downloads pause and continue at the next start
window/test_local_server_settings.py::test_switched_on_it_answers_and_shows_who_asks
    Shows which programs use the local server, once it runs
engine/test_answers.py::test_stop_strings_and_token_limit
    Limits the length of an answer
window/test_servers.py::test_server_answers_and_a_local_model_continues doctor/test_diagnostics.py::test_hub_and_servers_get_only_their_own_keys
    your messages with the conversation before them, and the facts of the memory
    the server that you chose
    you use a model of a server
    你的消息、之前的对话和记忆
    你选择的服务器
    使用服务器上的模型时
    What you write is sent only to the server that answers
    Messages are now answered by {model} on {server}
local_server/test_access.py::test_another_interface_needs_a_key local_server/test_access.py::test_serve_runs_until_interrupted
    answers of the model
    programs that ask the local server
    you started it
    向本地服务提问的程序
    启动本地服务之后
planning/test_chosen_devices.py::test_servers_of_the_settings_are_used_like_required_ones window/test_devices_settings.py::test_rpc_server_is_added_and_removed
    parts of the model and of the computation
    PCs that you added for RPC
    you added one
    模型的一部分和计算数据
    你为 RPC 添加的电脑
    A PC whose APUS Chat lends it (Settings > Lending), or that runs llama.cpp's rpc-server, can share its GPUs with this one
window/models/test_search.py::test_magnet_link_is_downloaded_after_confirmation download/test_torrent.py::test_libtorrent_is_imported_on_use
    parts of a file, to others
    a magnet link is downloading
    文件片段（上传给他人）
    磁力链接下载期间
store/test_data_folder_before.py::test_conversations_are_listed store/test_data_folder_before.py::test_drafts store/test_data_folder_before.py::test_settings
    Conversations, the memory, drafts and settings are in the data folder (Settings > Data opens it)
    对话、记忆、草稿和设置保存在数据文件夹中（设置 >“数据”可以打开）
config/test_secrets.py::test_kept_in_the_keyring config/test_secrets.py::test_without_a_keyring_values_are_kept_in_memory window/test_download_settings.py::test_token_is_kept_in_memory_without_a_keyring
    Tokens and keys are in the system's keyring; without one they are forgotten when the program closes
    令牌和密钥保存在系统密钥环中；没有密钥环时，程序关闭后就不再保留
    This system has no keyring
    The token is kept until you quit
    The API key is kept only until you quit the program
window/test_download_settings.py::test_token_is_stored_in_the_keyring_only
    Token saved in the system keyring
end_to_end/test_lifecycle.py::test_no_log_holds_what_was_said_nor_a_key end_to_end/test_lifecycle.py::test_the_log_stays_small_and_holds_no_address_that_was_asked
    Logs contain no conversation text and no token
    日志中没有对话内容，也没有令牌
window/test_settings_data.py::test_all_data_is_deleted_after_confirmation store/test_conversations.py::test_erased_text_is_in_no_file store/test_facts.py::test_facts_are_in_backups_and_gone_after_the_deletion_of_everything
    *Delete all my data* in the settings deletes conversations, facts of the memory, drafts, presets, backups and logs; models, servers and other settings are kept
    设置中的“删除所有数据”会删除对话、记忆、草稿、预设、备份和日志；模型、服务器和其他设置保留
    Models, servers and settings are kept, and so is anything you exported or backed up elsewhere
    All your data has been deleted
    This permanently deletes all conversations and their attachments ({conversations} in total, with the archive and trash); the facts of the memory; unsent drafts; your presets; the backups made here ({copies}); and the logs
    Deletes all conversations, facts, drafts, presets, backups and logs
    Models, servers and settings are kept
cli/test_cli.py::test_version_and_wrong_usage
    show program's version number and exit
local_server/test_answers.py::test_whole_and_streamed_answers_are_equal_and_counted_exactly local_server/test_answers.py::test_curl local_server/test_access.py::test_serve_runs_until_interrupted local_server/test_messages.py::test_whole_and_streamed_answers_are_equal_and_counted
    answer other programs that speak OpenAI's or Anthropic's API
window/test_local_server_settings.py::test_a_question_of_the_window_goes_before_those_of_programs window/test_local_server_settings.py::test_switched_on_it_answers_and_shows_who_asks local_server/test_messages.py::test_whole_and_streamed_answers_are_equal_and_counted
    Editors and scripts can use the selected model through OpenAI's or Anthropic's API
    Your own questions go first
    Enter it in the other program as the API base or base URL
window/test_local_server_settings.py::test_switched_on_it_answers_and_shows_who_asks
    Other computers and programs are refused until you enter the new key there
    Every request needs it
    None: all programs on this computer may ask
    API key saved in the system keyring
    API key removed
window/test_local_server_settings.py::test_other_computers_need_a_key_which_is_made
    Computers in your network can use the selected model with the API key
local_server/test_encryption.py::test_the_key_alone_gives_another_pc_an_encrypted_connection local_server/test_encryption.py::test_a_man_in_the_middle_gets_neither_key_nor_question window/test_local_server_settings.py::test_other_computers_are_encrypted_unless_it_is_turned_off
    Other computers then need APUS Chat
    Turn it off for other programs on them: anyone in the network can then read questions, answers and the key
    Enter it in APUS Chat on the other computer
    It also proves to other computers that they reach this one
local_server/test_encryption.py::test_serve_encrypts_for_other_computers_unless_plain_http_is_given
    don't encrypt for other computers: needed for other programs than APUS Chat on them; anyone in the network can then read everything
local_server/test_encryption.py::test_the_private_key_is_made_once_and_only_the_owner_reads_it
    The private key with which connections of other PCs to the local server are encrypted is the file `local-server.pem` in the data folder
    其他电脑与本地服务之间的加密连接使用的私钥是数据文件夹中的 `local-server.pem`，只有你本人可以读取（权限 0600）
local_server/test_access.py::test_web_pages_are_refused_unless_named
    Web pages in your browser can't use the local server, except those of the addresses entered here
local_server/test_access.py::test_another_interface_needs_a_key
    default: this computer only
local_server/test_access.py::test_web_pages_are_refused_unless_named
    a web site that may use the server; may be repeated
cli/test_cli.py::test_a_question_is_answered_kept_found_and_exported cli/test_cli.py::test_ctrl_c_stops_and_keeps_the_answer
    ask one question and print the answer as it arrives
    list, search, export and back up conversations
    print all messages of one
cli/test_cli.py::test_devices_and_doctor_describe_the_machine
    list the devices the engine can use
cli/test_planning_cli.py::test_a_file_on_this_machine_is_rehearsed
    show a model's memory layout
cli/test_planning_cli.py::test_a_plan_for_simulated_gpus_needs_neither_file_nor_network
    print a llama-server command with the same memory layout
cli/test_planning_cli.py::test_a_bench_report_can_be_sent
    write a full report for sending: FILE as JSON, and the same as a web page
cli/test_planning_cli.py::test_the_quantisations_are_recommended_for_simulated_gpus
    recommend a quantisation of APUS for this computer
    simulate a GPU with this much free memory
planning/test_open_models.py::test_each_machine_gets_a_model_that_suits_it
    recommend a model that suits this computer
cli/test_planning_cli.py::test_what_does_not_fit_is_no_failure
    simulate this much available RAM
cli/test_planning_cli.py::test_a_plan_for_simulated_gpus_needs_neither_file_nor_network
    an id, a path, or apus:Q2_K before it is downloaded
cli/test_planning_cli.py::test_bench_measures_the_loaded_plan planning/test_tuning.py::test_tuning_measures_all_and_remembers_the_fastest
    measure the speed of a model
    also measure other plans, and keep the fastest
cli/test_models_cli.py::test_search_and_show_tell_what_there_is cli/test_models_cli.py::test_show_tells_what_a_header_says
    search the hub for GGUF models
    show the header of a local model, or the files on a hub
cli/test_models_cli.py::test_a_model_arrives_verified_and_is_listed cli/test_models_cli.py::test_a_killed_download_goes_on
    find, download, verify and convert models
    list the models on this computer
    download a model, or resume its download
doctor/test_cli.py::test_text_output_has_remedies
    diagnostics of this computer, with fixes
    Shows what works, what doesn't and how to fix it
doctor/test_cli.py::test_json_keys cli/test_cli.py::test_json_output_contains_the_measurements
    print one JSON object or list and nothing else
plan/test_plan_options.py::test_automatic_context_is_as_large_as_the_gpus_allow
    context size in tokens; default: automatic
cli/test_planning_cli.py::test_a_chat_has_every_key_of_its_plan
    use this device; may be repeated
cli/test_cli.py::test_the_default_model_is_the_one_used_last_or_the_starter
    default: the model used last, else starter
cli/test_cli.py::test_a_conversation_is_continued
    continue this conversation
    Instructions for the model at the start of every new conversation
engine/test_sampler.py::test_each_parameter_keeps_the_tokens_that_its_description_says
    Higher values give more varied answers, lower values more predictable ones; 0 always takes the most likely word
    Chooses each word only among the most likely ones that together reach this probability; 1 allows all
    Chooses each word only among this many of the most likely ones; 0 allows all
    Rules out words that are much less likely than the best one: below this fraction of its probability; 0 allows all
    Rules out words that the model rates lower than the best one by more than this many standard deviations; 0 allows all
    Keeps the tokens that are about as surprising as expected, up to this probability; 1 keeps all
    How often the most probable tokens are left out, for more unusual answers; 0 turns XTC off
    Of the tokens above this probability only the least probable is kept
    Lets the temperature go up and down by this much, with the model's uncertainty; 0 keeps it fixed
    Above 1 only great uncertainty raises the temperature; below 1 already little
    Keeps the surprise of the answer constant; replaces the samplers from top-k to XTC
    Surprise to aim at: lower values give more predictable answers
engine/test_sampler.py::test_penalties_count_the_tokens_before
    Makes a token less likely the more often it was used; 0 has no effect
    Makes tokens that were used before less likely; 0 has no effect
engine/test_sampler.py::test_dry_ends_repetitions_but_not_at_breakers
    Penalty for tokens that continue a repeated sequence; 0 turns DRY off, 0.8 is usual
    The penalty grows by this factor with each token of the repetition
    Repetitions up to this many tokens are not penalised
    Tokens of the conversation in which repetitions are looked for
    texts at which a repetition ends
engine/test_sampler.py::test_adaptive_p_prefers_tokens_near_its_target
    Prefers tokens near this probability, averaged over the answer; 0 turns it off
engine/test_sampler.py::test_controlled_samplers_learn_from_what_they_chose
    How fast mirostat corrects itself
    How long adaptive-p remembers: 0.9 is about ten tokens
engine/test_sampler.py::test_the_repeat_penalty_counts_the_end_of_the_prompt
    Values above 1 make repetition less likely; 1 has no effect
engine/test_answers.py::test_stop_strings_and_token_limit
    end the answer before this text
cli/test_lend_cli.py::test_another_data_folder_answers_over_the_lent_devices engine/test_lending.py::test_another_pc_answers_on_the_lent_devices_within_the_limit
    lend this computer's GPUs to another PC in the network
    Another PC in your network can use the GPUs of this one, or its processor and memory, for larger models
    There's no password and nothing is encrypted: anyone in the network can use them and read what is computed
    Enter it in the settings of the other PC, in the section Devices, under Devices on other PCs
    results of the computation
    PCs in your network that use the lent devices
    you lend this PC
    网络中使用出借设备的电脑
    出借这台电脑之后
engine/test_lending.py::test_what_exceeds_the_limit_is_refused_and_the_next_load_works
    lend at most this much memory; default: all
    Other PCs can't use more memory of this one than this, in GiB
window/test_lending_settings.py::test_lending_is_switched_and_shows_its_address
    {devices}: {size} used by other PCs
    Changes apply when you lend again
engine/test_structured.py::test_answers_match_the_schema_and_can_be_continued_anywhere cli/test_structured_cli.py::test_answers_follow_the_schema_or_the_grammar
    answer in JSON that is valid against this JSON schema
    answer in the language of this GBNF grammar of llama.cpp
engine/test_thinking.py::test_thinking_sets_the_variables_of_the_template engine/test_chat_templates.py::test_each_switch_of_thinking_changes_the_prompt
    whether, or how much, the model thinks, where its chat template has such a switch
cli/test_context_cli.py::test_sampling_and_attachments_are_options cli/test_pictures_cli.py::test_picture_is_sent_and_stored
    attach pictures, documents or text files to the message
cli/test_context_cli.py::test_full_context_stops_or_rolls cli/test_context_cli.py::test_full_context_is_summarised_and_the_export_marks_the_summary
    when the context is full: refuse the question, leave out the oldest turns, or summarise them first
servers/test_vllm.py::test_the_command_line cli/test_structured_cli.py::test_a_server_is_sent_the_schema
    API base of a server, with /v1; --model is then its name of the model
cli/test_cli.py::test_options_reach_the_engine
    don't save the conversation
cli/test_context_cli.py::test_chat_begins_in_a_folder_with_its_model_instructions_and_documents
    begin it in this folder, with its settings and documents
cli/test_cli.py::test_models_are_registered_in_place cli/test_models_cli.py::test_parts_are_joined_and_a_folder_is_taken_whole
    register a file, or all files in a folder, in place
cli/test_models_cli.py::test_verify_tells_right_from_wrong_and_mends
    compare a file with the published one
    download damaged parts again
cli/test_models_cli.py::test_a_file_of_before_april_2024_is_repaired_and_answers cli/test_models_cli.py::test_parts_are_joined_and_a_folder_is_taken_whole
    make a file loadable: stack experts, join parts
    write a new file and keep the old one
cli/test_models_cli.py::test_remove_forgets_and_deletes_only_with_the_option cli/test_models_cli.py::test_an_unfinished_download_can_be_given_up
    unregister a model; its file stays
    also delete its files, or an unfinished download
    don't ask for confirmation
cli/test_models_cli.py::test_another_endpoint_for_one_call
    hub or mirror to use instead of the one in the settings
download/test_settings_changes.py::test_speed_limit_applies_to_all_connections download/test_queue.py::test_downloads_run_in_order_and_report_their_end
    limit in KiB per second
    In MB/s, for all downloads combined
cli/test_models_cli.py::test_giving_up_after_a_while_without_a_byte
    give up after S seconds without data
store/test_search.py::test_words_are_found_in_any_order_and_folded store/test_search.py::test_titles_are_searched_and_everything_comes_newest_first
    search titles and messages for all words, or a "phrase"
    newest results to show; default: 200
cli/test_export_cli.py::test_folders_on_the_command_line
    only the conversations in this folder
    search only in this folder
    with all: only this folder; a name in .zip makes an archive with its settings and documents
cli/test_export_cli.py::test_all_conversations_in_each_format
    write one or all to a file or folder
    leave out answer details; json is always complete
cli/test_cli.py::test_export_and_import_are_lossless_and_repeatable
    copy the database to a file
    replace everything by a backup; a backup is made before
imports/test_chatgpt.py::test_command_line imports/test_import_dialog.py::test_archive_dropped_on_the_window
    add the conversations of an export, a folder or an archive
    program that the files are from; default: recognised
    show what would be imported, and change nothing
    From ChatGPT and other programs, or from an APUS Chat JSON export
window/test_settings_data.py::test_all_conversations_are_exported_from_the_settings
    To Markdown, PDF and other formats, or as JSON that can be imported again
    The trash and the facts of the memory are only in a backup
cli/test_export_cli.py::test_one_message
    only this message of the conversation
cli/test_export_cli.py::test_thoughts_are_kept_or_dropped
    reasoning of the model: keep it, fold it where the format can, or drop it
export/test_plain_and_jsonl.py::test_all_branches_as_examples
    jsonl: every branch, not only the selected one
export/test_plain_and_jsonl.py::test_example_ends_with_a_complete_answer
    jsonl: include answers that were stopped or interrupted
cli/test_export_cli.py::test_the_paper_is_the_usual_one_of_the_country
    pdf; default: as usual in this country
doctor/test_diagnostics.py::test_a_timeout_is_reported
    also check the hub and the servers, for up to 5 s
doctor/test_cli.py::test_the_report_is_printed doctor/test_diagnostics.py::test_the_report_has_no_user_name
    print Markdown for a bug report, without personal names
window/test_answers.py::test_zoom_changes_the_whole_window_with_shortcuts
    Of the whole window, in percent
    You can also press Ctrl + or Ctrl −
window/test_answers.py::test_the_zoom_changes_at_the_next_start_without_the_function_of_qt
    Applies at the next start
window/test_transcript.py::test_the_caret_is_animated_unless_motion_is_reduced
    Keeps the caret of an answer that is being written still
window/test_conversation_settings.py::test_preset_of_new_conversations_is_a_setting
    Overrides the settings below
window/test_context.py::test_pinned_turn_is_kept_and_noted window/test_context.py::test_rolling_leaves_out_turns_and_shows_a_divider
    If turns are left out or summarised, a line in the conversation marks the messages above it that the model no longer sees
    Those that you keep in context always stay
window/test_answers.py::test_model_generates_a_title_for_a_long_question
    When idle, the model suggests a title if the first question doesn't provide one
plan/test_machines.py::test_more_memory_is_never_worse plan/test_targets.py::test_no_more_experts_in_ram_than_llama_cpp
    More tokens use more memory
    Automatic puts as many as fit on the GPUs
    The CPU computes the rest
chat/test_worker.py::test_idle_work_runs_once_after_the_last_job window/test_conversation.py::test_model_can_be_unloaded
    Frees memory after this much time without a question
engine/test_speculation.py::test_answers_are_the_same_with_guesses engine/test_speculation.py::test_guesses_pause_soon_where_they_cost_time_and_are_tried_again cli/test_context_cli.py::test_chat_tells_how_many_guesses_were_right
    Writes text that repeats earlier text faster, where the answer stays exactly the same
    guess text that repeats, where that gains time and the answer stays the same; default: the setting
window/test_download_settings.py::test_endpoint_applies_at_once_and_an_invalid_one_is_reported
    Hugging Face, a mirror of it, or another server with the same interface
window/test_download_settings.py::test_closed_window_keeps_downloading_only_with_the_setting
    The program stays in the system tray until all downloads finish
store/test_backups.py::test_old_automatic_backups_are_deleted_and_manual_ones_kept
    Keeps the last seven daily or the last four weekly backups
engine/test_conversation_cache.py::test_a_conversation_continues_after_another_one_and_after_a_restart
    Keeps what a model has read of a conversation, so that it answers sooner when you come back to it
    The conversation cache, the folder `states` in the data folder, contains the text of conversations and what the engine has computed of it
    对话缓存（数据文件夹中的 `states`）包含对话文本和引擎的计算结果
    Only you can read its files (mode 0600)
    这些文件只有你本人可以读取（权限 0600）
window/test_previews.py::test_html_opens_in_the_browser_without_connections window/test_previews.py::test_pages_are_deleted_when_the_program_closes window/test_previews.py::test_pages_of_a_killed_process_are_deleted_at_the_next_start
    HTML that you open in the browser is a file in the folder `pages` of the data folder
    Only you can read it (mode 0600)
    It is deleted when the program closes, and a content security policy in it forbids every connection
    在浏览器中打开的 HTML 是数据文件夹中 `pages` 里的文件，只有你本人可以读取（权限 0600），程序关闭时删除；其中的内容安全策略禁止一切网络连接
window/test_settings_data.py::test_a_deleted_conversation_has_no_state window/test_settings_data.py::test_the_conversation_cache_is_shown_and_cleared engine/test_conversation_cache.py::test_a_temporary_conversation_leaves_nothing
    They are deleted with their conversations, a temporary chat has none, and Settings > Data clears them or turns the cache off
    删除对话时会一并删除；临时对话没有缓存；在设置 >“数据”中可以清空或关闭缓存
    Clearing it deletes no conversation
    Conversations: {count}, {size}
engine/test_conversation_cache.py::test_the_least_recently_used_is_dropped
    In GiB, on this disk
window/test_download_settings.py::test_models_folder_is_moved_with_its_files
    Models moved to {path}
window/test_download_settings.py::test_fastest_mirror_is_used
    Downloads a little from each and uses the fastest
window/test_devices_settings.py::test_message_without_a_gpu
    The engine found no usable GPU
    Models run on the CPU
window/test_devices_settings.py::test_simulated_gpus_are_marked_and_can_be_limited window/test_plan_measuring.py::test_missing_files_and_simulated_gpus_are_not_measured
    Not checked because GPUs are simulated
    These GPUs are simulated by {variable}
    Plans and advice are based on them, but models load on the real hardware
window/test_settings_data.py::test_backup_is_made_and_restored store/test_backups.py::test_a_restore_replaces_everything_and_backs_up_the_previous_data
    All conversations revert to their state at that time
    Your current data is backed up first, so you can restore it from this list
    Your previous data is now the newest backup in the list
    Each backup contains all conversations with their attachments, including the archive and trash, and the facts of the memory
    Saves all conversations with their attachments, including the archive and trash, and the facts of the memory to one file
    It contains no presets and settings
    From the list of automatic backups, or from a file
    Backups that you saved to a file aren't listed; restore them from the file
window/test_dialogs.py::test_defaults_are_restored_and_can_be_undone
    Resets the settings of all sections
    Conversations, facts, servers and models are kept
servers/test_protocol.py::test_a_hosted_server_gets_only_standard_fields servers/test_protocol.py::test_samplers_have_the_names_of_the_server
    Any OpenAI-compatible server: vLLM, llama-server, Ollama, LM Studio, or a hosted service
window/test_servers.py::test_form_reports_errors_and_warns_about_http
    This address uses unencrypted HTTP
window/test_servers.py::test_server_is_refreshed_and_removed
    {server} offers {models}
    Removed {server} and its API key
discovery/test_discovery.py::test_a_shared_server_is_announced_and_one_for_this_computer_is_not discovery/test_discovery.py::test_what_is_announced_is_found_until_it_is_closed
    the name and address of this PC
    your local network
    *Allow other computers* is on for the local server
    这台电脑的名称和地址
    你的本地网络
    本地服务允许其他电脑使用时
window/test_servers.py::test_servers_are_found_and_added_with_one_click servers/test_providers.py::test_servers_that_answer_are_found
    a question for shared models
    your local network, and the usual ports of servers on this PC
    you look for servers
    查找共享模型的请求
    你的本地网络，以及这台电脑上服务器的默认端口
    查找服务器时
    Looks for programs with models on this PC, and for models that other PCs in your network share with APUS Chat
    No other servers found on this PC or in your network
    Enter the API key of {server}
window/test_servers.py::test_server_is_added_once
    {server} is already in the list
window/test_servers.py::test_unreachable_server_can_be_added
    {server} doesn't list any models yet
window/test_shortcuts.py::test_other_keys_work_and_are_shown_everywhere
    Grey ones can't be changed
window/test_shortcuts.py::test_a_key_that_is_used_already_is_reported
    Click the keys of an action to change them
    Backspace removes them
    {keys} is needed for editing text
    {keys} is already used for “{action}”
"""
