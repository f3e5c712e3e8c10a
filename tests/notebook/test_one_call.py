"""`quivers.fit`: the same posterior as the command's, in one call."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import quivers
from quivers.cli import main
from quivers.dsl import load
from quivers.errors import DataError, ProgramError, QvrError

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "examples/eight_schools/centred.qvr"
DATA = json.loads((MODEL.parent / "centred.data.json").read_text())
SHORT: dict[str, Any] = {"chains": 2, "warmup": 200, "draws": 100}


def means(**options: Any) -> list[float]:
    result = quivers.fit(**{"source": MODEL, "data": DATA, **SHORT, **options})
    return [row.mean for row in result.summary()]


def test_it_gives_the_draws_of_qvr_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    short = [word for name, count in SHORT.items() for word in (f"--{name}", str(count))]
    assert main(["run", str(MODEL), *short, "--output-format", "json"]) == 0
    told = [entry["mean"] for entry in json.loads(capsys.readouterr().out)["summary"].values()]
    assert told == pytest.approx(means(), rel=1e-12)


def test_a_file_its_text_and_a_loaded_program_are_one(tmp_path: Path) -> None:
    first = means()
    assert means(source=str(MODEL)) == first
    assert means(source=MODEL.read_text("utf-8")) == first
    assert means(source=load(MODEL)) == first
    assert means(data=None) == first
    assert means(data=MODEL.parent / "centred.data.json") == first
    assert means(seed=1) != first


def test_data_may_have_other_names() -> None:
    score, error = DATA["y"], DATA["sigma_j"]
    given = {"score": score, "error": error, "School": DATA.get("School", 8)}
    assert means(data=given, map={"y": "score", "sigma_j": "error"}) == means()
    with pytest.raises(
        DataError, match="The data have no `scor` that could be renamed; did you mean `score`"
    ):
        means(data=given, map={"y": "scor"})
    for wrong in ("y=score", {"y": 1}, ["y"]):
        with pytest.raises(QvrError, match="map must have names of the data by the program's, such as"):
            means(map=wrong)


def test_without_data_the_project_s_files_are_taken_as_the_command_takes_them(tmp_path: Path) -> None:
    shutil.copy(MODEL, tmp_path / "model.qvr")
    (tmp_path / "scores.json").write_text(json.dumps({"score": DATA["y"]}))
    (tmp_path / "errors.json").write_text(json.dumps({"sigma_j": DATA["sigma_j"]}))
    (tmp_path / "qvr.toml").write_text('data = ["scores.json", "errors.json"]\n[map]\ny = "score"\n')
    assert means(source=tmp_path / "model.qvr", data=None) == means()


def test_the_form_of_latents_is_chosen_unless_it_is_given() -> None:
    assert quivers.fit(MODEL, DATA, **SHORT).reparameterized
    assert not quivers.fit(MODEL, DATA, **SHORT, reparameterize=None).reparameterized


def test_a_program_may_be_named(tmp_path: Path) -> None:
    two = "program {}: A -> A\n    sample x : A <- Normal(0.0, 1.0)\n    return x\n"
    source = "object A : FinSet 2\n" + two.format("first ") + two.format("second ")
    result = quivers.fit(source, program="first", chains=1, warmup=20, draws=20)
    assert result.run.model.program.name == "first"
    with pytest.raises(QvrError, match="<program> has no program `third`, only `first`, `second`"):
        quivers.fit(source, program="third")


def test_each_fault_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="Normall"):
        quivers.fit(
            "object A : FinSet 2\nprogram p : A -> A\n    sample x : A <- Normall(0.0, 1.0)\n    return x\n"
        )
    with pytest.raises(QvrError, match=r"There is no file nowhere\.qvr in /"):
        quivers.fit("nowhere.qvr")
    with pytest.raises(DataError, match="sigma_j"):
        quivers.fit(MODEL, {"y": DATA["y"]})
    with pytest.raises(DataError, match=r"nowhere\.csv"):
        quivers.fit(MODEL, "nowhere.csv")
    with pytest.raises(QvrError, match=r"source must be a \.qvr file, its text or a loaded program, not int"):
        quivers.fit(3)  # type: ignore[arg-type]
    with pytest.raises(QvrError, match="algorithm must be"):
        quivers.fit(MODEL, DATA, algorithm="gibbs")


def test_without_data_beside_it_the_missing_inputs_are_named(tmp_path: Path) -> None:
    shutil.copy(MODEL, tmp_path / "alone.qvr")
    with pytest.raises(DataError, match="y"):
        quivers.fit(tmp_path / "alone.qvr")


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("", "source is an empty string"),
        ("\n", "source is an empty string"),
        (ROOT / "examples/eight_schools", r"is a directory: give a .qvr file, such as .*\.qvr"),
        (MODEL.parent / "centerd.qvr", r"did you mean .*centred\.qvr\?"),
        ("a\0b", "There is no file a␀b|can't be the name of a file"),
        ("x" * 5000, "x… can't be the name of a file"),
        ("C:\\models\\a.qvr", "There is no file C:"),
        (b"object A : FinSet 2", "not bytes"),
        (load(MODEL).morphism, "its .morphism: give what `load` gave"),
    ],
    ids=str,
)
def test_a_source_that_is_none_is_told(source: Any, sentence: str) -> None:
    with pytest.raises(QvrError, match=sentence) as told:
        quivers.fit(source, DATA)
    assert len(str(told.value)) < 300


def test_one_line_that_declares_something_is_a_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProgramError, match="There is no program in <program>"):
        quivers.fit("object A : FinSet 2")
    monkeypatch.chdir(tmp_path)
    shutil.copy(MODEL, "object A.qvr")
    assert quivers.fit("object A.qvr", DATA, **SHORT).seed == 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"seed": "a"}, "seed must be a whole number of at least 0, it is 'a'"),
        ({"seed": -1}, "seed must be a whole number of at least 0, it is -1"),
        ({"seed": 2**70}, "seed must be below 2⁶⁴"),
        ({"chains": 0}, "chains must be a whole number of at least 1, it is 0"),
        ({"chains": True}, "chains must be a whole number of at least 1, it is True"),
        ({"draws": 2.5}, "draws must be a whole number of at least 1, it is 2.5"),
        ({"warmup": None}, "warmup must be a whole number of at least 0, it is None"),
        ({"init": "zero"}, 'init must be one of "uniform", "prior", "pathfinder"'),
        ({"progress": "yes"}, "progress must be True, False or None"),
        ({"num_samples": 3}, "fit takes no `num_samples`: did you mean `draws`"),
        ({"tune": 3}, "did you mean `warmup`"),
        ({"sedd": 3}, "did you mean `seed`"),
        ({"device": "cuda"}, "fit takes no `device`: it samples on the processor's cores"),
        ({"zzz": 3}, "fit takes no `zzz`: it takes data, map, program, seed"),
        ({"data": {1: 2}}, "Names of data are strings, but one is 1"),
        ({"data": json.dumps(DATA)}, "data is a text"),
        ({"data": ""}, "data is an empty string"),
        ({"data": "a\0b.json"}, "cannot be read: embedded null byte"),
        ({"data": "~no-such-one/x.json"}, "data is '~no-such-one/x.json', which can't be the name of a file"),
        ({"data": [1, 2]}, "Data must be values by name or a data frame"),
    ],
    ids=str,
)
def test_an_argument_that_makes_no_sense_is_told_in_fit_s_own_words(
    options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(QvrError, match=sentence):
        quivers.fit(**{"source": MODEL, "data": DATA, **options})


def test_numpy_s_whole_numbers_count_as_such() -> None:
    counts = {name: np.int64(count) for name, count in SHORT.items()}
    assert means(seed=np.int32(3), **counts) == means(seed=3)


def test_problems_of_a_run_are_warned_of_at_the_caller_s_line() -> None:
    with pytest.warns(quivers.SamplingWarning) as told:
        result = quivers.fit(MODEL, DATA, chains=1, warmup=20, draws=20)
    [warning] = told
    assert str(warning.message).splitlines() == list(result.check())
    assert warning.filename == __file__


def test_ctrl_c_keeps_the_draws_made_so_far() -> None:
    code = f"""
import quivers, signal, threading, os, time, warnings
warnings.simplefilter("ignore")
usual = signal.default_int_handler
quivers.fit({str(MODEL)!r}, chains=1, warmup=100, draws=20)  # so that all is loaded and compiled
threading.Thread(target=lambda: (time.sleep(1), os.kill(os.getpid(), signal.SIGINT)), daemon=True).start()
result = quivers.fit({str(MODEL)!r}, chains=1, warmup=100, draws=1_000_000, target_accept=0.999)
print(result.cancelled, 0 < result.kept < 1_000_000, signal.getsignal(signal.SIGINT) is usual)
try:
    threading.Thread(target=lambda: os.kill(os.getpid(), signal.SIGINT), daemon=True).start()
    time.sleep(10)
except KeyboardInterrupt:
    print("usual")
"""
    heard = [sys.executable, "-c", f"import signal\nsignal.signal(2, signal.default_int_handler)\n{code}"]
    told = subprocess.run(heard, capture_output=True, text=True, check=True, cwd=ROOT)
    assert told.stdout.split() == ["True", "True", "True", "usual"]


def test_two_runs_at_once_give_what_each_gives_alone() -> None:
    alone = [means(seed=seed) for seed in (1, 2)]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda seed: means(seed=seed), (1, 2))) == alone


def test_an_error_that_a_library_led_to_names_the_caller_s_line() -> None:
    with pytest.raises(QvrError, match="can't be moved there") as told:
        load(MODEL).morphism.to("vulkan")  # by way of torch's own lines
    shown = "\n".join(told.value._render_traceback_())
    assert 'morphism.to("vulkan")' in shown
    assert "_apply" not in shown


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_processes_forked_after_a_run_make_theirs() -> None:
    code = """
import multiprocessing, sys, warnings
import torch, quivers
warnings.simplefilter("ignore")
torch.set_num_threads(2)  # a process on a single core has no threads to lose
source = '''object Item : FinSet 100
program items : Item -> Item
    sample theta : Item <- Normal(0.0, 1.0)
    observe y : Item <- Normal(theta, 1.0)
    return theta
'''
def mean(seed):
    # so many numbers that torch shares the work
    found = quivers.fit(source, {"y": [0.5] * 100}, seed=seed, chains=1, warmup=50, draws=500, progress=False)
    return found["theta"].values.mean()
if __name__ == "__main__":
    alone = mean(1)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        print(pool.map_async(mean, [1, 1]).get(timeout=60) == [alone, alone])
"""
    run = [sys.executable, "-c", code]
    told = subprocess.run(run, check=False, capture_output=True, text=True, cwd=ROOT)
    assert told.stdout == "True\n", told.stderr[-2000:]


def test_quivers_loads_nothing_until_it_is_asked() -> None:
    code = (
        "import sys, quivers; print([m for m in sys.modules if m.startswith(('quivers.', 'torch', 'numpy'))])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert told.stdout == "[]\n"
    assert dir(quivers) == sorted([*quivers.__all__, "__version__"])
    assert all(getattr(quivers, name).__doc__ for name in quivers.__all__)
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        _ = quivers.fitt  # type: ignore[attr-defined]
