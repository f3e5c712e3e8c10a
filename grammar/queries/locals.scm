(program_declaration) @local.scope
(factor_expression) @local.scope
(scan_expression) @local.scope

(object_declaration name: (identifier) @local.definition.type)
(data_declaration name: (identifier) @local.definition.var)
(program_declaration name: (identifier) @local.definition.function)
(define_declaration name: (identifier) @local.definition.function)
(parameter name: (identifier) @local.definition.parameter)
(sample_step name: (identifier) @local.definition.var)
(marginalize_step name: (identifier) @local.definition.var)
(let_step name: (identifier) @local.definition.var)
(binder name: (identifier) @local.definition.parameter)
(scan_expression state: (identifier) @local.definition.var)

(identifier) @local.reference
