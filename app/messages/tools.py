"""Error messages of tools in English by ``UserError`` code."""

from __future__ import annotations

from app.translation import QT_TR_NOOP

SENTENCES: dict[str, str] = {
    "fact_empty": QT_TR_NOOP("The fact has no text. Write a short sentence."),
    "fact_too_long": QT_TR_NOOP("The fact has {characters} characters; up to {limit} are possible. Shorten it."),
    "facts_full": QT_TR_NOOP("The memory is full ({limit_bytes}). Delete facts in Settings > Memory first."),
    "fact_missing": QT_TR_NOOP("This fact was deleted meanwhile. Open the settings again."),
    "tool_server_built_in": QT_TR_NOOP("{name} is a part of the program and can't be removed."),
    "search_service_missing": QT_TR_NOOP("There's no search service yet. Choose one in Settings > Tools."),
    "search_key_missing": QT_TR_NOOP("{service} needs an API key. Enter it in Settings > Tools."),
    "search_key_refused": QT_TR_NOOP("{host} refused the API key. Check it in Settings > Tools."),
    "search_refused": QT_TR_NOOP("{host} refused the search (HTTP {status}). Try again later."),
    "search_json_off": QT_TR_NOOP(
        "{host} doesn't give its results to programs. Choose a SearXNG instance that has the format json."
    ),
    "search_answer_wrong": QT_TR_NOOP(
        "{host} sent something other than search results. Check its address in Settings > Tools."
    ),
    "search_unreachable": QT_TR_NOOP("The search service {host} can't be reached ({detail}). Check the network."),
    "search_too_slow": QT_TR_NOOP("The search service {host} didn't answer within {seconds} s. Try again later."),
    "search_too_large": QT_TR_NOOP("The search service {host} sent more than {limit_bytes}. Try other words."),
    "page_refused": QT_TR_NOOP("{host} refused the page (HTTP {status}). Try another page."),
    "page_not_text": QT_TR_NOOP("The page at {host} contains no text. Try another page."),
    "page_unreachable": QT_TR_NOOP("{host} can't be reached ({detail}). Check the address, or try another page."),
    "page_too_slow": QT_TR_NOOP("{host} didn't answer within {seconds} s. Try another page."),
    "page_too_large": QT_TR_NOOP("The page at {host} is larger than {limit_bytes}. Try another page."),
    "web_address_private": QT_TR_NOOP(
        "{host} is on this computer or in its network, which models can't read. Settings > Tools can allow it."
    ),
    "tool_text_invalid": QT_TR_NOOP(
        "This isn't the configuration of an MCP server{reason}. Paste the JSON from its documentation, a command, "
        "or an address that starts with https://."
    ),
    "tool_program_unknown": QT_TR_NOOP(
        "This is neither JSON nor an address, and there's no program “{name}” on this computer. Paste what the "
        "documentation of the server says."
    ),
    "tool_transport_unsupported": QT_TR_NOOP(
        "{name} uses the old SSE transport, which isn't supported. Use the server's streamable HTTP address."
    ),
    "tool_calls_endless": QT_TR_NOOP(
        "The model calls tools again and again, so its answer was stopped. Everything up to here is saved."
    ),
    "tool_server_exists": QT_TR_NOOP("There's already a tool server {name}. Remove it first, or choose another name."),
    "tool_server_unknown": QT_TR_NOOP("There's no tool server {name}. apus-chat tools list shows them."),
    "tool_server_off": QT_TR_NOOP("The tool server {name} is switched off. Switch it on in Settings > Tools."),
    "tool_command_missing": QT_TR_NOOP(
        "The program {command}, which starts {server}, wasn't found. Install it (npx comes with Node.js, uvx with uv), "
        "or give its full path."
    ),
    "tool_server_ended": QT_TR_NOOP(
        "The tool server {server} stopped unexpectedly{reason}. Try again; if it stops again, check its command."
    ),
    "tool_server_silent": QT_TR_NOOP(
        "The tool server {server} didn't answer within {seconds} seconds. Check that it's an MCP server, and try again."
    ),
    "tool_server_refused": QT_TR_NOOP(
        "The tool server {server} refused the connection (HTTP {status}). Add it with a valid key in its headers."
    ),
    "tool_server_unreachable": QT_TR_NOOP(
        "The tool server {server} at {host} can't be reached ({detail}). Check the address and the network."
    ),
    "tool_server_flooding": QT_TR_NOOP(
        "The tool server {server} sent more than {limit_bytes} at once and was disconnected. Ask for less."
    ),
    "not_a_tool_server": QT_TR_NOOP(
        "{server} doesn't answer as an MCP server ({detail}). Check the command or address in its documentation."
    ),
    "tool_silent": QT_TR_NOOP(
        "The tool {tool} of {server} didn't answer within {seconds} seconds. Try again, or ask for less."
    ),
    "tool_failed": QT_TR_NOOP(
        "The tool {tool} of {server} sent a result that can't be read ({detail}). Look for a newer version of it."
    ),
}
