-- Driven by test_neovim.py: installs the plugin as a package with its parser, kills the server, checks the health.
local session = dofile(vim.env.QVR_SESSION)
local seen, wait_for = session.seen, session.wait_for

local function health()
  vim.cmd('checkhealth qvr')
  local text = session.text()
  vim.cmd('bwipeout')
  return text
end

session.run(function()
  local client = session.client()
  seen.highlighter = vim.treesitter.highlighter.active[vim.api.nvim_get_current_buf()] ~= nil
  session.put_cursor_on('theta')
  seen.captures = vim.treesitter.get_captures_at_cursor()
  seen.foldexpr = vim.wo.foldexpr
  seen.fold = vim.fn.foldlevel(6)
  for _, name in ipairs({ 'highlights', 'folds', 'indents', 'locals', 'injections', 'textobjects' }) do
    assert(vim.treesitter.query.get('qvr', name), name)
  end

  -- During a run, and with an unsaved change, the server dies.
  local asked = { command = 'qvr.debugInfo', arguments = {} }
  local info = client:request_sync('workspace/executeCommand', asked, session.WAIT)
  vim.cmd('QvrRun warmup=3000000')
  wait_for('the run', function() return require('qvr').status():find('%%') end)
  vim.api.nvim_buf_set_lines(0, -1, -1, true, { 'object Other : Scool' })
  wait_for('the problem', function() return #session.mistakes() > 0 end)
  local process = info.result.processId
  vim.uv.kill(process, 'sigkill')
  wait_for('the end', function() return client:is_stopped() end)
  wait_for('the news of the run', function() return session.was_said('the run ended with the server') end)
  seen.without = require('qvr').status()
  wait_for('the news', function() return session.was_said('was started again') end)
  seen.new = session.client().id ~= client.id
  seen.status = require('qvr').status()
  wait_for('the problem to be found again', function() return #session.mistakes() > 0 end)
  seen.again = session.problems()
  vim.api.nvim_buf_set_lines(0, -2, -1, true, {})
  wait_for('the problem to go', function() return #session.mistakes() == 0 end)

  seen.health = health()

  -- Stopped on purpose, it stays down.
  vim.lsp.enable('qvr', false)
  wait_for('the server to stop', function() return #vim.lsp.get_clients({ name = 'qvr' }) == 0 end)
  vim.wait(600)
  seen.stopped = #vim.lsp.get_clients({ name = 'qvr' }) == 0

  vim.lsp.config('qvr', { cmd = { 'no-such-qvr-lsp' } })
  vim.g.qvr = { inlay_hint = true }
  vim.lsp.enable('qvr')
  seen.unhealthy = health()
  vim.cmd('QvrRun')
  seen.help = vim.fn.getcompletion('qvr', 'help')
end)
