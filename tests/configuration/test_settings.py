# ruff: noqa: E501 (tables of sentences)
"""Severities from qvr.toml and pyproject.toml: which file counts, what it changes, what is said of a bad one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from quivers.check.severity import Settings, configured
from quivers.cli import main
from quivers.configuration import configuration_for, configuration_of
from quivers.syntax.ast import Span
from quivers.syntax.problems import Diagnostic, Severity

ROOT = Path(__file__).resolve().parents[2]

DOUBTFUL = """\
object School : FinSet 8
program schools : School -> School [effects=[Sample, Score, Marginal]]
    sample spread <- Normal(0.0, 1.0)
    sample theta : School <- Normal(0.0, spread)
    observe y : School <- Normal(theta, 10.0)
    return theta
"""


def diagnostics(*codes: str) -> list[Diagnostic]:
    return [Diagnostic(code, Severity.WARNING, Span(0, 1), "A problem.") for code in codes]


def test_a_code_of_its_own_goes_before_its_family() -> None:
    settings = Settings({"QVR7xx": None, "QVR701": Severity.ERROR, "QVR402": Severity.HINT})
    found = configured(diagnostics("QVR701", "QVR703", "QVR402", "QVR404"), settings)
    assert [(each.code, each.severity.value) for each in found] == [
        ("QVR701", "error"),
        ("QVR402", "hint"),
        ("QVR404", "warning"),
    ]


def test_syntax_errors_keep_their_severity() -> None:
    settings = Settings({"QVR1xx": None, "QVR101": Severity.HINT})
    assert configured(diagnostics("QVR101", "QVR102"), settings) == tuple(diagnostics("QVR101", "QVR102"))


def read(text: str, name: str = "qvr.toml") -> tuple[dict[str, str | None], list[str]]:
    configuration = configuration_of(text.encode(), name)
    assert configuration is not None
    severities = configuration.settings.severities
    return {code: level.value if level else None for code, level in severities.items()}, [
        *configuration.warnings
    ]


def test_every_level_can_be_written() -> None:
    text = "severity = {QVR701='off', QVR702='hint', QVR402='information', QVR404='warning', QVR2xx='error'}"
    assert read(text) == (
        {"QVR701": None, "QVR702": "hint", "QVR402": "information", "QVR404": "warning", "QVR2xx": "error"},
        [],
    )


LEVELS = "must be one of `off`, `error`, `warning`, `information`, `hint`"


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        ("[severity]\nQVR402 = 'of'\nQVR404 = 'off'", [f"qvr.toml:2: The severity of `QVR402` {LEVELS}, and is `of`."]),
        ("[severity]\n\nQVR402 = 0\nQVR404 = 'off'", [f"qvr.toml:3: The severity of `QVR402` {LEVELS}, and is `0`."]),
        ("[severity]\nQVR404 = 'off'\n'QVR4O1' = 'off'", ["qvr.toml:3: No code is called `QVR4O1`; did you mean `QVR401`?"]),
        ("[severity]\nQVR404 = 'off'\nfunnel = 'off'", ["qvr.toml:3: No code is called `funnel`."]),
        (
            "[severity]\nQVR404 = 'off'\nQVR101 = 'off'",
            ["qvr.toml:3: `QVR101` keeps its severity: syntax errors can't be turned off."],
        ),
        ("[severities]\n[severity]\nQVR404 = 'off'", ["qvr.toml:1: QVR's configuration has no `severities`; it has `data`, `save_runs`, `[map]` and `[severity]`."]),
    ],
)  # fmt: skip
def test_a_bad_entry_is_told_with_its_line_and_the_others_hold(text: str, warnings: list[str]) -> None:
    assert read(text) == ({"QVR404": None}, warnings)


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (
            b"[severity\nQVR402 = 'off'",
            "qvr.toml:1: This is no TOML: expected ']' at the end of a table declaration.",
        ),
        (b"[severity]\nQVR402 = ", "qvr.toml:2: This is no TOML: invalid value."),
        (
            b"[severity]\nQVR402 = 'off'\nQVR402 = 'off'\n",
            "qvr.toml:3: This is no TOML: cannot overwrite a value.",
        ),
        (b"severity = 'off'", "qvr.toml:1: `severity` must be a table of codes with severities."),
        (b"\n\xff", "qvr.toml:2: A TOML file must be UTF-8 text."),
    ],
)
def test_a_file_that_cannot_be_read_leaves_the_defaults(text: bytes, warning: str) -> None:
    configuration = configuration_of(text, "qvr.toml")
    assert configuration is not None
    assert configuration.settings == Settings()
    assert configuration.warnings == (warning,)


def test_a_project_file_is_read_for_its_section_alone() -> None:
    assert configuration_of(b"[project]\nname = 'x'\n", "pyproject.toml") is None
    text = "[project]\nname = 'QVR402'\n[tool.qvr.severity]\nQVR404 = 'off'\nQVR402 = 'of'\n"
    assert read(text, "pyproject.toml") == (
        {"QVR404": None},
        [f"pyproject.toml:5: The severity of `QVR402` {LEVELS}, and is `of`."],
    )
    assert read("[tool]\nqvr = 3\n", "pyproject.toml") == (
        {},
        ["pyproject.toml:2: `tool.qvr` must be a table."],
    )
    assert read("[tool.qvr]\n", "pyproject.toml") == ({}, [])


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def test_the_nearest_file_counts_and_qvr_toml_goes_first(tmp_path: Path) -> None:
    model = tmp_path / "study" / "models" / "m.qvr"
    assert configuration_for(model).file is None
    top = written(tmp_path / "qvr.toml", "severity.QVR402 = 'off'")
    assert configuration_for(model).file == str(top)
    project = written(tmp_path / "study" / "pyproject.toml", "[project]\nname = 'qvr-study'\n")
    assert configuration_for(model).file == str(top)
    written(project, "[tool.qvr]\nseverity.QVR402 = 'hint'\n")
    assert configuration_for(model).file == str(project)
    near = written(tmp_path / "study" / "qvr.toml", "")
    assert configuration_for(model).file == str(near)
    near.unlink()
    near.mkdir()
    assert configuration_for(model).file == str(project)


def test_a_file_is_read_again_when_it_was_written(tmp_path: Path) -> None:
    file = written(tmp_path / "qvr.toml", "severity.QVR402 = 'off'")
    first = configuration_for(tmp_path / "m.qvr")
    assert configuration_for(tmp_path / "m.qvr") is first
    written(file, "severity.QVR404 = 'off'")
    os.utime(file, ns=(1, 1))
    assert dict(configuration_for(tmp_path / "m.qvr").settings.severities) == {"QVR404": None}
    file.unlink()
    assert configuration_for(tmp_path / "m.qvr").settings == Settings()


def check(folder: Path, configuration: str, model: str, *more: str) -> int:
    written(folder / "qvr.toml", configuration)
    return main(["check", *(str(written(folder / name, model)) for name in ("m.qvr", *more))])


def test_the_command_shows_the_severities_that_are_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(tmp_path, "[severity]\nQVR402 = 'error'\nQVR5xx = 'off'\nQVR7xx = 'off'\n", DOUBTFUL) == 1
    out = capsys.readouterr().out
    assert out.startswith("error[QVR402]")
    assert out.endswith("1 error in 1 file\n")


def test_a_comment_in_the_model_silences_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = DOUBTFUL.replace("0.0, spread)", "0.0, spread)  # qvr: ignore[QVR402]")
    assert check(tmp_path, "[severity]\nQVR5xx = 'off'\nQVR7xx = 'off'\n", model) == 0
    assert capsys.readouterr().out == "No problems in 1 file\n"


def test_a_bad_configuration_is_told_once_for_all_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bad = "[severity]\nQVR402 = 'of'\nQVR5xx = 'off'\nQVR7xx = 'off'\n"
    assert check(tmp_path, bad, "object A : FinSet 2\n", "n.qvr") == 0
    out = capsys.readouterr().out
    assert out.count("QVR190") == 1
    assert " --> qvr.toml:2:1\n" in out
    assert out.endswith("1 warning in 2 files\n")


def test_json_names_the_configuration_s_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path / "qvr.toml", "[severity]\nQVR402 = 'of'\n")
    model = written(tmp_path / "m.qvr", "object A : FinSet 2\n")
    assert main(["check", "--output-format", "json", str(model)]) == 0
    entry = json.loads(capsys.readouterr().out)[0]
    assert (entry["code"], entry["file"], entry["range"]["start"]) == (
        "QVR190",
        str(file),
        {"line": 1, "character": 0},
    )


@pytest.mark.parametrize("silenced", [True, False])
def test_an_error_that_is_hidden_still_stops_a_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], silenced: bool
) -> None:
    model = DOUBTFUL.replace("0.0, spread)", "0.0, -1.0)" + "  # qvr: ignore" * silenced)
    settings = "[severity]\nQVR5xx = 'off'\nQVR7xx = 'off'\n" + "QVR401 = 'off'\n" * (not silenced)
    assert check(tmp_path, settings, model) == 0
    assert capsys.readouterr().out == "No problems in 1 file\n"
    assert main(["run", str(tmp_path / "m.qvr")]) == 1
    assert "error[QVR401]" in capsys.readouterr().err


def test_a_warning_that_is_made_an_error_stops_a_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check(tmp_path, "[severity]\nQVR402 = 'error'\n", DOUBTFUL)
    capsys.readouterr()
    assert main(["run", str(tmp_path / "m.qvr")]) == 1
    assert "error[QVR402]" in capsys.readouterr().err


def test_without_a_file_no_toml_reader_is_loaded(tmp_path: Path) -> None:
    model = written(tmp_path / "m.qvr", DOUBTFUL)
    written(tmp_path / "pyproject.toml", "[project]\nname = 'study'\ndependencies = ['qvr']\n")
    code = "import sys; from quivers.cli import main; main(['check', sys.argv[1]]); print('tomllib' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(model)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "False"
