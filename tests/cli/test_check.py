"""`qvr check`: what it prints, in both formats, and how it leaves."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from quivers.cli import main

ROOT = Path(__file__).resolve().parents[2]

GOOD = """\
object School : FinSet 8
program schools : School -> School
    sample mu <- Normal(0.0, 5.0)
    sample theta : School <- Normal(mu, 1.0)
    observe y : School <- Normal(theta, sigma_j)
    return theta
"""
MISSPELT = GOOD.replace("mu <- Normal", "mu <- Normall")
SHIFTED = "# 😀 𝒩\n" + MISSPELT.replace("    sample mu", "    ## 😀\n    sample mu")


def qvr(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'server'}",
        **options.pop("env", {}),
    }
    return subprocess.run(
        [sys.executable, "-m", "quivers.cli", *arguments], env=environment, **options,
        capture_output=True, text=True, encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip


def written(folder: Path, name: str, content: str | bytes) -> str:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def test_a_clean_file_is_said_to_be_clean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", written(tmp_path, "m.qvr", GOOD)]) == 0
    assert capsys.readouterr().out == "No problems in 1 file\n"


def test_the_examples_are_clean(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--output-format", "json", str(ROOT / "examples")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [entry for entry in found if entry["severity"] in ("error", "warning")] == []


def test_a_misspelt_family_is_shown_in_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, "m.qvr", MISSPELT)
    assert main(["check", file]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("error[QVR2")
    assert "Normall" in lines[0]
    assert lines[1] == f" --> {file}:3:18"
    assert lines[3] == "3 |     sample mu <- Normall(0.0, 5.0)"
    assert lines[4] == "  |                  ^^^^^^^"
    assert lines[-1] == "1 error in 1 file"


def test_json_has_a_range_in_utf_16_and_fixes_that_mend(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = "object 𝒮 : FinSet 8 # 😀\n" + MISSPELT.replace(
        "mu <- Normall(0.0, 5.0)", "𝒩𝒩 <- Normall(0.0, 5.0)"
    ).replace("(mu, 1.0)", "(𝒩𝒩, 1.0)")
    file = written(tmp_path, "m.qvr", source)
    assert main(["check", "--output-format", "json", file]) == 1
    (entry,) = [each for each in json.loads(capsys.readouterr().out) if each["severity"] == "error"]
    assert list(entry) == ["file", "code", "severity", "message", "range", "fixes"]
    assert entry["file"] == file
    assert entry["range"] == {"start": {"line": 3, "character": 19}, "end": {"line": 3, "character": 26}}
    (edit,) = entry["fixes"][0]["edits"]
    assert edit == {"range": entry["range"], "text": "Normal"}


def test_warnings_alone_leave_the_status_clean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = GOOD.replace("Normal(mu, 1.0)", "Normal(0.0, mu)")
    assert main(["check", written(tmp_path, "m.qvr", source)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("warning[QVR4")
    assert "\n\nhint[QVR701]" in out
    assert out.endswith("1 warning, 1 hint in 1 file\n")


def test_directories_are_searched_and_no_file_is_told_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "deep" / ".hidden").mkdir(parents=True)
    bad = written(tmp_path / "deep", "a.qvr", MISSPELT)
    written(tmp_path / "deep" / ".hidden", "b.qvr", MISSPELT)
    written(tmp_path, "c.qvr", GOOD)
    assert main(["check", str(tmp_path), bad, "--output-format", "json"]) == 1
    assert [entry["file"] for entry in json.loads(capsys.readouterr().out)] == [bad]


def test_a_folder_without_models_does_not_keep_the_others_from_being_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    bad = written(tmp_path, "a.qvr", MISSPELT)
    assert main(["check", str(tmp_path / "empty"), bad]) == 1
    out = capsys.readouterr().out
    assert f"{tmp_path / 'empty'} holds no .qvr file." in out
    assert "Normall" in out
    assert out.endswith("2 errors in 2 files\n")


def test_one_file_by_two_names_is_checked_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bad = written(tmp_path, "a.qvr", MISSPELT)
    assert main(["check", "a.qvr", "./a.qvr", bad]) == 1
    assert capsys.readouterr().out.endswith("1 error in 1 file\n")


def test_a_folder_in_a_program_s_place_names_a_program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = written(tmp_path, "a.qvr", GOOD)
    assert main(["run", str(tmp_path)]) == 1
    expected = f"{tmp_path} is a directory, not a program: name one of its files, such as {good}."
    assert expected in capsys.readouterr().err


def test_a_folder_that_may_not_be_read_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may read all, so the refusal is put in the system's mouth."""
    (tmp_path / "secret").mkdir()
    known = os.scandir

    def scandir(place: str) -> Any:
        if os.fspath(place).endswith("secret"):
            raise PermissionError(13, "Permission denied", place)
        return known(place)

    monkeypatch.setattr(os, "scandir", scandir)
    assert main(["check", str(tmp_path)]) == 1
    assert f"{tmp_path / 'secret'} cannot be read: permission denied." in capsys.readouterr().out


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no endless file")
def test_a_file_without_end_is_no_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "/dev/zero"]) == 1
    told = "/dev/zero is no program: it has more than 10 MB. Is it data? Those go with --data."
    assert told in capsys.readouterr().out


def test_a_closed_standard_input_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["check", "-"]) == 1
    told = "Standard input is closed: pipe a program into it, or name a file."
    assert told in capsys.readouterr().out


@pytest.mark.skipif(sys.platform == "win32", reason="there a folder in use can't be removed")
@pytest.mark.parametrize(
    "command", [["check", "a.qvr"], ["check", "-"], ["run", "../a.qvr"], ["fmt", "a.qvr"]]
)
def test_a_working_folder_that_is_gone_is_a_sentence(command: list[str], tmp_path: Path) -> None:
    code = "import os, sys; from quivers.cli import main; os.rmdir(os.getcwd()); sys.exit(main())"
    (tmp_path / "gone").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code, *command],
        input=GOOD, capture_output=True, text=True, cwd=tmp_path / "gone", check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "fault" not in done.stderr
    [told] = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("error")]
    assert "is gone" in told or "does not exist" in told


def test_standard_input_is_a_file_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(MISSPELT.encode())))
    assert main(["check", "-"]) == 1
    assert "--> <stdin>:3:18" in capsys.readouterr().out


BAD_FILES = [
    ("none.qvr", None, "none.qvr does not exist"),
    ("folder", "", "folder holds no .qvr file"),
    ("latin.qvr", "# Größe".encode("latin-1"), "latin.qvr is not UTF-8 text: byte 4 (0xF6), in line 1"),
    ("binary.qvr", b"\x7fELF\x00\x00", "binary.qvr is not a text file: byte 4, in line 1, is NUL"),
    ("utf16.qvr", GOOD.encode("utf-16"), "save it as UTF-8"),
    ("empty.qvr", b"", "empty.qvr is empty: a model starts with its objects and a program"),
    ("blank.qvr", b"\n\n  \n# nothing\n", "blank.qvr is empty"),
    ("bracket.qvr", b"(", "bracket.qvr:1:1"),
    ("deep.qvr", GOOD.replace("1.0", "exp(" * 5000 + "1.0" + ")" * 5000).encode(), "deep.qvr"),
    ("long/name\0.qvr", None, "cannot be read: embedded null byte"),
]


@pytest.mark.parametrize("output_format", ["text", "json"])
@pytest.mark.parametrize("bad", BAD_FILES, ids=[repr(bad[0]) for bad in BAD_FILES])
def test_each_bad_file_is_one_sentence_and_status_1(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    bad: tuple[str, bytes | str | None, str],
    output_format: str,
) -> None:
    name, content, sentence = bad
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        path.mkdir()
    status = main(["check", str(path), "--output-format", output_format])
    out, err = capsys.readouterr()
    assert status == 1
    assert "Traceback" not in out + err
    if output_format == "text":
        told = [line for line in (out + err).splitlines() if line.startswith("error")]
        assert sentence in out + err
    else:
        answer = json.loads(out)
        found = answer if isinstance(answer, list) else answer["diagnostics"]
        told = [entry["message"] for entry in found if entry["severity"] == "error"]
        assert err == ""
    assert len(told) == 1


def test_an_unreadable_file_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    file = written(tmp_path, "m.qvr", GOOD)
    monkeypatch.setattr("quivers.cli.files.open", refuse, raising=False)
    assert main(["check", file]) == 1
    assert f"error[QVR100]: {file} cannot be read: permission denied.\n" in capsys.readouterr().out


def test_one_bad_file_does_not_hide_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = written(tmp_path, "a.qvr", MISSPELT)
    assert main(["check", str(tmp_path / "none.qvr"), bad]) == 1
    out = capsys.readouterr().out
    assert "none.qvr does not exist" in out
    assert "Normall" in out
    assert out.endswith("2 errors in 2 files\n")


def test_check_loads_no_runtime_and_no_numpy(tmp_path: Path) -> None:
    code = (
        "import sys; from quivers.cli import main; main(['check', sys.argv[1]]);"
        "print(*sorted({'torch', 'numba', 'numpy', 'rich', 'pygls', 'lark'} & set(sys.modules)), sep=',')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, written(tmp_path, "m.qvr", MISSPELT)],
        capture_output=True, text=True, cwd=ROOT, timeout=120, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == ""


def test_the_check_of_a_clean_file_loads_nothing_that_takes_longer_than_it_saves(tmp_path: Path) -> None:
    code = (
        "import sys; before = set(sys.modules); from quivers.cli import main; main(['check', sys.argv[1]]);"
        "slow = {'dataclasses', 'inspect', 'json', 'shutil', 'difflib', 'tomllib', 'quivers.explanations'};"
        "print(*sorted(slow & set(sys.modules) - before), sep=',')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, written(tmp_path, "m.qvr", GOOD)],
        capture_output=True, text=True, cwd=ROOT, timeout=120, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["No problems in 1 file", ""]


def test_a_closed_pipe_ends_in_silence(tmp_path: Path) -> None:
    file = written(tmp_path, "m.qvr", MISSPELT * 200)
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "quivers.cli", "check", file],
        stdout=writer, stderr=subprocess.PIPE, cwd=ROOT, timeout=120, check=False,
    )  # fmt: skip
    os.close(writer)
    assert done.returncode == 141
    assert done.stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "quivers.cli", "check", written(tmp_path, "m.qvr", GOOD)],
            stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT, timeout=120, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "error: The output cannot be written: no space left on device.\n"


def test_a_terminal_that_knows_no_unicode_gets_signs_instead(tmp_path: Path) -> None:
    source = GOOD.replace("FinSet 8", "FinSet 8 # ⊗").replace("mu <- Normal", "mu ← Normall")
    done = qvr("check", written(tmp_path, "m.qvr", source), env={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 1
    assert "sample mu ? Normall" in done.stdout


def test_colour_only_where_a_terminal_wants_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path, "m.qvr", MISSPELT)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    main(["check", file])
    assert "\x1b" not in capsys.readouterr().out
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    main(["check", file])
    assert "\x1b[1;31merror" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    main(["check", file])
    assert "\x1b" not in capsys.readouterr().out


def test_a_closed_standard_output_is_no_fault(tmp_path: Path) -> None:
    file = written(tmp_path, "m.qvr", MISSPELT)
    command = f'"{sys.executable}" -m quivers.cli check "{file}" >&- 2>&-'
    assert subprocess.run(command, shell=True, cwd=ROOT, timeout=120, check=False).returncode == 1
