"""Write each editor's copy of the tree-sitter queries from the one original in `grammar/queries`.

The originals use Neovim's names of captures. `python editors/queries.py` writes the copies; a test compares
them. Needs nothing but the standard library.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

EDITORS = Path(__file__).resolve().parent
ORIGINALS = EDITORS.parent / "grammar" / "queries"

# What a capture of the originals is called elsewhere; None where the editor has no use for it, nor for the
# pattern.
Names = Mapping[str, str | None]

_HELIX_COLOURS: Names = {
    "number": "constant.numeric",
    "comment": "comment.line",
    "comment.documentation": "comment.line.documentation",
    "keyword.return": "keyword.control.return",
    "keyword.conditional": "keyword.control.conditional",
    "type.definition": "type",
    "function.call": "function",
    "property": "variable.other.member",
}
_HELIX_NAMES: Names = {
    "local.definition.var": "local.definition.variable",
    "local.definition.parameter": "local.definition.variable.parameter",
}
_HELIX_OBJECTS: Names = {
    "function.inner": "function.inside",
    "function.outer": "function.around",
    "class.outer": "class.around",
    "parameter.inner": "parameter.inside",
    "comment.outer": "comment.around",
    "statement.outer": "entry.around",
    "block.inner": None,
    "block.outer": None,
    "call.inner": None,
    "call.outer": None,
}
_HELIX_TAGS: Names = {"reference.call": None, "reference.type": None}
_HELIX_INDENTS: Names = {"indent.begin": "indent", "indent.branch": "outdent"}
_HELIX_BLOCKS = """
; A block has no bracket at its end: what stands further right belongs to it.
[
  (program_declaration)
  (marginalize_step)
] @extend
"""
_ZED_COLOURS: Names = {
    "comment.documentation": "comment.doc",
    "keyword.return": "keyword",
    "keyword.conditional": "keyword",
    "keyword.operator": "keyword",
    "type.definition": "type",
    "function.call": "function",
}
_ZED_OBJECTS: Names = {
    **dict.fromkeys(_HELIX_OBJECTS),
    "function.inner": "function.inside",
    "function.outer": "function.around",
    "class.outer": "class.around",
    "comment.outer": "comment.around",
}
# Emacs colours the first match, so its patterns stand in the opposite order, by feature; of the features,
# the later ones are shown at higher levels of `treesit-font-lock-level`.
_EMACS_FACES = {
    "comment": ("comment", "font-lock-comment-face"),
    "comment.documentation": ("comment", "font-lock-doc-face"),
    "keyword": ("keyword", "font-lock-keyword-face"),
    "keyword.return": ("keyword", "font-lock-keyword-face"),
    "keyword.conditional": ("keyword", "font-lock-keyword-face"),
    "keyword.operator": ("keyword", "font-lock-keyword-face"),
    "type": ("type", "font-lock-type-face"),
    "type.definition": ("type", "font-lock-type-face"),
    "type.builtin": ("type", "font-lock-type-face"),
    "constant": ("constant", "font-lock-constant-face"),
    "constructor": ("function", "font-lock-function-call-face"),
    "function": ("definition", "font-lock-function-name-face"),
    "function.call": ("function", "font-lock-function-call-face"),
    "property": ("property", "font-lock-property-use-face"),
    "variable.parameter": ("definition", "font-lock-variable-name-face"),
    "number": ("number", "font-lock-number-face"),
    "operator": ("operator", "font-lock-operator-face"),
    "punctuation.bracket": ("bracket", "font-lock-bracket-face"),
    "punctuation.delimiter": ("delimiter", "font-lock-delimiter-face"),
    "variable": ("variable", "font-lock-variable-use-face"),
}

_EMACS_ORDER = (
    *("comment", "keyword", "definition", "type", "constant", "number", "function", "property"),
    *("operator", "bracket", "delimiter", "variable"),
)

_TOKEN = re.compile(r';[^\n]*|"(?:[^"\\]|\\.)*"|@[\w.-]+|[()\[\]]|[^\s()\[\]";@]+')
_CAPTURE = re.compile(r'("(?:[^"\\]|\\.)*"|;[^\n]*)|@([\w.-]+)')
_COUNTED = re.compile(r'("(?:[^"\\]|\\.)*"|[)\]])([?*+])?')
_NEOVIM_ALONE = re.compile(r"\n *\(#set! definition\.[^)]*\)")


def main() -> None:
    """Write every copy."""
    for path, text in copies().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def copies() -> dict[Path, str]:
    """Every derived file with what it must hold."""
    files = {}
    for folder, queries in _COPIES.items():
        for name, change in queries.items():
            original = (ORIGINALS / f"{name}.scm").read_text(encoding="utf-8")
            mark = "" if change is _SAME else f"; {_marked(name)}\n\n"
            files[EDITORS / folder / f"{name}.scm"] = mark + change(original)
    brackets = (ORIGINALS / "brackets.scm").read_text(encoding="utf-8")
    files[EDITORS / "zed/languages/qvr/indents.scm"] = f"; {_marked('brackets')}\n\n{_zed_indents(brackets)}"
    colours = (ORIGINALS / "highlights.scm").read_text(encoding="utf-8")
    files[EDITORS / "emacs" / "qvr-ts-queries.el"] = _emacs(colours)
    return files


def patterns(text: str) -> Iterator[tuple[int, int]]:
    """Where each pattern of a query begins and ends, with the captures behind it."""
    depth, start, end = 0, -1, -1
    for token in _TOKEN.finditer(text):
        word = token.group()
        if word.startswith(";"):
            continue
        if depth == 0 and not word.startswith("@"):
            if end >= 0:
                yield start, end
            start = token.start()
        depth += (word in "([") - (word in ")]")
        end = token.end()
    if end >= 0:
        yield start, end


def renamed(text: str, names: Names) -> str:
    """The query with an editor's names of captures, without the patterns that it has no use for."""
    kept, at = [], 0
    for start, end in patterns(text):
        pattern = text[start:end]
        kept.append(text[at:start])
        if all(names.get(capture, "") is not None for capture in captures(pattern)):
            kept.append(_CAPTURE.sub(lambda found: found[1] or f"@{names.get(found[2], found[2])}", pattern))
        at = end
    return re.sub(r"\n{3,}", "\n\n", "".join(kept) + text[at:]).rstrip() + "\n"


def captures(text: str) -> list[str]:
    """The names of the captures of a query, in order."""
    return [found[2] for found in _CAPTURE.finditer(text) if found[2] is not None]


def _marked(name: str) -> str:
    return f"Written from grammar/queries/{name}.scm by editors/queries.py; change that one."


def _zed_indents(brackets: str) -> str:
    """Zed indents between brackets alone; blocks are for the patterns of its config.toml."""
    pairs = re.findall(r'\(("[^"]+") @open ("[^"]+") @close\)', brackets)
    return "".join(f"(_ {opening} {closing} @end) @indent\n" for opening, closing in pairs)


def _emacs(colours: str) -> str:
    """The colours as an Emacs Lisp list of features, each with its patterns."""
    features: dict[str, list[str]] = {}
    for start, end in reversed(list(patterns(colours))):
        pattern = re.sub(r"\s+", " ", colours[start:end])
        feature = next(_EMACS_FACES[name][0] for name in captures(pattern) if name in _EMACS_FACES)
        pattern = _CAPTURE.sub(lambda found: found[1] or f"@{_face(found[2])}", pattern)
        features.setdefault(feature, []).append(_emacs_predicates(pattern))
    ordered = sorted(features.items(), key=lambda item: _EMACS_ORDER.index(item[0]))
    lists = "\n".join(
        f"    ({feature}\n" + "\n".join(f"     {pattern}" for pattern in found) + ")"
        for feature, found in ordered
    )
    return _EMACS_FILE.format(mark=_marked("highlights"), lists=lists.lstrip())


def _face(name: str) -> str:
    return name if name.startswith("_") else _EMACS_FACES[name][1]


def _emacs_predicates(pattern: str) -> str:
    def any_of(found: re.Match[str]) -> str:
        words = "\\\\|".join(re.findall(r'"([^"]*)"', found[2]))
        return f'(:match "\\\\`\\\\(?:{words}\\\\)\\\\\'" {found[1]})'

    pattern = _COUNTED.sub(lambda found: f"{found[1]} :{found[2]}" if found[2] else found[1], pattern)
    pattern = re.sub(r"\(#any-of\? (@\S+) ([^)]*)\)", any_of, pattern)
    return re.sub(r"\(#eq\? (@\S+) (\"[^\"]*\")\)", r"(:equal \1 \2)", pattern)


_SAME = str
_COPIES: Mapping[str, Mapping[str, Callable[[str], str]]] = {
    "neovim/queries/qvr": dict.fromkeys(
        ("highlights", "locals", "folds", "indents", "textobjects", "injections"), _SAME
    ),
    "helix/runtime/queries/qvr": {
        "highlights": lambda text: renamed(text, _HELIX_COLOURS),
        "locals": lambda text: renamed(_NEOVIM_ALONE.sub("", text), _HELIX_NAMES),
        "indents": lambda text: renamed(text, _HELIX_INDENTS) + _HELIX_BLOCKS,
        "textobjects": lambda text: renamed(text, _HELIX_OBJECTS),
        "tags": lambda text: renamed(text, _HELIX_TAGS),
        "injections": _SAME,
    },
    "zed/languages/qvr": {
        "highlights": lambda text: renamed(text, _ZED_COLOURS),
        "textobjects": lambda text: renamed(text, _ZED_OBJECTS),
        "brackets": _SAME,
        "outline": _SAME,
        "injections": _SAME,
    },
}
_EMACS_FILE = """;;; qvr-ts-queries.el --- Colours of QVR's tree-sitter mode  -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; {mark}

;;; Code:

(defconst qvr-ts-queries
  '({lists})
  "By feature, the patterns of `qvr-ts-mode', with faces for captures.")

(provide 'qvr-ts-queries)
;;; qvr-ts-queries.el ends here
"""

if __name__ == "__main__":
    main()
