-- The indentation of a new line: deeper under `program` and `marginalize`, and inside open brackets.
if vim.b.did_indent then
  return
end
vim.b.did_indent = 1
vim.bo.indentexpr = "v:lua.require'qvr.indent'.of(v:lnum)"
vim.bo.indentkeys = '!^F,o,O'
vim.b.undo_indent = 'setlocal indentexpr< indentkeys<'
