"""Every request about a document that a client can make, asked at one place of it."""

from typing import Any

from in_process import Answered, Client, position

ABOUT_A_PLACE = (
    "hover",
    "completion",
    "signatureHelp",
    "definition",
    "declaration",
    "typeDefinition",
    "references",
    "documentHighlight",
    "prepareRename",
    "rename",
    "linkedEditingRange",
    "prepareCallHierarchy",
    "onTypeFormatting",
)
ABOUT_A_RANGE = ("codeAction", "rangeFormatting", "inlayHint", "semanticTokens/range")
ABOUT_ALL = (
    "documentSymbol",
    "codeLens",
    "documentLink",
    "foldingRange",
    "formatting",
    "semanticTokens/full",
    "diagnostic",
)
OPTIONS = {"tabSize": 4, "insertSpaces": True}
# Refusals that tell the user why a thing can't be done, and are no fault of the server's.
IN_WORDS = {-32602, -32803}


def everything(client: Client, uri: str, text: str, start: int, end: int) -> dict[str, Any]:
    """The answer to each request about the characters from `start` to `end`; a refusal is its sentence."""
    here = position(text, start, client.encoding)
    there = position(text, end, client.encoding)
    span = {"start": here, "end": there}
    document = {"textDocument": {"uri": uri}}
    at = {**document, "position": here}
    extra: dict[str, dict[str, Any]] = {
        "references": {"context": {"includeDeclaration": True}},
        "rename": {"newName": "renamed"},
        "onTypeFormatting": {"ch": "\n", "options": OPTIONS},
        "codeAction": {"context": {"diagnostics": [], "triggerKind": 1}},
        "rangeFormatting": {"options": OPTIONS},
        "formatting": {"options": OPTIONS},
    }
    answers = {name: _asked(client, name, {**at, **extra.get(name, {})}) for name in ABOUT_A_PLACE}
    for name in ABOUT_A_RANGE:
        answers[name] = _asked(client, name, {**document, "range": span, **extra.get(name, {})})
    for name in ABOUT_ALL:
        answers[name] = _asked(client, name, {**document, **extra.get(name, {})})
    answers["selectionRange"] = _asked(client, "selectionRange", {**document, "positions": [here, there]})
    for item in answers["prepareCallHierarchy"] or ():
        for calls in ("incomingCalls", "outgoingCalls"):
            answers[calls] = client.request(f"callHierarchy/{calls}", {"item": item})
    return {name: _lasting(answer) for name, answer in answers.items()}


def _asked(client: Client, name: str, params: dict[str, Any]) -> Any:
    try:
        return client.request(f"textDocument/{name}", params)
    except Answered as refused:
        if refused.code not in IN_WORDS:
            raise AssertionError(f"{name} failed: {refused} ({refused.code})") from refused
        return f"refused: {refused}"


def _lasting(answer: Any) -> Any:
    """An answer without what differs from one server to the next: versions and the ids of results."""
    if isinstance(answer, dict):
        return {
            name: _lasting(value) for name, value in answer.items() if name not in {"version", "resultId"}
        }
    if isinstance(answer, list):
        return [_lasting(each) for each in answer]
    return answer
