; Written from grammar/queries/textobjects.scm by editors/queries.py; change that one.

; A program is what elsewhere a function is: the whole of it, or its steps. A step is a statement.

(program_declaration) @function.around
(program_declaration body: (block) @function.inside)

[
  (object_declaration)
  (data_declaration)
] @class.around

[
  (comment)
  (documentation)
] @comment.around
