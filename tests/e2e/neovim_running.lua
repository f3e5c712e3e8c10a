-- Driven by test_neovim.py: runs a model in a real Neovim, by its lens and by commands.
local session = dofile(vim.env.QVR_SESSION)
local seen, wait_for = session.seen, session.wait_for
local model = vim.api.nvim_get_current_buf()

local function results()
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    local buffer = vim.api.nvim_win_get_buf(window)
    if vim.bo[buffer].filetype == 'qvr-results' then
      return session.text(buffer)
    end
  end
  return ''
end

local function shown(pattern)
  return function()
    return results():find(pattern) ~= nil
  end
end

local function lens()
  for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(model, -1, 0, -1, { details = true })) do
    local chunk = (mark[4].virt_text or {})[1]
    if chunk and chunk[2] == 'LspCodeLens' then
      return chunk[1]
    end
  end
  return ''
end

local function run_codes()
  local codes = {}
  for _, problem in ipairs(session.mistakes()) do
    if tostring(problem.code):find('^QVR8') then
      table.insert(codes, problem.code)
    end
  end
  return codes
end

session.run(function()
  session.client()
  seen.too_early = {}
  vim.cmd('QvrResults')
  wait_for('the refusal', function() return session.was_said('run it first') end)
  vim.cmd('QvrStop')
  wait_for('the answer to a stop', function() return session.was_said('nothing runs') end)

  -- From the lens, as long as it takes to look at it and stop it.
  wait_for('the lens', function() return lens():find('▶ Run') end)
  seen.programs = vim.fn.getcompletion('QvrRun ', 'cmdline')
  seen.status = { idle = require('qvr').status() }
  vim.lsp.config('qvr', { settings = { qvr = { run = { draws = 100000, thin = 30, seed = 7 } } } })
  session.client():notify('workspace/didChangeConfiguration', { settings = vim.lsp.config.qvr.settings })
  session.put_cursor_on('program ')
  vim.lsp.codelens.run()
  wait_for('the progress', function()
    seen.status.running = require('qvr').status()
    return seen.status.running:find('%% sampling')
  end)
  vim.cmd('QvrResults')
  wait_for('the first draws', shown('so far, %d+ %% drawn'))
  seen.live = results()
  wait_for('the lens to offer a stop', function() return lens():find('■ Stop') end)
  wait_for('the posterior of the draws so far', function()
    seen.live_hints = session.virtual_text()
    return seen.live_hints['6'] and seen.live_hints['6']:find('%%')
  end)
  vim.cmd('QvrStop')
  wait_for('the end of the run', function() return session.was_said('the run was cancelled') end)
  wait_for('the lens to offer a run', function() return lens():find('▶ Run') end)
  seen.status.cancelled = require('qvr').status()

  -- To its end.
  vim.cmd('QvrRun draws=500 thin=1 seed=1 reparameterize=centred') -- which diverges
  wait_for('the result', function() return session.was_said('eight_schools_centred: R̂') end)
  wait_for('the results split', shown('4 × 500 draws'))
  seen.results = results()
  wait_for('the posterior', function()
    seen.hints = session.virtual_text()
    return seen.hints['6'] and seen.hints['6']:find('R̂')
  end)
  wait_for('the warnings', function() return #run_codes() > 0 end)
  seen.codes = run_codes()
  wait_for('the lens to tell', function()
    seen.lens = lens()
    return seen.lens:find('last')
  end)

  -- An edit makes it stale, and its undoing fresh.
  vim.cmd([[silent %s/HalfNormal(5.0)/HalfNormal(4.0)/]])
  wait_for('the results to be stale', shown('stale'))
  wait_for('the lens to be stale', function() return lens():find('stale') end)
  seen.stale = results()
  seen.stale_hint = session.virtual_text()['6']
  vim.cmd('undo')
  wait_for('the results to be fresh', function() return not shown('stale')() end)

  -- From the results to the model.
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    if vim.bo[vim.api.nvim_win_get_buf(window)].filetype == 'qvr-results' then
      vim.api.nvim_set_current_win(window)
    end
  end
  vim.fn.search('\\[3\\]')
  vim.api.nvim_feedkeys(vim.keycode('<CR>'), 'x', false)
  seen.went_to = vim.fn.expand('<cword>')

  local opened
  vim.ui.open = function(uri)
    opened = uri
    return { wait = function() return { code = 0 } end }
  end
  vim.cmd('QvrReport')
  wait_for('the report', function() return opened and session.was_said('the report is') end)
  seen.report = { uri = opened, text = session.text(vim.fn.bufadd(vim.uri_to_fname(opened))) }
  vim.fn.bufload(vim.uri_to_fname(opened))
  seen.report.text = session.text(vim.fn.bufnr(vim.uri_to_fname(opened)))

  vim.cmd('QvrRun chain=4')
  wait_for('the refusal of an argument', function() return session.was_said('did you mean chains') end)
  vim.cmd([[silent %s/Normal(mu, tau)/Normol(mu, tau)/]])
  vim.cmd('QvrRun')
  wait_for('the refusal of a broken model', function() return session.was_said("can't run until") end)
end)
