"""`qvr.openReport`: the last result as a page that a browser shows without a network."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcRequestCancelled

from qvr_server.protocol import RequestFailed
from qvr_server.worker_process import RunError

if TYPE_CHECKING:
    from qvr_server.results import DataUsed, Standing
    from qvr_server.server import QvrServer
    from qvr_server.session import Session


async def open_report(
    ls: QvrServer, arguments: Mapping[str, Any], token: types.ProgressToken | None
) -> dict[str, str]:
    """Write the report of a program's last result and have the client show it, where it can; its URI.

    The worker writes it, with all charts; where the draws are gone the page is made of the answer alone, and
    says so.
    """
    last = await ls.runs.last(arguments["uri"], arguments.get("program"))
    name = Path(unquote(urlsplit(last.result.uri).path)).name or "model"
    try:
        path = await asyncio.to_thread(_place, last, name, ls.session)
        try:
            await ls.worker.report(await asyncio.to_thread(_asked, last, name, path))
        except RunError as failure:
            await asyncio.to_thread(_without_draws, last, name, path, str(failure))
    except asyncio.CancelledError:
        raise JsonRpcRequestCancelled("The report was cancelled.") from None
    except OSError as error:
        raise RequestFailed(f"The report can't be written: {error.strerror or error}.") from None
    uri = path.as_uri()
    if ls.client_supports("window.show_document.support"):
        ls.spawn(_show(ls, uri))
    return {"uri": uri}


def _asked(last: Standing, name: str, path: Path) -> dict[str, Any]:
    result = last.result
    return {
        "path": str(path),
        "key": result.key,
        "folder": None if result.saved is None else str(result.saved),
        "source": result.source.decode(errors="replace"),
        "answer": json.dumps(result.answer),
        "file": name,
        "data": _origin(result.data),
        "finished": result.finished,
        "stale": last.stale,
    }


async def _show(ls: QvrServer, uri: str) -> None:
    with contextlib.suppress(JsonRpcException):  # the client has the URI in its answer too
        await ls.window_show_document_async(types.ShowDocumentParams(uri=uri, external=True, take_focus=True))


def _place(last: Standing, name: str, session: Session) -> Path:
    """The file of a program's report."""
    stem = re.sub(r"[^\w.-]+", "_", f"{name.removesuffix('.qvr')}-{last.program}")[:100]
    return _folder(session) / f"{stem}.html"


def _without_draws(last: Standing, name: str, path: Path, why: str) -> None:
    """Write the page that the answer alone gives, with histograms in place of what needs the draws."""
    from quivers.report.page import page

    result = last.result
    text = page(
        result.source,
        result.program,
        result.answer,
        file=name,
        data=_origin(result.data),
        finished=result.finished,
        stale=last.stale,
        remark=f"Traces, ranks, pairs and predictions are left out. {why}",
    )
    path.write_text(text, encoding="utf-8")


def _origin(data: DataUsed) -> str | None:
    """Where data are from, in words; None where a run had none."""
    if data.file is not None:
        return data.file.name
    return "given with the run" if data.chosen else None


def _folder(session: Session) -> Path:
    """A folder of this session's own, which the system clears away with its other temporary files."""
    import tempfile  # only where a report is wanted

    made = session.kept.get(__name__)
    if made is None or not made.is_dir():
        made = session.kept[__name__] = Path(tempfile.mkdtemp(prefix="qvr-report-"))
    return made
