;;; qvr-ts-queries.el --- Colours of QVR's tree-sitter mode  -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Written from grammar/queries/highlights.scm by editors/queries.py; change that one.

;;; Code:

(defconst qvr-ts-queries
  '((comment
     (documentation) @font-lock-doc-face
     (comment) @font-lock-comment-face)
    (keyword
     ["and" "or" "not"] @font-lock-keyword-face
     ["factor" "scan" "in"] @font-lock-keyword-face
     ["if" "then" "else"] @font-lock-keyword-face
     "return" @font-lock-keyword-face
     ["sample" "observe" "let" "marginalize" "score"] @font-lock-keyword-face
     ["object" "data" "program" "define" "export"] @font-lock-keyword-face)
    (definition
     (scan_expression state: (identifier) @font-lock-variable-name-face)
     (binder name: (identifier) @font-lock-variable-name-face)
     (export_declaration name: (identifier) @font-lock-function-name-face)
     (parenthesized_composition (identifier) @font-lock-function-name-face)
     (parallel_composition (identifier) @font-lock-function-name-face)
     (sequential_composition (identifier) @font-lock-function-name-face)
     (define_declaration composition: (identifier) @font-lock-function-name-face)
     (define_declaration name: (identifier) @font-lock-function-name-face)
     (parameter name: (identifier) @font-lock-variable-name-face)
     (program_declaration name: (identifier) @font-lock-function-name-face))
    (type
     (binder object: (identifier) @font-lock-type-face)
     (plate (identifier) @font-lock-type-face)
     ((space name: (identifier) @font-lock-type-face) (:match "\\`\\(?:FinSet\\|Real\\|Int\\|Nat\\|Bool\\|Simplex\\|Ordered\\|CholeskyCorr\\|Correlation\\|Covariance\\)\\'" @font-lock-type-face))
     (space argument: (identifier) @font-lock-type-face)
     (space name: (identifier) @font-lock-type-face)
     (object_declaration name: (identifier) @font-lock-type-face))
    (number
     (number) @font-lock-number-face)
    (function
     (marginalize_step draw: (identifier) @font-lock-function-call-face)
     (marginalize_step draw: (call function: (identifier) @font-lock-function-call-face))
     (observe_step draw: (identifier) @font-lock-function-call-face)
     (observe_step draw: (call function: (identifier) @font-lock-function-call-face))
     (sample_step draw: (identifier) @font-lock-function-call-face)
     (sample_step draw: (call function: (identifier) @font-lock-function-call-face))
     (call function: (identifier) @font-lock-function-call-face))
    (property
     ((option name: (identifier) @font-lock-property-use-face value: (list ((identifier) @font-lock-constant-face "," :?) :+)) (:equal @font-lock-property-use-face "effects"))
     ((keyword_argument keyword: (identifier) @font-lock-property-use-face value: (identifier) @font-lock-type-face) (:equal @font-lock-property-use-face "over"))
     ((option name: (identifier) @font-lock-property-use-face value: (identifier) @font-lock-type-face) (:equal @font-lock-property-use-face "over"))
     (labelled_value label: (identifier) @font-lock-property-use-face)
     (keyword_argument keyword: (identifier) @font-lock-property-use-face)
     (option name: (identifier) @font-lock-property-use-face))
    (operator
     ["+" "-" "*" "/" "^" "@" "==" "!=" "≠" "<" "<=" "≤" ">" ">=" "≥" ">>" "⊗" "=" "<-" "←" "->" "→"] @font-lock-operator-face)
    (bracket
     ["(" ")" "[" "]"] @font-lock-bracket-face)
    (delimiter
     ["," ":"] @font-lock-delimiter-face)
    (variable
     (identifier) @font-lock-variable-use-face))
  "By feature, the patterns of `qvr-ts-mode', with faces for captures.")

(provide 'qvr-ts-queries)
;;; qvr-ts-queries.el ends here
