; Written from grammar/queries/highlights.scm by editors/queries.py; change that one.

; Colours. Where two patterns take the same word, the later one counts. The copies for editors are derived
; from this file; editors/queries.py says how.

(identifier) @variable
(number) @number
(comment) @comment
(documentation) @comment.doc

["object" "data" "program" "define" "export"] @keyword
["sample" "observe" "let" "marginalize" "score"] @keyword
"return" @keyword
["if" "then" "else"] @keyword
["factor" "scan" "in"] @keyword
["and" "or" "not"] @keyword

["+" "-" "*" "/" "^" "@" "==" "!=" "≠" "<" "<=" "≤" ">" ">=" "≥" ">>" "⊗" "=" "<-" "←" "->" "→"] @operator
["(" ")" "[" "]"] @punctuation.bracket
["," ":"] @punctuation.delimiter

; Declared names
(object_declaration name: (identifier) @type)
(program_declaration name: (identifier) @function)
(parameter name: (identifier) @variable.parameter)

; Programs, where they are composed
(define_declaration name: (identifier) @function)
(define_declaration composition: (identifier) @function)
(sequential_composition (identifier) @function)
(parallel_composition (identifier) @function)
(parenthesized_composition (identifier) @function)
(export_declaration name: (identifier) @function)

; Spaces, and the objects that values are laid out over
(space name: (identifier) @type)
(space argument: (identifier) @type)
((space name: (identifier) @type.builtin)
  (#any-of? @type.builtin
    "FinSet" "Real" "Int" "Nat" "Bool" "Simplex" "Ordered" "CholeskyCorr" "Correlation" "Covariance"))
(plate (identifier) @type)
(binder name: (identifier) @variable.parameter)
(binder object: (identifier) @type)
(scan_expression state: (identifier) @variable.parameter)

; Calls: after an arrow a family or a program, elsewhere a function
(call function: (identifier) @function)
(sample_step draw: (call function: (identifier) @constructor))
(sample_step draw: (identifier) @constructor)
(observe_step draw: (call function: (identifier) @constructor))
(observe_step draw: (identifier) @constructor)
(marginalize_step draw: (call function: (identifier) @constructor))
(marginalize_step draw: (identifier) @constructor)

; Options, keyword arguments and labels
(option name: (identifier) @property)
(keyword_argument keyword: (identifier) @property)
(labelled_value label: (identifier) @property)
((option name: (identifier) @property value: (identifier) @type)
  (#eq? @property "over"))
((keyword_argument keyword: (identifier) @property value: (identifier) @type)
  (#eq? @property "over"))
((option name: (identifier) @property value: (list ((identifier) @constant ","?)+))
  (#eq? @property "effects"))
