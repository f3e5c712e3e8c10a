"""`textDocument/completion` and `completionItem/resolve`: what can go on at a position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from quivers.ide.completion import completions, documentation
from quivers.ide.completion_items import Column, Entry, Kind
from qvr_server import to_lsp
from qvr_server.feature import Feature
from qvr_server.protocol import Plain

if TYPE_CHECKING:
    from qvr_server.server import QvrServer
    from qvr_server.session import OpenDocument

# Typing one of these asks for entries; `completions` answers where they are likely to be wanted.
TRIGGERS = (" ", "(", "[", "=", "\\")

_ITEM = "text_document.completion.completion_item"
_OLDEST_KINDS = frozenset(types.CompletionItemKind(number) for number in range(1, 19))
# Each kind, and what a client is told that does not know it.
_KINDS = {
    Kind.VALUE: (types.CompletionItemKind.Variable, types.CompletionItemKind.Variable),
    Kind.INPUT: (types.CompletionItemKind.Field, types.CompletionItemKind.Field),
    Kind.PARAMETER: (types.CompletionItemKind.Variable, types.CompletionItemKind.Variable),
    Kind.OBJECT: (types.CompletionItemKind.Enum, types.CompletionItemKind.Enum),
    Kind.SPACE: (types.CompletionItemKind.Struct, types.CompletionItemKind.Class),
    Kind.FAMILY: (types.CompletionItemKind.Class, types.CompletionItemKind.Class),
    Kind.FUNCTION: (types.CompletionItemKind.Function, types.CompletionItemKind.Function),
    Kind.PROGRAM: (types.CompletionItemKind.Module, types.CompletionItemKind.Module),
    Kind.ARGUMENT: (types.CompletionItemKind.Property, types.CompletionItemKind.Property),
    Kind.OPTION: (types.CompletionItemKind.Property, types.CompletionItemKind.Property),
    Kind.EFFECT: (types.CompletionItemKind.EnumMember, types.CompletionItemKind.Value),
    Kind.KEYWORD: (types.CompletionItemKind.Keyword, types.CompletionItemKind.Keyword),
    Kind.SNIPPET: (types.CompletionItemKind.Snippet, types.CompletionItemKind.Snippet),
    Kind.SYMBOL: (types.CompletionItemKind.Text, types.CompletionItemKind.Text),
}


@dataclass(frozen=True, slots=True)
class _Client:
    """What the client can take."""

    snippets: bool
    commits: bool
    insert_replace: bool
    label_details: bool
    adjusts_indentation: bool
    shared_range: bool
    kinds: frozenset[types.CompletionItemKind]


def completion(ls: QvrServer, opened: OpenDocument, params: types.CompletionParams) -> Plain | None:
    """The entries for a position, those that fit best first."""
    context = params.context
    typed = context is not None and context.trigger_kind is types.CompletionTriggerKind.TriggerCharacter
    found = completions(
        opened.checked,
        opened.document,
        opened.places.offset(params.position),
        trigger=context.trigger_character if typed and context is not None else None,
        columns=[Column(*column) for column in opened.facts.columns] if opened.facts is not None else (),
    )
    if found is None:
        return None
    client = _client(ls)
    inserted = opened.places.plain_range(found.inserted)
    replaced = opened.places.plain_range(found.replaced)
    data = {kind: {"uri": opened.uri, "kind": kind.value, "program": found.program} for kind in Kind}
    edit = {"insert": inserted, "replace": replaced} if client.insert_replace else {"range": inserted}
    begun = found.inserted.end > found.inserted.start
    answer: dict[str, Any] = {
        "isIncomplete": not found.whole,
        "items": [
            _item(entry, edit, data[entry.kind], client, begun)
            for entry in found.entries
            if entry.text or (client.snippets and entry.snippet)
        ],
    }
    if client.shared_range:
        answer["itemDefaults"] = {"editRange": edit if client.insert_replace else inserted}
    return Plain(answer)


def _client(ls: QvrServer) -> _Client:
    kinds = ls.capability("text_document.completion.completion_item_kind.value_set")
    modes = ls.capability(f"{_ITEM}.insert_text_mode_support.value_set") or ()
    defaults = ls.capability("text_document.completion.completion_list.item_defaults") or ()
    return _Client(
        ls.client_supports(f"{_ITEM}.snippet_support"),
        ls.client_supports(f"{_ITEM}.commit_characters_support"),
        ls.client_supports(f"{_ITEM}.insert_replace_support"),
        ls.client_supports(f"{_ITEM}.label_details_support"),
        types.InsertTextMode.AdjustIndentation in modes,
        "editRange" in defaults,
        _OLDEST_KINDS if kinds is None else frozenset(kinds),
    )


def _item(
    entry: Entry, edit: dict[str, Any], data: dict[str, Any], client: _Client, begun: bool
) -> dict[str, Any]:
    snippet = entry.snippet if client.snippets else None
    text = entry.text if snippet is None else snippet
    best, known = _KINDS[entry.kind]
    item: dict[str, Any] = {
        "label": entry.label,
        "kind": (best if best in client.kinds else known).value,
        "sortText": f"{entry.rank[0]:02d}{entry.rank[1]:05d}",
        "data": data,
    }
    if entry.detail:
        item["detail"] = entry.detail
    filtered = entry.filter or entry.label
    # Where a word is begun, Neovim takes an entry with an edit and without this to have passed a filter.
    if begun or filtered != entry.label:
        item["filterText"] = filtered
    if snippet is not None:
        item["insertTextFormat"] = types.InsertTextFormat.Snippet.value
        if client.adjusts_indentation and "\n" in snippet:
            item["insertTextMode"] = types.InsertTextMode.AdjustIndentation.value
    elif entry.commits and client.commits:
        item["commitCharacters"] = list(entry.commits)
    if entry.aside and client.label_details:
        item["labelDetails"] = {"detail": entry.aside}
    if client.shared_range:
        item["textEditText"] = text
    else:
        item["textEdit"] = {"newText": text, **edit}
    return item


def resolve(ls: QvrServer, item: types.CompletionItem) -> types.CompletionItem:
    """The entry with its documentation; as it was, where its document is closed."""
    data: Any = item.data
    if hasattr(data, "_asdict"):  # pygls makes tuples with names of what it has no type for
        data = data._asdict()
    if not isinstance(data, dict):
        return item
    opened = ls.session.documents.get(str(data.get("uri")))
    kind = next((each for each in Kind if each.value == data.get("kind")), None)
    if opened is None or kind is None:
        return item
    notes = documentation(opened.checked, opened.document, kind, item.label, data.get("program"))
    if notes:
        formats = ls.capability(f"{_ITEM}.documentation_format") or ()
        item.documentation = to_lsp.markup(notes, formats)
    return item


_OPTIONS = types.CompletionOptions(
    trigger_characters=list(TRIGGERS),
    resolve_provider=True,
    completion_item=types.ServerCompletionItemOptions(label_details_support=True),
)
FEATURES = (
    Feature(types.TEXT_DOCUMENT_COMPLETION, completion, _OPTIONS),
    Feature(types.COMPLETION_ITEM_RESOLVE, resolve, document=False),
)
