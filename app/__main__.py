"""The program: ``python -m app`` opens the window, with a subcommand it works without one."""

from __future__ import annotations

import sys

from app.engine.launch import CHILD_FLAG, RENDERER_FLAG


def main(argv: list[str] | None = None) -> int:
    """Run; returns the exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments[:1] == [CHILD_FLAG]:
        from app.engine.child.__main__ import main as child

        child()
    if arguments[:1] == [RENDERER_FLAG]:
        from app.engine.child.renderer import main as renderer

        renderer()
        return 0
    if not arguments:
        # The window's start does not pay for reading a command line that is not there.
        from ui.application import run as run_window

        return run_window(None)
    from app.cli.parser import make_parser

    parsed = make_parser().parse_args(arguments)
    if parsed.command is None:
        from ui.application import run as run_window

        return run_window(parsed.data_dir)
    from app.cli.main import run

    return run(parsed)


if __name__ == "__main__":
    sys.exit(main())
