-- Driven by test_neovim.py: runs a model the first time, and looks what the next Neovim shows of it.
local session = dofile(vim.env.QVR_SESSION)
local seen, wait_for = session.seen, session.wait_for

session.run(function()
  session.client()
  if not vim.uv.fs_stat(vim.fs.joinpath(vim.fs.dirname(vim.api.nvim_buf_get_name(0)), '.qvr')) then
    vim.cmd('QvrRun draws=500 seed=1')
  end
  wait_for('the posterior', function()
    seen.hint = session.virtual_text()['6']
    return seen.hint and seen.hint:find('±') and not seen.hint:find('%%')
  end)
end)
