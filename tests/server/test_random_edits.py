"""Random edits, and every prefix of the examples: answers are those of a fresh server, and nothing raises."""

import os
import random
from pathlib import Path

import pytest
from asked_everything import everything
from in_process import Client, position

ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLES = sorted(ROOT.glob("examples/*/[!.]*.qvr"))
URI = "file:///models/fuzzed.qvr"
# The full run takes 20,000; every run of the tests a slice of it.
EDITS = int(os.environ.get("QVR_RANDOM_EDITS", "240"))
PREFIXES = int(os.environ.get("QVR_PREFIXES", "4"))
SNIPPETS = [
    *("\n", "\r", "\r\n", "\f", "\v", "\x85", "\u2028", "\u2029", "\t", " ", "    ", "\0", "\ufeff"),
    *("⊗", "𝒩", "😀", "𝜏", "→", "<-", "←", "(", ")", "[", "]", ",", ":", "=", "#", "## ", "'", '"', "\\"),
    *("sample ", "observe ", "let ", "marginalize ", "score ", "return ", "factor i : A in ", "scan "),
    *("program ", "object ", "data ", "define ", "export ", "\nobject A : FinSet 3\n"),
    *("Normal(0.0, 1.0)", "HalfNormal(", "School", "theta", "x", "1e999", "-", "1", ".5", "# qvr: ignore"),
]
CAPABILITIES = {
    "textDocument": {
        "hover": {"contentFormat": ["markdown"]},
        "codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}}},
        "documentSymbol": {"hierarchicalDocumentSymbolSupport": True},
        "completion": {"completionItem": {"snippetSupport": True}},
        "rename": {"prepareSupport": True},
    },
    "workspace": {"workspaceEdit": {"documentChanges": True}},
}


def outside_pairs(text: str, index: int) -> int:
    """`index`, or the place before CR LF where it falls between the two: no editor's cursor does."""
    return index - 1 if text[index - 1 : index + 1] == "\r\n" else index


def edited(random_: random.Random, text: str) -> tuple[int, int, str]:
    """A random edit: something typed, taken out, or copied from elsewhere."""
    places = [random_.randrange(len(text) + 1) for _ in range(2)]
    start, end = sorted(places)
    kind = random_.random()
    if kind < 0.5:
        end = start
    elif kind < 0.9:
        end = min(end, start + random_.choice((1, 1, 2, 5, 30)))
    new = "".join(random_.choices(SNIPPETS, k=random_.choice((0, 1, 1, 2)))) if kind < 0.85 else ""
    if kind > 0.95:
        new = text[end : end + random_.randrange(80)]
    return outside_pairs(text, start), outside_pairs(text, end), new


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_after_random_edits_the_answers_are_those_of_a_fresh_server(encoding: str) -> None:
    random_ = random.Random(f"edits in {encoding}")
    lasting, fresh = (Client(encoding, CAPABILITIES) for _ in range(2))
    text, since = "", 0
    for number in range(EDITS // 3):
        if since == 0:
            text = random_.choice(EXAMPLES).read_text(encoding="utf-8")
            lasting.open(URI, text)
            since = random_.choice((10, 40))
        since -= 1
        changes = []
        for _ in range(random_.choice((1, 1, 1, 3))):
            start, end, new = edited(random_, text)
            span = {
                "start": position(text, start, encoding),
                "end": position(text, end, encoding),
            }
            changes.append({"range": span, "text": new})
            text = text[:start] + new + text[end:]
        problems = lasting.change(URI, *changes)
        assert lasting.server.session.documents[URI].document.source.decode() == text
        if number % 4 == 0:
            assert problems == fresh.open(URI, text)
            start = outside_pairs(text, random_.randrange(len(text) + 1))
            end = outside_pairs(text, min(len(text), start + random_.choice((0, 0, 5, 60))))
            asked = [everything(client, URI, text, start, end) for client in (lasting, fresh)]
            assert asked[0] == asked[1]
            fresh.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
        if since == 0:
            lasting.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    for client in (lasting, fresh):
        client.close()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_no_request_raises_at_a_prefix_of_an_example(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    random_ = random.Random(path.stem)
    count = min(PREFIXES, len(text))
    client = Client("utf-16", CAPABILITIES)
    for length in sorted(random_.sample(range(len(text)), count)):
        prefix = text[:length]
        client.open(URI, prefix)
        for start in {length, random_.randrange(length + 1)}:
            everything(client, URI, prefix, start, length)
        client.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    client.close()
