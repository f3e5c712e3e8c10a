; Later patterns take precedence over earlier ones.

(identifier) @variable
(number) @number
(comment) @comment
(documentation) @comment.documentation

["object" "data" "program" "define" "export"] @keyword
["sample" "observe" "let" "marginalize" "score"] @keyword
"return" @keyword.return
["if" "then" "else"] @keyword.conditional
["factor" "scan" "in"] @keyword
["and" "or" "not"] @keyword.operator

["+" "-" "*" "/" "^" "@" "==" "!=" "≠" "<" "<=" "≤" ">" ">=" "≥" ">>" "⊗" "=" "<-" "←" "->" "→"] @operator
["(" ")" "[" "]"] @punctuation.bracket
["," ":"] @punctuation.delimiter

; Declared names
(object_declaration name: (identifier) @type.definition)
(data_declaration name: (identifier) @variable.parameter)
(program_declaration name: (identifier) @function)
(define_declaration name: (identifier) @function)
(export_declaration name: (identifier) @function)
(parameter name: (identifier) @variable.parameter)

; Spaces and the objects that values are laid out over
(space name: (identifier) @type)
(space argument: (identifier) @type)
((space name: (identifier) @type.builtin)
  (#any-of? @type.builtin
    "FinSet" "Real" "Simplex" "Ordered" "CholeskyCorr" "Correlation" "Covariance"))
(plate (identifier) @type)
(binder name: (identifier) @variable.parameter)
(binder object: (identifier) @type)

; Calls: after an arrow a family or a program, elsewhere a function
(call function: (identifier) @function.call)
(sample_step draw: (call function: (identifier) @constructor))
(observe_step draw: (call function: (identifier) @constructor))
(marginalize_step draw: (call function: (identifier) @constructor))

; Options, keyword arguments and labels
(option name: (identifier) @property)
(keyword_argument keyword: (identifier) @variable.parameter)
(labelled_value label: (identifier) @property)
((option name: (identifier) @_effects value: (list (identifier) @constant))
  (#eq? @_effects "effects"))
