"""The grammars of QVR as data: qvr.lark, and the tree-sitter queries. Nothing here is run."""
