--- `:QvrPlate`: a split with a program's plate diagram in plain text, drawn anew when the model is saved.
local server = require('qvr.server')
local M = {}

M.ENDINGS = { svg = '.svg', dot = '.dot', mermaid = '.mmd' }

---@class qvr.PlateView
---@field buffer integer that shows the diagram
---@field model integer the model's buffer
---@field program string? nil until the server has said which
---@field places table<integer, lsp.Range> by line

local views = {} ---@type table<string, qvr.PlateView> by the name of their buffer

--- `:QvrPlate [form] [program]`: the program named, else the one around the cursor.
---@param model integer
---@param words string[]
---@param modifiers table
function M.command(model, words, modifiers)
  local client = server.wanted(model)
  if not client then
    return
  end
  local form, program
  for _, word in ipairs(words) do
    if M.ENDINGS[word] and not form then
      form = word
    elseif program then
      server.say(('one program at a time, not %s and %s.'):format(program, word), vim.log.levels.ERROR)
      return
    else
      program = word
    end
  end
  local cursor = vim.lsp.util.make_position_params(0, client.offset_encoding).position
  local argument = { uri = vim.uri_from_bufnr(model), program = program, position = cursor, form = form }
  server.execute(client, model, 'qvr.plate', argument, function(problem, answer)
    if problem then
      server.say(problem.message, vim.log.levels.ERROR)
    elseif form then
      M.write(model, answer, M.ENDINGS[form])
    else
      M.show(model, answer, modifiers)
    end
  end)
end

--- Write a drawing beside the model, and say where; that of a model without a file goes where Neovim's own do.
function M.write(model, answer, ending)
  local file = vim.api.nvim_buf_get_name(model)
  local stem = file ~= '' and vim.fn.fnamemodify(file, ':p:r') or vim.fn.tempname()
  local path = ('%s.%s.plate%s'):format(stem, answer.program, ending)
  local handle, reason = io.open(path, 'w')
  if not handle then
    server.say(('the diagram can\'t be written: %s.'):format(reason), vim.log.levels.ERROR)
    return
  end
  handle:write(answer.text)
  handle:close()
  server.say('the diagram is ' .. path)
end

function M.show(model, answer, modifiers)
  local name = ('qvr-plate://%s#%s'):format(vim.uri_to_fname(answer.uri), answer.program)
  local view = views[name]
  if not view then
    view = { buffer = -1, model = model, program = answer.program, places = {} }
    views[name] = view
    M.make_buffer(view, name)
  end
  M.put(view, answer)
  if #vim.fn.win_findbuf(view.buffer) == 0 then
    local window = vim.api.nvim_get_current_win()
    vim.cmd({ cmd = 'sbuffer', args = { tostring(view.buffer) }, mods = modifiers })
    vim.wo[0][0].wrap = false
    vim.wo[0][0].number = false
    vim.wo[0][0].relativenumber = false
    vim.wo[0][0].spell = false
    vim.api.nvim_set_current_win(window)
  end
end

---@param view qvr.PlateView
function M.put(view, answer)
  view.places = {}
  for _, node in ipairs(answer.nodes) do
    view.places[node.line + 1] = node.range
  end
  vim.bo[view.buffer].modifiable = true
  vim.api.nvim_buf_set_lines(view.buffer, 0, -1, true, vim.split(vim.trim(answer.text), '\n'))
  vim.bo[view.buffer].modifiable = false
end

---@param view qvr.PlateView
---@param name string
function M.make_buffer(view, name)
  view.buffer = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_name(view.buffer, name)
  vim.bo[view.buffer].bufhidden = 'wipe'
  vim.bo[view.buffer].modifiable = false
  vim.bo[view.buffer].filetype = 'qvr-plate'
  local saved = vim.api.nvim_create_autocmd('BufWritePost', {
    buffer = view.model,
    callback = function()
      M.draw_anew(view)
    end,
  })
  vim.api.nvim_create_autocmd('BufWipeout', {
    buffer = view.buffer,
    callback = function()
      views[name] = nil
      pcall(vim.api.nvim_del_autocmd, saved)
    end,
  })
  vim.keymap.set('n', 'q', '<cmd>close<cr>', { buffer = view.buffer, desc = 'Close the diagram' })
  vim.keymap.set('n', '<cr>', function()
    M.go_to(view, view.places[vim.fn.line('.')])
  end, { buffer = view.buffer, desc = "Go to the node's step in the model" })
end

--- Show the program as it is now; what was drawn last stays where it can't be drawn.
---@param view qvr.PlateView
function M.draw_anew(view)
  local client = server.client(view.model)
  if not client then
    return
  end
  local argument = { uri = vim.uri_from_bufnr(view.model), program = view.program }
  server.execute(client, view.model, 'qvr.plate', argument, function(problem, answer)
    if not problem and vim.api.nvim_buf_is_valid(view.buffer) then
      M.put(view, answer)
    end
  end)
end

---@param view qvr.PlateView
---@param place lsp.Range?
function M.go_to(view, place)
  local client = server.client(view.model)
  if place and client then
    local location = { uri = vim.uri_from_bufnr(view.model), range = place }
    local window = vim.fn.bufwinid(view.model)
    if window ~= -1 then
      vim.api.nvim_set_current_win(window)
    end
    vim.lsp.util.show_document(location, client.offset_encoding, { focus = true })
  end
end

return M
