"""The density graph as machine code: fused loops in generated Python, compiled by numba, kept on disk."""
