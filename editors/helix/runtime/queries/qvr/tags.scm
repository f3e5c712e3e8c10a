; Written from grammar/queries/tags.scm by editors/queries.py; change that one.

; The names that a file gives to others, for outlines and searches over many files.

(object_declaration name: (identifier) @name) @definition.type
(data_declaration name: (identifier) @name) @definition.constant
(program_declaration name: (identifier) @name) @definition.function
(define_declaration name: (identifier) @name) @definition.function
