"""The main loop on standard input and output, which belong to the protocol alone."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
import threading
from typing import IO

from qvr_server.protocol import Writer, read_frames
from qvr_server.server import QvrServer

SECONDS_BETWEEN_LOOKS = 2.0


def serve(*, verbose: bool = False) -> int:
    """Serve one client until it says `exit`, closes its end or dies; the process's exit code."""
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    # What does not fit is answered, and logged in a line; pygls would log where inside itself it saw that.
    logging.getLogger("pygls").setLevel(logging.INFO if verbose else logging.CRITICAL)
    # A thread that reads data or loads the grammar gives way to the editor's next message sooner.
    sys.setswitchinterval(0.001)
    reader, writer = _take_streams()
    return asyncio.run(_serve(reader, writer))


async def _serve(reader: IO[bytes], writer: IO[bytes]) -> int:
    loop = asyncio.get_running_loop()
    server = QvrServer(on_answer=_settle)
    server.ended = loop.create_future()
    protocol = server.protocol
    protocol.set_writer(Writer(writer, gone=lambda: server.end(1)))

    def read() -> None:
        try:
            read_frames(
                reader, lambda body: loop.call_soon_threadsafe(protocol.receive, protocol.arrived(body))
            )
            loop.call_soon_threadsafe(server.end, 1)
        except RuntimeError:
            return  # the loop has ended before the input did

    threading.Thread(target=read, name="input", daemon=True).start()
    watch = asyncio.create_task(_watch_client(server))
    try:
        return await server.ended
    finally:
        watch.cancel()
        await server.close()


def _settle() -> None:
    """Spare every collection from now on what is loaded by now: looking through it takes milliseconds.

    Documents and what is known of them hold no cycles, so they are freed without a collection. Those of what
    is young find the cycles that tasks leave and take 4 ms at most; one of everything, which takes 50 ms with
    10,000 lines open, is left to a thousand of those.
    """
    gc.freeze()
    gc.set_threshold(2_000, 10, 1_000)
    gc.enable()


def _take_streams() -> tuple[IO[bytes], IO[bytes]]:
    """The standard streams, taken from everything else: what is printed goes to standard error instead."""
    reader, writer = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return reader, writer


async def _watch_client(server: QvrServer) -> None:
    """End the server when the client's process is gone, though its end of a pipe may live on in a child."""
    seen = False
    while True:
        await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
        if (client := server.process_id) is None:
            continue
        alive = _is_alive(client)
        if seen and not alive:
            server.end(1)
        seen = seen or alive  # a client in another container has a number that means nothing here


def _is_alive(process: int) -> bool:
    if sys.platform == "win32":
        import ctypes

        synchronize, timed_out = 0x00100000, 0x102
        handle = ctypes.windll.kernel32.OpenProcess(synchronize, False, process)
        if not handle:
            return False
        state = ctypes.windll.kernel32.WaitForSingleObject(handle, 0)
        ctypes.windll.kernel32.CloseHandle(handle)
        return bool(state == timed_out)
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
