-- Driven by test_neovim.py: does in a real Neovim what a user does, and writes what the user then sees.
local seen = {}
local WAIT = 60000

local function wait_for(what, condition)
  if not vim.wait(WAIT, condition, 20) then
    error('waited in vain for ' .. what)
  end
end

-- Errors and warnings; the model has its hint from the first to the last.
local function mistakes()
  return vim.diagnostic.get(0, { severity = { min = vim.diagnostic.severity.WARN } })
end

local function problems()
  return vim.tbl_map(function(d)
    local line = vim.api.nvim_buf_get_lines(0, d.lnum, d.lnum + 1, true)[1]
    return { line = d.lnum + 1, token = line:sub(d.col + 1, d.end_col), message = d.message, code = d.code }
  end, mistakes())
end

local function put_cursor_on(text)
  vim.fn.cursor(1, 1)
  assert(vim.fn.search('\\V' .. text, 'cW') > 0, text .. ' is not in the file')
end

local function hover_over(text)
  put_cursor_on(text)
  vim.lsp.buf.hover()
  local shown
  wait_for('the hover of ' .. text, function()
    for _, window in ipairs(vim.api.nvim_list_wins()) do
      if vim.api.nvim_win_get_config(window).relative ~= '' then
        shown = vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, true)
        vim.api.nvim_win_close(window, true)
        return true
      end
    end
    return false
  end)
  return table.concat(shown, '\n')
end

local function run()
  wait_for('the server', function() return #vim.lsp.get_clients({ bufnr = 0 }) > 0 end)
  local client = vim.lsp.get_clients({ bufnr = 0 })[1]
  wait_for('the first problem', function() return #mistakes() > 0 end)
  seen.filetype = vim.bo.filetype
  seen.commentstring = vim.bo.commentstring
  seen.encoding = client.offset_encoding
  seen.root = client.config.root_dir
  seen.before = problems()

  -- Mend the misspelt family as a user would.
  vim.cmd([[silent %s/Normol/Normal/]])
  wait_for('the problem to go', function() return #mistakes() == 0 end)
  seen.after = problems()

  -- Break the file where multi-byte characters stand to the left.
  vim.api.nvim_buf_set_lines(0, -1, -1, true, { 'object 𝒩 : Scool # ⊗ 😀' })
  wait_for('the second problem', function() return #mistakes() > 0 end)
  seen.wide = problems()
  vim.api.nvim_buf_set_lines(0, -2, -1, true, {})
  wait_for('the second problem to go', function() return #mistakes() == 0 end)

  seen.hover = { theta = hover_over('theta'), tau = hover_over('tau'), sigma = hover_over('sigma_j') }
  local lenses = client:request_sync('textDocument/codeLens', {
    textDocument = vim.lsp.util.make_text_document_params(),
  }, WAIT)
  seen.lenses = vim.tbl_map(function(lens) return lens.command.title end, lenses.result)
  seen.messages = vim.api.nvim_exec2('messages', { output = true }).output
end

local ok, problem = xpcall(run, debug.traceback)
if not ok then
  seen.failure = problem
end
local file = assert(io.open(vim.env.QVR_SEEN, 'w'))
file:write(vim.json.encode(seen))
file:close()
vim.cmd('qall!')
