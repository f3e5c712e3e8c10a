"""What a client gets from a real server over stdio: problems and types, each in the right place."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

URI = "file:///models/schools.qvr"
MARK = re.compile("⟦(.*?)⟧", re.DOTALL)

HEADER = "object School : FinSet 8\nobject Item : FinSet 3\n"


def program(*steps: str, options: str = "") -> str:
    body = "".join(f"    {step}\n" for step in steps)
    observed = "    observe y : School <- Normal(theta, 1.0)\n"
    return f"{HEADER}program p : Item -> School{options}\n{body}{observed}    return theta\n"


THETA = "sample theta : School <- Normal(0.0, 1.0)"
# What is wrong, the text with the exact token marked, the text mended, a word of the message.
PROBLEMS = {
    "a misspelt family": (
        program("sample theta : School <- ⟦Normol⟧(0.0, 1.0)"),
        program(THETA),
        "Normal",
    ),
    "an undeclared object": (
        program("sample theta : ⟦Scool⟧ <- Normal(0.0, 1.0)"),
        program(THETA),
        "Scool",
    ),
    "a forbidden effect": (
        program("⟦sample⟧ theta : School <- Normal(0.0, 1.0)", options=" [effects=[Score]]"),
        program(THETA, options=" [effects=[Sample, Score]]"),
        "Sample",
    ),
    "a plate that does not match": (
        program("sample eta : Item <- Normal(0.0, 1.0)", "sample theta : School <- Normal(⟦eta⟧, 1.0)"),
        program("sample eta : School <- Normal(0.0, 1.0)", "sample theta : School <- Normal(eta, 1.0)"),
        "Item",
    ),
    "an unclosed bracket": (
        program("sample theta : School <- Normal⟦(⟧0.0, 1.0"),
        program(THETA),
        "(",
    ),
}


def unmarked(text: str) -> tuple[str, int, int]:
    """`text` without its mark, and the characters that were marked."""
    match = MARK.search(text)
    assert match is not None
    start = match.start()
    return text[:start] + match.group(1) + text[match.end() :], start, start + len(match.group(1))


def columns(text: str, encoding: str) -> int:
    unit = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[encoding]
    return len(text.encode(encoding if unit == 1 else f"{encoding}-le")) // unit


def place(text: str, start: int, end: int, encoding: str) -> dict[str, Any]:
    """The range of `text[start:end]`."""

    def position(index: int) -> dict[str, int]:
        line_start = text.rfind("\n", 0, index) + 1
        return {
            "line": text.count("\n", 0, index),
            "character": columns(text[line_start:index], encoding),
        }

    return {"start": position(start), "end": position(end)}


# ------------------------------------------------------------------- problems


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_problem_is_on_its_exact_token_and_goes_when_mended(editor: Any, name: str) -> None:
    marked, mended, word = PROBLEMS[name]
    text, start, end = unmarked(marked)
    problems = editor.open(URI, text)
    assert [problem["range"] for problem in problems] == [place(text, start, end, "utf-16")]
    assert word in problems[0]["message"]
    assert problems[0]["severity"] == 1
    assert problems[0]["source"] == "qvr"
    assert re.fullmatch(r"QVR\d{3}", problems[0]["code"])
    assert editor.change(URI, {"text": mended}) == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_columns_are_right_after_any_character(editors: Callable[..., Any], encoding: str) -> None:
    editor = editors()
    assert editor.initialize(encoding)["capabilities"]["positionEncoding"] == encoding
    text, start, end = unmarked(
        "object 𠮷é : FinSet 2\nprogram p : 𠮷é → 𠮷é\n    sample μ : 𠮷é ← ⟦Normol⟧(0, 1) # ⊗ 😀\n"
        "    observe y : 𠮷é ← Normal(μ, 1)\n    return μ\n"
    )
    assert [problem["range"] for problem in editor.open(URI, text)] == [place(text, start, end, encoding)]
    fixed = place(text, start, end, encoding)
    assert editor.change(URI, {"range": fixed, "text": "Normal"}) == []
    text = text.replace("Normol", "Normal")
    index = text.index("μ", text.index("return"))
    at = place(text, index, index + 1, encoding)
    hover = editor.hover(URI, **at["start"])
    assert hover["range"] == at
    assert "𠮷é ⊗ Real" in hover["contents"]["value"]


def test_utf8_is_chosen_where_the_client_offers_it(editors: Callable[..., Any]) -> None:
    editor = editors()
    result = editor.initialize(general={"positionEncodings": ["utf-16", "utf-8"]})
    assert result["capabilities"]["positionEncoding"] == "utf-8"


def test_problems_carry_the_version_of_a_burst_s_newest_text(editor: Any) -> None:
    text = program(THETA)
    editor.open(URI, text)
    end = {"line": text.count("\n"), "character": 0}
    for version in range(2, 30):
        change = {"range": {"start": end, "end": end}, "text": "# a comment\n"}
        document = {"uri": URI, "version": version}
        editor.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})
    editor.versions[URI] = 29
    assert editor.problems(URI) == []
    versions = [message["params"].get("version") for message in editor.kept]
    assert versions == sorted(versions)


def test_saving_publishes_again_and_closing_clears(editor: Any) -> None:
    text, *_ = unmarked(PROBLEMS["a misspelt family"][0])
    first = editor.open(URI, text)
    editor.notify("textDocument/didSave", {"textDocument": {"uri": URI}})
    assert editor.problems(URI) == first
    editor.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    assert editor.wait(lambda message: message.get("method") == "textDocument/publishDiagnostics")[
        "params"
    ] == {
        "uri": URI,
        "diagnostics": [],
    }


def test_an_untitled_document_is_checked_and_a_view_of_an_old_revision_is_not(editor: Any) -> None:
    text, *_ = unmarked(PROBLEMS["a misspelt family"][0])
    assert len(editor.open("untitled:Untitled-1", text)) == 1
    document = {"uri": "git:/models/schools.qvr?HEAD", "languageId": "qvr", "version": 1, "text": text}
    editor.notify("textDocument/didOpen", {"textDocument": document})
    assert editor.hover("git:/models/schools.qvr?HEAD", 0, 0) is None
    assert editor.kept == []


def test_texts_that_are_no_programs_are_survived(editor: Any) -> None:
    texts = ["", "(", "program", "\ud800", "\x00", "\r\n\r\n", "𝒩" * 1000, "(" * 2000]
    for number, text in enumerate(texts):
        uri = f"untitled:Untitled-{number}"
        editor.open(uri, text)
        editor.hover(uri, 0, 0)
        assert editor.change(uri, {"text": program(THETA)}) == [], text[:10]


# --------------------------------------------------------------------- hovers


def hover_on(editor: Any, text: str, word: str, nth: int = 0) -> str:
    """The hover's text on the `nth` place where `word` stands as a word."""
    index = [match.start() for match in re.finditer(rf"\b{word}\b", text)][nth]
    at = place(text, index, index + len(word), "utf-16")
    hover = editor.hover(URI, **at["start"])
    assert hover["range"] == at
    shown: str = hover["contents"]["value"]
    return shown


def test_hovers_say_what_the_names_of_the_eight_schools_are(editor: Any, eight_schools: str) -> None:
    assert [problem["code"] for problem in editor.open(URI, eight_schools)] == ["QVR701"]
    theta = hover_on(editor, eight_schools, "theta")
    assert "School ⊗ Real" in theta
    assert "Each school's true effect." in theta
    assert "Real⁺" in hover_on(editor, eight_schools, "tau")
    sigma = hover_on(editor, eight_schools, "sigma_j")
    assert "School ⊗ Real⁺" in sigma
    assert "input" in sigma
    assert "School -> School ! {Sample, Score}" in hover_on(editor, eight_schools, "eight_schools_centred")


def test_a_client_without_markdown_gets_plain_text(editors: Callable[..., Any], eight_schools: str) -> None:
    editor = editors()
    editor.initialize(textDocument={"hover": {"contentFormat": ["plaintext"]}})
    editor.open(URI, eight_schools)
    line = next(index for index, line in enumerate(eight_schools.split("\n")) if "theta :" in line)
    hover = editor.hover(URI, line, eight_schools.split("\n")[line].index("theta"))
    assert hover["contents"]["kind"] == "plaintext"
    assert "```" not in hover["contents"]["value"]
    assert "School ⊗ Real" in hover["contents"]["value"]


# --------------------------------------------------------------- lens, actions


def test_each_program_has_a_lens_that_runs_it(editor: Any, eight_schools: str) -> None:
    editor.open(URI, eight_schools)
    [lens] = editor.request("textDocument/codeLens", {"textDocument": {"uri": URI}})
    start = eight_schools.index("eight_schools_centred")
    assert lens["range"] == place(eight_schools, start, start + len("eight_schools_centred"), "utf-16")
    assert lens["command"] == {
        "title": "▶ Run eight_schools_centred",
        "command": "qvr.run",
        "arguments": [{"uri": URI, "program": "eight_schools_centred"}],
    }


def test_the_lens_of_a_program_with_errors_says_that_it_can_not_run(editor: Any) -> None:
    text, *_ = unmarked(PROBLEMS["a misspelt family"][0])
    editor.open(URI, text)
    [lens] = editor.request("textDocument/codeLens", {"textDocument": {"uri": URI}})
    assert not lens["command"]["title"].startswith("▶")


LITERALS = {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix", "source"]}}}


def actions(editor: Any, place: dict[str, Any], *only: str) -> list[dict[str, Any]]:
    context = {"diagnostics": [], **({"only": list(only)} if only else {})}
    params = {"textDocument": {"uri": URI}, "range": place, "context": context}
    answer: list[dict[str, Any]] = editor.request("textDocument/codeAction", params)
    return answer


def test_a_fix_is_a_quick_fix_that_mends_the_text(editors: Callable[..., Any]) -> None:
    editor = editors()
    editor.initialize(
        textDocument={"codeAction": LITERALS}, workspace={"workspaceEdit": {"documentChanges": True}}
    )
    text, start, end = unmarked(PROBLEMS["a misspelt family"][0])
    editor.open(URI, text)
    [fix] = actions(editor, place(text, start, start, "utf-16"), "quickfix")
    assert fix["kind"] == "quickfix"
    [change] = fix["edit"]["documentChanges"]
    assert change["textDocument"] == {"uri": URI, "version": 1}
    assert change["edits"] == [{"range": place(text, start, end, "utf-16"), "newText": "Normal"}]
    assert actions(editor, place(text, 0, 0, "utf-16"), "quickfix") == []


def test_a_program_can_be_run_from_its_header(editors: Callable[..., Any], eight_schools: str) -> None:
    editor = editors()
    editor.initialize(textDocument={"codeAction": LITERALS})
    editor.open(URI, eight_schools)
    start = eight_schools.index("program")
    [action] = actions(editor, place(eight_schools, start, start, "utf-16"), "source")
    assert action["title"] == "▶ Run eight_schools_centred"
    assert action["command"]["command"] == "qvr.run"
    refactorings = actions(editor, place(eight_schools, start, start, "utf-16"), "refactor")
    assert not [each for each in refactorings if "command" in each]


# ----------------------------------------------------------- rules of messages


def refusal(editor: Any, **message: Any) -> dict[str, Any]:
    """The error that a message is answered with."""
    editor.send(message)
    answer = editor.wait(lambda each: "error" in each and each["id"] == message.get("id"))
    error: dict[str, Any] = answer["error"]
    return error


def test_requests_are_refused_before_initialize_and_after_shutdown(editors: Callable[..., Any]) -> None:
    editor = editors()
    hover = {"textDocument": {"uri": URI}, "position": {"line": 0, "character": 0}}
    assert refusal(editor, id=1000, method="textDocument/hover", params=hover)["code"] == -32002
    editor.notify("textDocument/didOpen", {})
    editor.initialize()
    assert refusal(editor, id=1001, method="initialize", params={"capabilities": {}})["code"] == -32600
    assert editor.request("shutdown") is None
    assert refusal(editor, id=1002, method="textDocument/hover", params=hover)["code"] == -32600
    editor.notify("exit")
    assert editor.process.wait(30) == 0


def test_exit_without_shutdown_is_a_failure(editor: Any) -> None:
    editor.notify("exit")
    assert editor.process.wait(30) == 1


def test_the_server_ends_with_its_input(editor: Any) -> None:
    editor.process.stdin.close()
    assert editor.process.wait(30) == 1


def test_what_is_no_message_is_answered_and_the_server_lives(editor: Any, eight_schools: str) -> None:
    for body, code in ((b"{", -32700), (b"\xff", -32700), (b"[]", -32600), (b"3", -32600), (b"{}", -32600)):
        editor.send_bytes(body)
        assert editor.wait(lambda each: "error" in each)["error"]["code"] == code
    assert refusal(editor, id=2000, method=3)["code"] == -32600
    assert refusal(editor, id=2001, method="qvr/fly")["code"] == -32601
    assert refusal(editor, id=2002, method="textDocument/hover", params={"position": 3})["code"] == -32602
    editor.notify("textDocument/didChange", {"nothing": 1})
    editor.notify("$/unknown", {})
    assert [problem["code"] for problem in editor.open(URI, eight_schools)] == ["QVR701"]


def test_an_unknown_command_is_refused(editor: Any) -> None:
    error = refusal(editor, id=1, method="workspace/executeCommand", params={"command": "qvr.fly"})
    assert (error["code"], error["message"]) == (-32602, "There is no command qvr.fly.")


def test_changes_to_a_document_that_is_not_open_are_ignored(editor: Any, eight_schools: str) -> None:
    document = {"uri": "file:///other.qvr", "version": 2}
    editor.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": "x"}]})
    editor.notify("textDocument/didClose", {"textDocument": {"uri": "file:///other.qvr"}})
    assert [problem["code"] for problem in editor.open(URI, eight_schools)] == ["QVR701"]


# ---------------------------------------------------------------- the process

WITHOUT_RUNTIME = """
import asyncio, json, sys
from qvr_server.server import QvrServer

async def main(text):
    server = QvrServer()
    said = []
    class Writer:
        def write(self, data): said.append(data)
    server.protocol.set_writer(Writer())
    def send(**message): server.protocol.receive({"jsonrpc": "2.0", **message})
    options = {"worker": {"warm": False}}
    send(id=1, method="initialize", params={"capabilities": {}, "initializationOptions": options})
    uri = sys.argv[1]
    document = {"uri": uri, "languageId": "qvr", "version": 1, "text": text}
    send(method="textDocument/didOpen", params={"textDocument": document})
    await asyncio.sleep(1.5)
    at = {"textDocument": {"uri": uri}, "position": {"line": 8, "character": 11}}
    send(id=2, method="textDocument/hover", params=at)
    assert b"QVR6" in b"".join(said), said
    print(json.dumps(sorted(set(sys.modules) & {"torch", "numba", "llvmlite", "scipy", "quivers.inference"})))

asyncio.run(main(sys.stdin.buffer.read().decode()))
"""


def test_checking_a_model_and_its_data_loads_no_torch_and_no_numba(tmp_path: Any, eight_schools: str) -> None:
    model = tmp_path / "schools.qvr"
    (tmp_path / "schools.data.json").write_text('{"y": [1], "sigma_j": [1]}')
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_RUNTIME, model.as_uri()],
        input=eight_schools.encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout) == []


def test_the_version_is_told() -> None:
    done = subprocess.run([sys.executable, "-m", "qvr_server", "--version"], capture_output=True, check=True)
    assert re.fullmatch(rb"qvr-lsp \d+\.\d+\.\d+\s*", done.stdout)


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are Unix's")
def test_a_person_who_starts_it_in_a_terminal_is_told_what_it_is_for() -> None:
    import pty

    near, far = pty.openpty()
    done = subprocess.run([sys.executable, "-m", "qvr_server"], stdin=far, capture_output=True, check=False)
    assert done.returncode == 2
    assert b"editor" in done.stderr
    import os

    os.close(near)
    os.close(far)
