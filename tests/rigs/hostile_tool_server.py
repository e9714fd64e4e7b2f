"""An MCP server on stdio without any library, which misbehaves: ``python hostile_tool_server.py MODE``."""

import json
import os
import signal
import subprocess
import sys

TOOLS = ("echo", "die", "hang", "flood", "long", "error", "refuse", "nonsense", "structured")


def tool(name: str, description: str = "d", schema: object = None) -> dict:
    return {"name": name, "description": description, "inputSchema": schema or {"type": "object"}}


def listed(mode: str, cursor: str) -> dict:
    match mode:
        case "many":
            return {"tools": [tool(f"t{n}") for n in range(10_000)]}
        case "pages":  # without end
            return {"tools": [tool(f"t{cursor or 0}")], "nextCursor": str(int(cursor or 0) + 1)}
        case "names":
            return {
                "tools": [tool("go\x1b[2Jod"), tool("a b"), tool("x" * 1000), tool("good", "b\x1bad\u202e"), tool("")]
            }
        case "schema":
            large = {"type": "object", "description": "x" * (5 << 20)}
            return {"tools": [tool("large", "d", large), tool("small")]}
    return {"tools": [tool(name) for name in TOOLS]}


def called(name: str, arguments: dict) -> dict:
    match name:
        case "die":
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            orphan = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], **quiet)
            sys.stderr.write(f"starting {orphan.pid}\nfatal: out of cheese\n")
            sys.exit(3)
        case "flood":
            return {"content": [{"type": "text", "text": "x" * (50 << 20)}]}
        case "long":
            return {"content": [{"type": "text", "text": "é" * 300_000}]}
        case "error":
            return {"content": [{"type": "text", "text": "no such city\x07"}], "isError": True}
        case "nonsense":
            return {"content": [{"type": "text"}]}
        case "structured":
            return {"content": [], "structuredContent": {"degrees": 21}}
    return {"content": [{"type": "text", "text": json.dumps(arguments)}]}


def reply(request: dict, mode: str = "") -> dict:
    method, params = request["method"], request.get("params") or {}
    answer: dict = {"jsonrpc": "2.0", "id": request["id"]}
    if method == "initialize":
        version, capabilities = params["protocolVersion"], {"tools": {}}
        about = {"name": "hostile", "version": "1"}
        return answer | {"result": {"protocolVersion": version, "capabilities": capabilities, "serverInfo": about}}
    if method == "tools/list":
        return answer | {"result": listed(mode, params.get("cursor") or "")}
    if method == "tools/call" and params["name"] != "refuse":
        return answer | {"result": called(params["name"], params["arguments"])}
    return answer | {"error": {"code": -32601, "message": f"no {method}"}}


def main(mode: str) -> None:
    if mode == "early":
        sys.stderr.write("Error: TOKEN is not set\n")
        sys.exit(1)
    if mode == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    for line in sys.stdin:
        request = json.loads(line)
        name = (request.get("params") or {}).get("name")
        if "id" not in request or mode == "mute" or name == "hang":
            continue
        if mode == "text":
            print("hello, what can I do for you?", flush=True)
            sys.exit(0)
        answer = reply(request, mode)
        if mode == "garbage":
            os.write(1, b'listening...\n\xff\xfe{"jsonrpc": "2.0"}\n[]\n{"jsonrpc": "2.0", "id": 77, "result": {}}\n')
        print(json.dumps(answer), flush=True)
    if mode == "stubborn":
        signal.pause()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
