; A program can be run from the gutter; tasks.json says how.

(
  (program_declaration
    name: (identifier) @run @program)
  (#set! tag qvr-program)
)
