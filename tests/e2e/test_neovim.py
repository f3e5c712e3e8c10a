"""Models opened, edited and run in a real, headless Neovim with the plugin of `editors/neovim`."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parent.parent))
from editor_programs import program

ROOT = Path(__file__).resolve().parent.parent.parent
PLUGIN = ROOT / "editors/neovim"
EXAMPLES = ROOT / "examples/eight_schools"

pytestmark = pytest.mark.e2e

Seen = dict[str, Any]


def in_neovim(
    folder: Path, script: str, text: str, *, options: str = "{}", package: Path | None = None
) -> Seen:
    """What a script saw of a model with a text, in a Neovim that has nothing but the plugin.

    The plugin is on the runtime path, without a parser, or it is a `package` below the folder `site`.
    """
    model = folder / "schools.qvr"
    model.write_text(text, encoding="utf-8")
    shutil.copy(EXAMPLES / "centred.data.json", folder / "schools.data.json")
    (folder / "qvr.toml").touch()
    report = folder / "seen.json"
    servers = Path(program("qvr-lsp")).parent
    here = Path(__file__).parent
    environment = {
        **os.environ,
        "PATH": f"{servers}{os.pathsep}{os.environ['PATH']}",
        "QVR_SEEN": str(report),
        "QVR_SESSION": str(here / "neovim_session.lua"),
        **{f"XDG_{name}_HOME": str(folder / name.lower()) for name in ("STATE", "DATA", "CONFIG")},
    }
    if package is None:
        path = f"set runtimepath^={copied(folder / 'plugin')}"
    else:
        path = f"set packpath^={folder / 'site'}"
    command = [
        *(program("nvim"), "--headless", "--clean", "-n"),
        *("--cmd", path, "--cmd", f"lua vim.g.qvr = {options}"),
        *("-c", "lua vim.lsp.enable('qvr')"),
        *("-c", f"edit {model}"),
        *("-c", f"luafile {here / script}"),
    ]
    done = subprocess.run(command, env=environment, capture_output=True, timeout=240, check=False)
    assert report.exists(), done.stderr.decode()
    result: Seen = json.loads(report.read_text(encoding="utf-8"))
    assert "failure" not in result, result["failure"]
    return result


def copied(place: Path) -> Path:
    """A copy of the plugin as it is in the sources, without a parser that somebody has built into it."""
    return Path(shutil.copytree(PLUGIN, place, ignore=shutil.ignore_patterns("parser")))


def centred() -> str:
    return (EXAMPLES / "centred.qvr").read_text(encoding="utf-8")


def test_the_tags_of_the_help_are_those_of_its_text(tmp_path: Path) -> None:
    shutil.copytree(PLUGIN / "doc", tmp_path / "doc", ignore=shutil.ignore_patterns("tags"))
    command = [program("nvim"), "--headless", "--clean", "-c", f"helptags {tmp_path / 'doc'}", "-c", "qall"]
    subprocess.run(command, check=True, timeout=60)
    assert (PLUGIN / "doc/tags").read_text("utf-8") == (tmp_path / "doc/tags").read_text("utf-8")


# ------------------------------------------------------------------- editing


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """What a user sees in an afternoon with the eight schools, a misspelling in them."""
    text = centred()
    assert text.count(" Normal(mu, tau)") == 1
    text = text.replace(" Normal(mu, tau)", " Normol(mu, tau)")
    return in_neovim(tmp_path_factory.mktemp("neovim"), "neovim_editing.lua", text)


def test_the_file_is_known_and_the_server_attached_at_the_project_root(seen: Seen) -> None:
    assert seen["filetype"] == "qvr"
    assert seen["commentstring"] == "# %s"
    assert Path(seen["root"]).name.startswith("neovim")


def test_columns_are_counted_in_bytes_as_neovim_does(seen: Seen) -> None:
    assert seen["encoding"] == "utf-8"


def test_a_misspelt_family_is_marked_on_its_token_and_the_right_one_named(seen: Seen) -> None:
    [problem] = seen["before"]
    assert problem["token"] == "Normol"
    assert "Normal" in problem["message"]


def test_the_problem_goes_when_the_text_is_mended(seen: Seen) -> None:
    assert seen["after"] == []


def test_a_problem_is_on_its_token_right_of_wide_characters(seen: Seen) -> None:
    assert [problem["token"] for problem in seen["wide"]] == ["Scool"]


def test_hovers_show_the_types(seen: Seen) -> None:
    assert "School ⊗ Real" in seen["hover"]["theta"]
    assert "Real⁺" in seen["hover"]["tau"]
    assert "School ⊗ Real⁺" in seen["hover"]["sigma"]


def test_completion_offers_families_after_an_arrow_and_names_in_an_expression(seen: Seen) -> None:
    assert {"Normal", "HalfNormal"} <= {word.partition("(")[0] for word in seen["families"]}
    assert "tau" in seen["arguments"]
    assert "mu" not in seen["arguments"]


def test_the_signature_of_the_family_around_the_cursor_is_shown(seen: Seen) -> None:
    assert "Normal(" in seen["signature"]


def test_without_a_parser_the_server_colours_and_folds_and_all_folds_are_open(seen: Seen) -> None:
    kind, modifiers = seen["token"]
    assert kind == "variable"
    assert "latent" in modifiers
    assert seen["folds"] == {"expr": "v:lua.vim.lsp.foldexpr()", "closed": -1, "levels": [0, 1]}


def test_the_outline_names_the_declarations_and_the_steps(seen: Seen) -> None:
    names = " ".join(seen["symbols"])
    for name in ("School", "eight_schools_centred", "mu", "tau", "theta"):
        assert name in names


def test_a_new_name_is_given_wherever_the_old_one_stood(seen: Seen) -> None:
    assert "sample spread <- HalfNormal" in seen["renamed"]
    assert "Normal(mu, spread)" in seen["renamed"]
    assert "tau" not in seen["renamed"]


def test_the_layout_is_mended_by_line_and_for_the_file(seen: Seen) -> None:
    assert seen["formatexpr"] == "v:lua.vim.lsp.formatexpr()"
    assert seen["formatted_line"].endswith("<- Normal(mu, spread)")
    assert "<- Normal(mu, spread)\n" in seen["formatted"]


def test_the_code_action_rewrites_to_non_centred(seen: Seen) -> None:
    assert "let theta = mu + spread * " in seen["noncentred"], seen["actions"]


def test_the_program_can_be_run_from_its_lens(seen: Seen) -> None:
    assert seen["lenses"] == ["▶ Run eight_schools_centred"]


def test_signs_are_typed_and_lines_indented(seen: Seen) -> None:
    assert seen["typed"] == [
        "# ⊗ ← ⊗ →",
        "program q : School -> School",
        "    sample a ← Normal(0.0, 1.0)",
        "    return a",
        "export q",
    ]


def test_another_file_type_takes_everything_back(seen: Seen) -> None:
    assert seen["undone"] == ["", "manual", "", False]


def test_nothing_complains_while_one_edits(seen: Seen) -> None:
    assert "LSP[qvr]" not in seen["messages"]
    assert seen["said"] == []


# ------------------------------------------------------------------- running


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """What a user sees of runs who has lenses and inlay hints switched on."""
    folder = tmp_path_factory.mktemp("running")
    options = "{ inlay_hints = true, code_lenses = true }"
    return in_neovim(folder, "neovim_running.lua", centred(), options=options)


def test_a_run_from_the_lens_tells_how_far_it_is_in_the_statusline(ran: Seen) -> None:
    assert ran["status"]["idle"] == "QVR"
    assert ran["status"]["running"].startswith("QVR ")
    assert ran["status"]["running"].endswith(" % sampling")
    assert ran["status"]["cancelled"] == "QVR"


def test_draws_are_shown_while_they_are_made(ran: Seen) -> None:
    heading, _, titles, first, *_ = ran["live"].split("\n")
    assert heading.startswith("eight_schools_centred · so far, ")
    assert titles.split()[:2] == ["mean", "sd"]
    assert first.startswith("mu ")
    assert " % " in ran["live_hints"]["6"] or ran["live_hints"]["6"].endswith("%")


def test_programs_are_offered_after_the_command(ran: Seen) -> None:
    assert ran["programs"] == ["eight_schools_centred"]


def test_the_results_have_each_number_in_the_model_s_order_with_bars_and_intervals(ran: Seen) -> None:
    lines = ran["results"].split("\n")
    assert lines[0].startswith("eight_schools_centred · 4 × 500 draws · seed 1 · ")
    [titles] = [number for number, line in enumerate(lines) if line.split()[:3] == ["mean", "sd", "5"]]
    table = lines[titles + 1 :]
    assert [line.split()[0] for line in table] == ["mu", "tau", "theta", *(f"[{n}]" for n in range(1, 9))]
    assert table[0].split()[-1].strip("▁▂▃▄▅▆▇█") == ""
    assert all("●" in line and line.endswith("╴") for line in table[3:])


def test_posteriors_stand_at_the_end_of_their_lines(ran: Seen) -> None:
    assert "±" in ran["hints"]["6"]
    assert "R̂ 1." in ran["hints"]["6"]
    assert "8 × " in ran["hints"]["10"]


def test_the_lens_and_the_warnings_tell_of_the_run(ran: Seen) -> None:
    assert ran["lens"].startswith("▶ Run · last: R̂ ")
    assert "QVR801" in ran["codes"]


def test_an_edit_marks_the_results_as_stale(ran: Seen) -> None:
    assert "stale: the model has changed since this run" in ran["stale"]
    assert ran["stale_hint"].endswith("stale")


def test_a_result_leads_to_its_step(ran: Seen) -> None:
    assert ran["went_to"] == "theta"


def test_the_report_is_a_page_that_is_opened(ran: Seen) -> None:
    assert ran["report"]["uri"].startswith("file:///")
    assert "<html" in ran["report"]["text"]
    assert "eight_schools_centred" in ran["report"]["text"]


# ------------------------------------------------------------------- the server, and the rest


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """What a user sees whose server is killed, with the plugin installed as a package with its parser."""
    folder = tmp_path_factory.mktemp("package")
    package = copied(folder / "site/pack/packages/start/qvr")
    (package / "parser").mkdir()
    sources = [str(ROOT / "grammar/src" / name) for name in ("parser.c", "scanner.c")]
    flags = ["-shared", "-fPIC", "-O0", "-std=c11", "-I", str(ROOT / "grammar/src")]
    subprocess.run([program("cc"), *flags, *sources, "-o", str(package / "parser/qvr.so")], check=True)
    return in_neovim(folder, "neovim_server.lua", centred(), package=package)


def test_with_its_parser_tree_sitter_colours_and_folds(kept: Seen) -> None:
    assert kept["highlighter"]
    assert "variable" in kept["captures"]
    assert (kept["foldexpr"], kept["fold"]) == ("v:lua.vim.treesitter.foldexpr()", 1)


def test_a_killed_server_is_started_again_with_the_text_as_it_is_in_the_editor(kept: Seen) -> None:
    assert kept["without"] == "QVR ×"
    assert kept["new"]
    assert kept["status"] == "QVR"
    assert [problem["token"] for problem in kept["again"]] == ["Scool"]


def test_a_server_that_is_stopped_stays_down(kept: Seen) -> None:
    assert kept["stopped"]


def test_a_healthy_installation_has_a_clean_bill(kept: Seen) -> None:
    assert "qvr-lsp 0." in kept["health"]
    assert sys.executable.rpartition("/")[0] in kept["health"]
    assert "ABI 14" in kept["health"]
    for word in ("WARNING", "ERROR", "❌", "⚠"):
        assert word not in kept["health"]


def test_the_help_is_found(kept: Seen) -> None:
    assert {"qvr", "qvr-results", ":QvrRun"} <= set(kept["help"])


def test_what_is_wrong_is_told_with_what_to_do(kept: Seen) -> None:
    assert "no-such-qvr-lsp is not on the path of Neovim" in kept["unhealthy"]
    assert "pip install qvr" in kept["unhealthy"]
    assert "vim.g.qvr has no option inlay_hint" in kept["unhealthy"]
    said = [each["message"] for each in kept["said"]]
    assert any("the server does not run here; :checkhealth qvr" in message for message in said)


def test_the_posterior_is_beside_its_line_again_in_the_next_neovim(tmp_path: Path) -> None:
    first = in_neovim(tmp_path, "neovim_again.lua", centred(), options="{ inlay_hints = true }")
    shutil.rmtree(tmp_path / "plugin")
    again = in_neovim(tmp_path, "neovim_again.lua", centred(), options="{ inlay_hints = true }")
    assert "±" in first["hint"]
    assert again["hint"] == first["hint"]
