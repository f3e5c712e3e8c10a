; Written from grammar/queries/indents.scm by editors/queries.py; change that one.

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
] @indent

[
  ")"
  "]"
] @outdent

; A block has no bracket at its end: what stands further right belongs to it.
[
  (program_declaration)
  (marginalize_step)
] @extend
