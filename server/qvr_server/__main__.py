"""`qvr-lsp`: the language server on standard input and output."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence

from quivers import __version__

HINT = """qvr-lsp speaks with an editor over standard input and output; by hand there is nothing to type here.
Set `qvr-lsp` as the language server for .qvr files in your editor, or check a file with `qvr check FILE`."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until the editor says `exit` or goes away; never returns."""
    parser = argparse.ArgumentParser("qvr-lsp", description="The language server of QVR.")
    parser.add_argument(
        "--stdio", action="store_true", help="serve on standard input and output (the default)"
    )
    parser.add_argument("--version", action="version", version=f"qvr-lsp {__version__}")
    parser.add_argument("--log", action="store_true", help="write what happens to standard error")
    options = parser.parse_args(arguments)
    if sys.stdin.isatty() and not options.stdio:
        parser.exit(2, HINT + "\n")
    gc.disable()  # until the client has its first answer: importing makes much and frees nothing
    from qvr_server.stdio import serve

    code = serve(verbose=options.log)
    sys.stderr.flush()
    # The reading thread waits inside the operating system for a message that won't come.
    os._exit(code)


if __name__ == "__main__":
    main()
