"""The QVR grammar for py-tree-sitter: `tree_sitter.Language(tree_sitter_qvr.language())`."""

from importlib.resources import files

from tree_sitter_qvr._parser import language

HIGHLIGHTS_QUERY: str
LOCALS_QUERY: str
INJECTIONS_QUERY: str
TAGS_QUERY: str

_QUERIES = {f"{name.upper()}_QUERY": name for name in ("highlights", "locals", "injections", "tags")}


def __getattr__(name: str) -> str:
    """The text of a query, read when it is asked for."""
    if name not in _QUERIES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    query = files("tree_sitter_qvr.queries").joinpath(f"{_QUERIES[name]}.scm")
    return query.read_text(encoding="utf-8")


__all__ = ["HIGHLIGHTS_QUERY", "INJECTIONS_QUERY", "LOCALS_QUERY", "TAGS_QUERY", "language"]
