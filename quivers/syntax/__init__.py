"""From text to syntax: documents, positions, parsing, lowering, and syntax errors in words."""
