; A program is what elsewhere a function is: the whole of it, or its steps. A step is a statement.

(program_declaration) @function.outer
(program_declaration body: (block) @function.inner)
(marginalize_step) @block.outer
(marginalize_step body: (block) @block.inner)

[
  (object_declaration)
  (data_declaration)
] @class.outer

(parameter) @parameter.inner
(arguments (_) @parameter.inner)
(option) @parameter.inner

[
  (sample_step)
  (observe_step)
  (let_step)
  (marginalize_step)
  (score_step)
  (return_step)
] @statement.outer

(call) @call.outer
(call arguments: (arguments) @call.inner)

[
  (comment)
  (documentation)
] @comment.outer
