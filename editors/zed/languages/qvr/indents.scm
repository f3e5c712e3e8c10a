; Written from grammar/queries/brackets.scm by editors/queries.py; change that one.

(_ "(" ")" @end) @indent
(_ "[" "]" @end) @indent
