"""`qvr.openReport`: the last result as a page that a browser shows without a network."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from qvr_server.protocol import RequestFailed

if TYPE_CHECKING:
    from qvr_server.results import DataUsed, Standing
    from qvr_server.server import QvrServer
    from qvr_server.session import Session


async def open_report(
    ls: QvrServer, arguments: Mapping[str, Any], token: types.ProgressToken | None
) -> dict[str, str]:
    """Write the report of a program's last result and have the client show it, where it can; its URI."""
    last = await ls.runs.last(arguments["uri"], arguments.get("program"))
    name = Path(unquote(urlsplit(last.result.uri).path)).name or "model"
    try:
        path = await asyncio.to_thread(_written, last, name, ls.session)
    except OSError as error:
        raise RequestFailed(f"The report can't be written: {error.strerror or error}.") from None
    uri = path.as_uri()
    if ls.client_supports("window.show_document.support"):
        ls.spawn(_show(ls, uri))
    return {"uri": uri}


async def _show(ls: QvrServer, uri: str) -> None:
    with contextlib.suppress(JsonRpcException):  # the client has the URI in its answer too
        await ls.window_show_document_async(types.ShowDocumentParams(uri=uri, external=True, take_focus=True))


def _written(last: Standing, name: str, session: Session) -> Path:
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
    )
    stem = re.sub(r"[^\w.-]+", "_", f"{name.removesuffix('.qvr')}-{last.program}")[:100]
    path = _folder(session) / f"{stem}.html"
    path.write_text(text, encoding="utf-8")
    return path


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
