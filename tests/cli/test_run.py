# ruff: noqa: E501 (a table of sentences)
"""`qvr run`: the posterior in both formats, and each way that it is refused."""

from __future__ import annotations

import io
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from quivers.cli import main

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "eight_schools"
SHORT = ["--chains", "2", "--warmup", "100", "--draws", "100"]
Y = [28, 8, -3, 7, -1, 1, 18, 12]
SIGMA = [15, 10, 16, 11, 9, 11, 10, 18]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The non-centred eight schools in a folder of their own, with their data."""
    for name in ("noncentred.qvr", "noncentred.data.json"):
        shutil.copy(EXAMPLES / name, tmp_path / name)
    return tmp_path / "noncentred.qvr"


@pytest.mark.slow
def test_the_posterior_of_the_eight_schools_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["run", str(EXAMPLES / "noncentred.qvr"), "--output-format", "json"])
    out, err = capsys.readouterr()
    assert (status, err) == (0, "")
    result = json.loads(out)
    assert list(result) == [
        "program", "seed", "chains", "warmup", "draws", "seconds", "divergences", "engine",
        "engine_reason", "problems", "summary", "left_out", "saved",
    ]  # fmt: skip
    assert (result["engine"], result["engine_reason"]) == ("kernel", None)
    assert result["program"] == "eight_schools_noncentred"
    assert [result[name] for name in ("seed", "chains", "warmup", "draws")] == [0, 4, 1000, 1000]
    assert list(result["seconds"]) == ["compile", "sample", "total"]
    assert 0 < result["seconds"]["sample"] < result["seconds"]["total"]
    summary = result["summary"]
    schools = range(1, 9)
    assert list(summary) == ["mu", "tau", *(f"eta[{i}]" for i in schools), *(f"theta[{i}]" for i in schools)]
    assert list(summary["tau"]) == [
        "mean", "sd", "q5", "q50", "q95", "ess_bulk", "ess_tail", "mcse_mean", "r_hat",
    ]  # fmt: skip
    for name, mean in (("mu", 4.44), ("tau", 3.31), ("theta[1]", 5.94)):
        assert abs(summary[name]["mean"] - mean) < 4 * summary[name]["mcse_mean"] + 0.005
    assert summary["tau"]["sd"] == pytest.approx(2.49, rel=0.1)
    assert all(row["r_hat"] < 1.01 for row in summary.values())
    assert result["divergences"] <= 4
    assert result["problems"] == []


def test_text_shows_type_inputs_table_and_divergences(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(model), *SHORT, "--seed", "3"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0] == "eight_schools_noncentred : School -> School ! {Sample, Score}"
    assert set(lines[1].removeprefix("inputs   ").split(", ")) == {
        "y : School ⊗ Real",
        "sigma_j : School ⊗ Real⁺",
    }
    assert lines[2:5] == [
        "sizes    School 8",
        f"data     {model.with_suffix('.data.json')}",
        "run      2 chains of 100 warm-up and 100 kept draws, seed 3",
    ]
    header = lines[6].split()
    assert header == ["mean", "sd", "5%", "50%", "95%", "ess_bulk", "ess_tail", "mcse", "r_hat"]
    assert [line.split()[0] for line in lines[7:10]] == ["mu", "tau", "eta[1]"]
    assert any(" in 200 draws of seed 3; compile " in line for line in lines)
    assert lines[-1].startswith(("warning: ", "no problem found"))
    assert err == ""  # nobody wants the progress of a run of a moment in a log


def test_quiet_shows_no_progress(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(model), *SHORT, "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_a_seed_gives_the_same_run_again_and_another_seed_another(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summaries = []
    for seed in ("7", "7", "8"):
        assert main(["run", str(model), *SHORT, "--seed", seed, "--output-format", "json"]) == 0
        summaries.append(json.loads(capsys.readouterr().out)["summary"])
    assert summaries[0] == summaries[1]
    assert summaries[0] != summaries[2]


@pytest.mark.parametrize(
    "options",
    [
        ["--algorithm", "hmc"],
        ["--max-tree-depth", "2"],
        ["--mass-matrix", "dense"],
        ["--mass-matrix", "low_rank"],
        ["--mass-matrix", "identity"],
        ["--thin", "3"],
        ["--target-accept", "0.6"],
    ],
    ids=" ".join,
)
def test_each_option_changes_the_run(
    model: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    def means(*more: str) -> list[float]:
        assert main(["run", str(model), *SHORT, "--output-format", "json", *more]) == 0
        return [row["mean"] for row in json.loads(capsys.readouterr().out)["summary"].values()]

    assert means(*options) != means()


def test_a_thinned_run_says_so(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(model), *SHORT, "--thin", "3"]) == 0
    assert "100 warm-up and 100 kept draws, one of 3, seed 0" in capsys.readouterr().out


def test_chains_may_start_at_draws_from_the_prior(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Torch makes these draws; the kernel goes on from them."""
    assert main(["run", str(model), *SHORT, "--output-format", "json", "--init", "prior"]) == 0
    assert json.loads(capsys.readouterr().out)["engine"] == "kernel"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--thin", "0"], "`--thin` is a whole number from 1 to 1000000, not `0`."),
        (["--max-tree-depth", "21"], "`--max-tree-depth` is a whole number from 1 to 20, not `21`."),
        (["--target-accept", "1"], "`--target-accept` lies between 0 and 1, as 0.95 does, not `1`."),
        (["--algorithm", "gibbs"], "`--algorithm` is nuts or hmc, not `gibbs`."),
        (["--mass-matrix", "full"], "`--mass-matrix` is diagonal, dense, identity or low_rank, not `full`."),
        (["--init", "value"], "`--init` is uniform, prior or pathfinder, not `value`."),
        (["--algorithm", "hmc", "--max-tree-depth", "5"], "HMC builds no trees: leave --max-tree-depth out"),
    ],
)
def test_an_option_that_cannot_be_is_refused(
    model: Path, capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
) -> None:
    assert main(["run", str(model), *options]) != 0
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err


def test_what_does_not_exist_is_null_in_json(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--chains", "1", "--warmup", "20", "--draws", "2", "--output-format", "json"]
    assert main(["run", str(model), *arguments]) == 0
    row = json.loads(capsys.readouterr().out)["summary"]["mu"]
    assert row["r_hat"] is None
    assert row["mean"] is not None


def test_the_program_to_run_may_be_named(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = model.read_text().replace("export eight_schools_noncentred", "")
    model.write_text(
        text
        + "\nprogram flat : School -> School\n    sample mu : School <- Normal(0.0, 1.0)\n    return mu\n"
    )
    assert main(["run", str(model), *SHORT, "--program", "eight_schools_noncentred"]) == 0
    assert capsys.readouterr().out.startswith("eight_schools_noncentred : ")
    assert main(["run", str(model), "--program", "other"]) == 2
    assert "has no program `other`, only `eight_schools_noncentred`, `flat`." in capsys.readouterr().err


def refusal(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one error that a run is refused with; the same in JSON."""
    assert main(["run", *arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    (told,) = [line for line in err.splitlines() if line.startswith("error")]
    assert main(["run", *arguments, "--output-format", "json"]) == 1
    out, err = capsys.readouterr()
    assert err == ""
    (entry,) = json.loads(out)["diagnostics"]
    assert told == f"error[{entry['code']}]: {entry['message']}"
    return told


BAD_DATA: list[tuple[Any, str]] = [
    ({"y": Y}, "error[QVR601]: {data}: The data have no `sigma_j`, which is `School ⊗ Real⁺`."),
    ({"y": Y, "sigma": SIGMA}, "error[QVR601]: {data}: The data have no `sigma_j`, which is `School ⊗ Real⁺`; `sigma` is in the data: did you mean it?"),
    ({"y": [*Y, 1], "sigma_j": SIGMA}, "error[QVR602]: {data}: `y` has 9 values, but `School` has 8, as the program says: `object School : FinSet` lets the data give its size."),
    ({"y": [Y, Y], "sigma_j": SIGMA}, "error[QVR604]: {data}: `y` has 2 dimensions (2 × 8), but `School ⊗ Real` has 1."),
    ({"y": [Y, [1]], "sigma_j": SIGMA}, "error[QVR605]: {data}: `y` is ragged: row 2 has 1 value, but row 1 has 8."),
    ({"y": Y, "sigma_j": [15, 10, -16, 11, 9, 11, 10, 18]}, "error[QVR608]: {data}: `sigma_j` must be positive: row 3 of `School` is -16."),
    ({"y": Y, "sigma_j": [15, 10, 0, 11, 9, 11, 10, 18]}, "error[QVR608]: {data}: `sigma_j` must be positive: row 3 of `School` is 0."),
    ({"y": [28, math.nan, *Y[2:]], "sigma_j": SIGMA}, "error[QVR607]: {data}: `y` must be finite: row 2 of `School` is NaN."),
    ({"y": [28, -math.inf, *Y[2:]], "sigma_j": SIGMA}, "error[QVR607]: {data}: `y` must be finite: row 2 of `School` is -infinite."),
    ({"y": ["28", *Y[1:]], "sigma_j": SIGMA}, 'error[QVR606]: {data}: `y` must be numbers: row 1 of `School` is the text "28".'),
    ({"y": [None, *Y[1:]], "sigma_j": SIGMA}, "error[QVR606]: {data}: `y` has 1 missing value: row 1 of `School`; `[where=…]` on its `observe` would leave it out."),
    ({"y": [True, *Y[1:]], "sigma_j": SIGMA}, "error[QVR606]: {data}: `y` must be numbers: row 1 of `School` is true."),
    ([Y, SIGMA], "error[QVR600]: {data} holds a list at the top, where names with values belong"),
    (b'{"y": [1,', "error[QVR600]: {data} is not valid JSON: line 1, column 10: expecting value."),
    (b"", "error[QVR600]: {data} is empty: it should hold a JSON object"),
    (b"\xff", "error[QVR600]: {data} is not UTF-8 text: byte 1 is 0xFF."),
    (b'{"y": [1], "y": [2]}', "error[QVR600]: {data} gives `y` twice."),
]  # fmt: skip


@pytest.mark.parametrize(("content", "sentence"), BAD_DATA, ids=[bad[1] for bad in BAD_DATA])
def test_bad_data_is_one_sentence_that_names_file_input_and_row(
    model: Path, content: Any, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = model.with_name("bad.json")
    data.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    told = refusal([str(model), "--data", str(data)], capsys)
    assert told.startswith(sentence.format(data=data))


def test_a_near_name_of_the_data_comes_with_the_option_that_takes_it(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model.with_suffix(".data.json").write_text(json.dumps({"y": Y, "the sigma_j": SIGMA}))
    assert main(["run", str(model)]) == 1
    assert "= hint: `--map 'sigma_j=the sigma_j'` takes it from there." in capsys.readouterr().err


def test_misfits_of_several_inputs_are_told_together(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = model.with_suffix(".data.json")
    data.write_text(json.dumps({"y": Y[:7], "sigma_j": [-1, *SIGMA[1:]]}))
    assert main(["run", str(model)]) == 1
    err = capsys.readouterr().err
    assert (
        "`y` has 7 values, but `School` has 8, as the program says: `object School : FinSet` lets the data give its size."
        in err
    )
    assert "`sigma_j` must be positive: row 1 of `School` is -1." in err
    assert f"{model}:" in err
    assert err.endswith("2 errors in 1 file\n")


def test_missing_data_files_are_named(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = model.with_suffix(".data.json")
    data.unlink()
    told = refusal([str(model)], capsys)
    assert told.startswith(f"error[QVR600]: {data} does not exist: put `")
    assert told.endswith("there, or name a file with --data.")
    assert refusal([str(model), "--data", "none.json"], capsys) == "error[QVR600]: none.json does not exist."
    told = refusal([str(model), "--data", str(model.parent)], capsys)
    assert "is a directory without data files: their names end in .json, .csv" in told


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "{model} does not exist"),
        (b"\xff\xfe", "{model} is not UTF-8 text"),
        (b"object School : FinSet 8\n", "{model} has no program to run"),
    ],
    ids=str,
)
def test_bad_programs_are_one_sentence(
    model: Path, content: bytes | None, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is None:
        model.unlink()
    else:
        model.write_bytes(content)
    assert sentence.format(model=model) in refusal([str(model)], capsys)


def test_a_program_with_errors_is_refused_with_them(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model.write_text(model.read_text().replace("HalfNormal(5.0)", "HalfNormall(5.0)"))
    told = refusal([str(model)], capsys)
    assert "HalfNormall" in told


def test_a_program_without_inputs_needs_no_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "prior.qvr"
    file.write_text(
        "object Point : FinSet 1\nprogram prior : Point -> Point\n    sample mu : Point <- Normal(0.0, 1.0)\n    return mu\n"
    )
    assert main(["run", str(file), *SHORT, "--quiet"]) == 0
    assert "\nmu[1] " in capsys.readouterr().out


def test_a_program_from_standard_input_runs_with_named_data(
    model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(model.read_bytes())))
    data = str(model.with_suffix(".data.json"))
    assert main(["run", "-", "--data", data, *SHORT, "--quiet"]) == 0
    assert "\ntau " in capsys.readouterr().out


def test_ctrl_c_during_a_run_is_one_line_and_status_130(model: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "quivers.cli", "run", str(model), "--draws", "1000000"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    while "kept draws" not in process.stdout.readline():
        assert process.poll() is None
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert err.splitlines()[-1] == "error: Interrupted."
    assert "Traceback" not in err


def test_a_let_over_many_rows_is_named_and_kept_on_demand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "rows.qvr"
    model.write_text(
        "object Row : FinSet\nprogram rows : Row -> Real [effects=[Sample, Score]]\n"
        "    sample a <- Normal(0.0, 1.0)\n    let m = a * x\n"
        "    observe y : Row <- Normal(m, 1.0)\n    return a\nexport rows\n"
    )
    rows = [i / 1200 for i in range(1200)]
    (tmp_path / "rows.data.json").write_text(json.dumps({"x": rows, "y": rows}))
    short = ["run", str(model), "--no-save", *SHORT]
    assert main(short) == 0
    out = capsys.readouterr().out
    assert "m : 1,200 numbers, not worked out (--keep m)" in out
    assert main([*short, "--keep", "m", "--drop", "a"]) == 0
    out = capsys.readouterr().out
    assert "m[1] " in out
    assert "\na " not in out
    assert main([*short, "--keep", "mm"]) == 1
    assert "`rows` has no latent or let `mm`. Did you mean `m`?" in capsys.readouterr().err
