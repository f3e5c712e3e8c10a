-- How QVR is typed: `#` begins a comment, blocks are indented by four spaces, tabs are an error.
if vim.b.did_ftplugin then
  return
end
vim.b.did_ftplugin = 1

vim.bo.commentstring = '# %s'
vim.bo.comments = ':##,:#'
vim.bo.expandtab = true
vim.bo.shiftwidth = 4
vim.bo.softtabstop = 4
-- Letters of any alphabet are part of a name: mu, μ, theta_1.
vim.bo.iskeyword = '@,48-57,_,192-255'

vim.b.undo_ftplugin = 'setlocal commentstring< comments< expandtab< shiftwidth< softtabstop< iskeyword<'
