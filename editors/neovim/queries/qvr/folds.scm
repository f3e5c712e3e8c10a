; What can be folded away.

[
  (program_declaration)
  (marginalize_step)
] @fold
