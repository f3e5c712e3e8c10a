; Where names are bound, and how far they are seen.

(program_declaration) @local.scope
(factor_expression) @local.scope
(scan_expression) @local.scope

(object_declaration name: (identifier) @local.definition.type)
(data_declaration name: (identifier) @local.definition.var)
((program_declaration name: (identifier) @local.definition.function)
  (#set! definition.function.scope "parent"))
(define_declaration name: (identifier) @local.definition.function)
(parameter name: (identifier) @local.definition.parameter)
(sample_step name: (identifier) @local.definition.var)
(marginalize_step name: (identifier) @local.definition.var)
(let_step name: (identifier) @local.definition.var)
(score_step name: (identifier) @local.definition.var)
(binder name: (identifier) @local.definition.parameter)
(scan_expression state: (identifier) @local.definition.parameter)

(identifier) @local.reference

; Not names of values: they look like one that is bound.
(keyword_argument keyword: (identifier) @_label)
(option name: (identifier) @_label)
(labelled_value label: (identifier) @_label)
