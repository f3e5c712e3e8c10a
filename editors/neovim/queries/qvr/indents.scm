; Where the lines below begin further right, and which brackets take them back.

[
  (program_declaration)
  (marginalize_step)
  (arguments)
  (options)
  (list)
  (parameters)
  (labelled_values)
  (tuple)
  (parenthesized_expression)
  (index)
] @indent.begin

[
  ")"
  "]"
] @indent.branch
