"""`textDocument/signatureHelp`: how what is being called takes its arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lsprotocol import types

from quivers.ide.signature_help import Form, ParameterHelp
from quivers.ide.signature_help import signature_help as help_at
from qvr_server import to_lsp
from qvr_server.feature import Feature

if TYPE_CHECKING:
    from qvr_server.server import QvrServer
    from qvr_server.session import OpenDocument

_INFORMATION = "text_document.signature_help.signature_information"


def signature_help(
    ls: QvrServer, opened: OpenDocument, params: types.SignatureHelpParams
) -> types.SignatureHelp | None:
    """The forms of the call around a position."""
    found = help_at(opened.checked, opened.document, opened.places.offset(params.position))
    if found is None:
        return None
    formats = ls.capability(f"{_INFORMATION}.documentation_format") or ()
    offsets = ls.client_supports(f"{_INFORMATION}.parameter_information.label_offset_support")
    own = ls.client_supports(f"{_INFORMATION}.active_parameter_support")
    signatures = [_signature(form, formats, offsets=offsets) for form in found.forms]
    # A number past the last one marks none, where a missing one would mark the first.
    active = found.parameter if found.parameter is not None else len(found.forms[found.active].parameters)
    if own:
        signatures[found.active].active_parameter = active
    return types.SignatureHelp(signatures, found.active, active)


def _signature(
    form: Form, formats: Sequence[types.MarkupKind], *, offsets: bool
) -> types.SignatureInformation:
    return types.SignatureInformation(
        form.label,
        to_lsp.markup(form.documentation, formats),
        [
            types.ParameterInformation(
                _place(form.label, each) if offsets else form.label[each.start : each.end],
                to_lsp.markup((each.documentation,), formats),
            )
            for each in form.parameters
        ],
    )


def _place(label: str, parameter: ParameterHelp) -> tuple[int, int]:
    """Where a parameter stands in a label, in UTF-16 units, as the protocol has it whatever the encoding."""
    start = _width(label[: parameter.start])
    return start, start + _width(label[parameter.start : parameter.end])


def _width(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


_OPTIONS = types.SignatureHelpOptions(trigger_characters=["(", ","], retrigger_characters=[")"])
FEATURES = (Feature(types.TEXT_DOCUMENT_SIGNATURE_HELP, signature_help, _OPTIONS),)
