; Written from grammar/queries/locals.scm by editors/queries.py; change that one.

; Where names are bound, and how far they are seen.

(program_declaration) @local.scope
(factor_expression) @local.scope
(scan_expression) @local.scope

(object_declaration name: (identifier) @local.definition.type)
(data_declaration name: (identifier) @local.definition.variable)
((program_declaration name: (identifier) @local.definition.function))
(define_declaration name: (identifier) @local.definition.function)
(parameter name: (identifier) @local.definition.variable.parameter)
(sample_step name: (identifier) @local.definition.variable)
(marginalize_step name: (identifier) @local.definition.variable)
(let_step name: (identifier) @local.definition.variable)
(score_step name: (identifier) @local.definition.variable)
(binder name: (identifier) @local.definition.variable.parameter)
(scan_expression state: (identifier) @local.definition.variable.parameter)

(identifier) @local.reference

; Not names of values: they look like one that is bound.
(keyword_argument keyword: (identifier) @_label)
(option name: (identifier) @_label)
(labelled_value label: (identifier) @_label)
