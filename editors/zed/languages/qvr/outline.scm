; What an outline shows: declarations, and under a program what it draws, observes and names.

(documentation) @annotation

(object_declaration "object" @context name: (identifier) @name) @item
(data_declaration "data" @context name: (identifier) @name) @item
(program_declaration "program" @context name: (identifier) @name) @item
(define_declaration "define" @context name: (identifier) @name) @item
(export_declaration "export" @context name: (identifier) @name) @item

(sample_step name: (identifier) @name) @item
(observe_step "observe" @context name: (identifier) @name) @item
(marginalize_step "marginalize" @context name: (identifier) @name) @item
(let_step "let" @context name: (identifier) @name) @item
(score_step "score" @context name: (identifier) @name) @item
