[
  (program_declaration)
  (marginalize_step)
] @fold
