[
  (program_declaration)
  (marginalize_step)
  (arguments)
  (options)
  (parameters)
  (tuple)
] @indent.begin

[
  ")"
  "]"
] @indent.branch
