; Where brackets close by themselves and where not.

[
  (comment)
  (documentation)
] @comment.inclusive
