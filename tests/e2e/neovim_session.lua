-- What the scripts of the Neovim tests share: waiting, pointing at text, reading floats, telling what was seen.
local session = { seen = {}, said = {}, WAIT = 60000 }

vim.notify = function(message, level)
  table.insert(session.said, { message = message, level = level or vim.log.levels.INFO })
end

function session.wait_for(what, condition)
  if not vim.wait(session.WAIT, condition, 10) then
    error('waited in vain for ' .. what .. '; said were ' .. vim.inspect(session.said))
  end
end

--- Whether a message that matches a pattern was shown.
function session.was_said(pattern)
  for _, each in ipairs(session.said) do
    if each.message:find(pattern) then
      return true
    end
  end
  return false
end

function session.client()
  local found
  session.wait_for('the server', function()
    found = vim.lsp.get_clients({ bufnr = 0, name = 'qvr' })[1]
    return found and found.initialized
  end)
  return found
end

--- Errors and warnings; the model has its hint from the first to the last.
function session.mistakes()
  return vim.diagnostic.get(0, { severity = { min = vim.diagnostic.severity.WARN } })
end

function session.problems()
  return vim.tbl_map(function(d)
    local line = vim.api.nvim_buf_get_lines(0, d.lnum, d.lnum + 1, true)[1]
    return { line = d.lnum + 1, token = line:sub(d.col + 1, d.end_col), message = d.message, code = d.code }
  end, session.mistakes())
end

function session.put_cursor_on(text)
  vim.fn.cursor(1, 1)
  assert(vim.fn.search('\\V' .. text, 'cW') > 0, text .. ' is not in the file')
end

function session.text(buffer)
  return table.concat(vim.api.nvim_buf_get_lines(buffer or 0, 0, -1, true), '\n')
end

--- Do something that opens a float; its text, once it is there.
function session.float_after(what, act)
  act()
  local shown
  session.wait_for(what, function()
    for _, window in ipairs(vim.api.nvim_list_wins()) do
      if vim.api.nvim_win_get_config(window).relative ~= '' then
        shown = session.text(vim.api.nvim_win_get_buf(window))
        vim.api.nvim_win_close(window, true)
        return true
      end
    end
    return false
  end)
  return shown
end

--- The virtual text of the current buffer by line, as it is on the screen.
function session.virtual_text()
  vim.cmd.redraw()
  local found = {}
  for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, -1, 0, -1, { details = true })) do
    for _, chunk in ipairs(mark[4].virt_text or {}) do
      local line = tostring(mark[2] + 1)
      found[line] = (found[line] or '') .. chunk[1]
    end
  end
  return found
end

--- Run a script, write what it has seen for the Python test, and end Neovim.
function session.run(script)
  local ok, problem = xpcall(script, debug.traceback)
  if not ok then
    session.seen.failure = problem
  end
  session.seen.said = session.said
  session.seen.messages = vim.api.nvim_exec2('messages', { output = true }).output
  local file = assert(io.open(vim.env.QVR_SEEN, 'w'))
  file:write(vim.json.encode(session.seen))
  file:close()
  vim.cmd('qall!')
end

return session
