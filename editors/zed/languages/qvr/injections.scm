; Written from grammar/queries/injections.scm by editors/queries.py; change that one.

((comment) @injection.content
  (#set! injection.language "comment"))
