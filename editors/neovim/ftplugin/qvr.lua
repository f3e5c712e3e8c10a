-- How QVR is typed: `#` begins a comment, blocks are indented by four spaces, tabs are an error.
if vim.b.did_ftplugin then
  return
end
vim.b.did_ftplugin = 1

local options = require('qvr.options')
local undo = {
  'setlocal commentstring< comments< expandtab< shiftwidth< softtabstop< iskeyword< formatoptions<',
}

vim.bo.commentstring = '# %s'
vim.bo.comments = ':##,:#'
vim.bo.expandtab = true
vim.bo.shiftwidth = 4
vim.bo.softtabstop = 4
-- Letters of any alphabet are part of a name: mu, μ, theta_1.
vim.bo.iskeyword = '@,48-57,_,192-255'
-- Long lines of a model are not broken while one types; comments are continued.
vim.opt_local.formatoptions:remove('t')
vim.opt_local.formatoptions:append('crql')

-- The parser, where there is one in `parser/` of the runtime path.
local parsed = pcall(vim.treesitter.start, 0, 'qvr')
if parsed then
  table.insert(undo, [[execute 'lua vim.treesitter.stop()']])
end

-- Nothing is folded at first, and a method that the user has chosen stays.
if options.get('folds') and vim.wo.foldmethod == 'manual' then
  local by = parsed and 'v:lua.vim.treesitter.foldexpr()' or 'v:lua.vim.lsp.foldexpr()'
  vim.wo[0][0].foldmethod = 'expr'
  vim.wo[0][0].foldexpr = by
  vim.wo[0][0].foldlevel = 99
  table.insert(undo, 'setlocal foldmethod< foldexpr< foldlevel<')
end

-- ⊗ is CTRL-K O X; ← and → are CTRL-K < - and CTRL-K - > in every Neovim.
if vim.fn.digraph_get('OX') == 'X' then
  vim.fn.digraph_set('OX', '⊗')
end

if options.get('mappings') and not vim.g.no_plugin_maps and not vim.g.no_qvr_maps then
  local signs = { otimes = '⊗', gets = '←', to = '→', le = '≤', ge = '≥', ne = '≠' }
  for name, sign in vim.spairs(signs) do
    vim.keymap.set('i', '\\' .. name, sign, { buffer = 0, desc = 'Insert ' .. sign })
    table.insert(undo, ([[execute 'silent! iunmap <buffer> \%s']]):format(name))
  end
end

-- `execute`, since `:lua` and `:iunmap` would take the bar after them for their own.
vim.b.undo_ftplugin = table.concat(undo, ' | ')
