"""The density graph as machine code: fused loops in generated Python, compiled by LLVM, kept on disk."""
