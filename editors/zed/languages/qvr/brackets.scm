; Written from grammar/queries/brackets.scm by editors/queries.py; change that one.

; Brackets that belong together.

("(" @open ")" @close)
("[" @open "]" @close)
