; Written from grammar/queries/folds.scm by editors/queries.py; change that one.

; What can be folded away.

[
  (program_declaration)
  (marginalize_step)
] @fold
