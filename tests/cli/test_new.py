"""`qvr new`: each template checks clean, is formatted, and its run has nothing to complain of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from quivers.cli import main
from quivers.templates import TEMPLATES, program_text, renamed
from quivers.templates.simulate import TRUTHS


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_is_clean_and_its_run_healthy(
    template: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", template, "study"]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["study.data.csv", "study.qvr"]
    assert main(["fmt", "--check", "study.qvr"]) == 0
    capsys.readouterr()
    assert main(["check", "study.qvr", "--output-format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["run", "study.qvr", "--output-format", "json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["program"], result["problems"], result["divergences"]) == ("study", [], 0)
    for name, truth in TRUTHS[template].items():  # 3 sd: one right figure of 400 lies farther off
        figures = result["summary"][name]
        assert abs(figures["mean"] - truth) < 3.0 * figures["sd"], name


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_command_takes_a_template(
    template: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", template, "study"]) == 0
    capsys.readouterr()
    assert main(["prior", "study.qvr", "--draws", "100", "--json"]) == 0
    prior = json.loads(capsys.readouterr().out)
    assert prior["problems"] == []
    assert "observed" in {entry["role"] for entry in prior["sites"].values()}
    main(["sbc", "study.qvr", "--replicates", "2", "--draws", "9", "--json", "--quiet"])
    study = json.loads(capsys.readouterr().out)
    assert (study["made"], study["failed"]) == (2, [])
    short = ["--chains", "2", "--warmup", "100", "--draws", "20", "--quiet"]
    assert main(["predict", "study.qvr", "--new", "study.data.csv", *short, "--format", "csv"]) == 0
    rows = len(Path("study.data.csv").read_text().splitlines()) - 1
    assert len(capsys.readouterr().out.splitlines()) % rows == 1
    for form in ("svg", "dot", "mermaid", "text"):
        assert main(["plate", "study.qvr", "--format", form]) == 0
    capsys.readouterr()


def test_a_template_has_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "mixture", "study"]) == 0
    short = ["--chains", "2", "--warmup", "100", "--draws", "20", "--quiet"]
    assert main(["report", "study.qvr", *short]) == 0
    assert "<svg" in Path("study.html").read_text("utf-8")


def test_each_template_documents_its_objects_latents_and_program() -> None:
    for template in TEMPLATES:
        lines = program_text(template).splitlines()
        starts = ("object ", "program ", "    sample ")
        bare = [
            line for before, line in zip(["", *lines], lines, strict=False)
            if line.startswith(starts) and not before.strip().startswith("##")
        ]  # fmt: skip
        assert bare == [], template


def test_the_same_seed_gives_the_same_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        assert main(["new", "irt", name, "--seed", seed]) == 0
    a, b, c = (Path(f"{name}.data.csv").read_bytes() for name in "abc")
    assert a == b != c


def test_alone_it_lists_the_templates(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(TEMPLATES)


@pytest.mark.parametrize("taken", ["study.qvr", "study.data.csv"])
def test_nothing_is_written_over(
    taken: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(taken).write_text("mine")
    assert main(["new", "mixture", "study"]) == 1
    assert f"{taken} is there already, and is left as it is: choose another name." in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [taken]
    assert Path(taken).read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["hierarchicl", "m"], 2, "No template is called `hierarchicl`. Did you mean `hierarchical`?"),
        (
            ["regresion"],
            2,
            "error: No template is called `regresion`. Did you mean the template "
            "`regression`? "
            "`qvr new regression regresion.qvr` makes a file of that name.\n",
        ),
        (["Mixtures"], 2, "Did you mean the template `mixture`?"),
        (["poisson", "m"], 2, "No template is called `poisson`. There are regression, hierarchical, "),
        (["mixture", "nowhere/m"], 1, "m.qvr cannot be written: there is no folder nowhere."),
    ],
    ids=str,
)
def test_what_cannot_be_written_is_said(
    arguments: list[str], status: int, sentence: str, tmp_path: Path,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(["new", *arguments]) == status
    assert sentence in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_name_alone_takes_the_first_template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "study.qvr"]) == 0
    assert "export study\n" in Path("study.qvr").read_text()
    assert main(["new", "survival"]) == 0
    assert main(["new", "regresion.qvr"]) == 0  # a file's name, as it says
    assert "export survival\n" in Path("survival.qvr").read_text()


@pytest.mark.parametrize(
    ("name", "program"),
    [("my study", "my_study"), ("2 schools", "model_2_schools"), ("level", "level_model"),
     ("let", "let_model"), ("Ä", "Ä"), ("Pupil", "Pupil_model"), ("…", "hierarchical"), ("if", "if_model")],
)  # fmt: skip
def test_the_program_is_called_as_its_file_where_it_can(
    name: str,
    program: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "hierarchical", name]) == 0
    assert f"export {program}\n" in Path(f"{name}.qvr").read_text("utf-8")
    assert main(["check", f"{name}.qvr"]) == 0
    assert capsys.readouterr().out.endswith("No problems in 1 file\n")


def test_only_the_program_s_own_name_changes() -> None:
    before, after = program_text("regression"), renamed(program_text("regression"), "regression", "p")
    assert after == before.replace("program regression", "program p").replace("export regression", "export p")
