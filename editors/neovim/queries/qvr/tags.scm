; The names that a file gives to others, for outlines and searches over many files.

(object_declaration name: (identifier) @name) @definition.type
(data_declaration name: (identifier) @name) @definition.constant
(program_declaration name: (identifier) @name) @definition.function
(define_declaration name: (identifier) @name) @definition.function

(export_declaration name: (identifier) @name) @reference.call
(call function: (identifier) @name) @reference.call
(space name: (identifier) @name) @reference.type
(plate (identifier) @name) @reference.type
(binder object: (identifier) @name) @reference.type
