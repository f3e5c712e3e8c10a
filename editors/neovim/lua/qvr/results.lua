--- `:QvrResults`: a split with a program's posterior in plain text, live during a run, marked once stale.
local server = require('qvr.server')
local text = require('qvr.results_text')
local M = {}

---@class qvr.ResultsView
---@field buffer integer that shows the results
---@field model integer the model's buffer
---@field uri string
---@field program string? nil for the exported one
---@field sites table<integer, string> by line

local views = {} ---@type table<string, qvr.ResultsView> by the name of their buffer

--- Show a program's posterior in a split, opened as the command's modifiers say.
---@param model integer
---@param program string?
---@param modifiers table
function M.show(model, program, modifiers)
  if not server.wanted(model) then
    return
  end
  local uri = vim.uri_from_bufnr(model)
  local name = ('qvr-results://%s%s'):format(vim.uri_to_fname(uri), program and '#' .. program or '')
  local view = views[name]
  if view then
    M.draw_anew(view, modifiers)
  else
    M.draw_anew({ buffer = -1, model = model, uri = uri, program = program, sites = {}, name = name }, modifiers)
  end
end

--- Ask for what is known and show it; a window is opened where there is something to show and none yet.
---@param view qvr.ResultsView
---@param modifiers table? of the command that opens a window; nil where none is to be opened
function M.draw_anew(view, modifiers)
  local run = require('qvr.run').under_way(view.uri, view.program)
  if run and run.partial then
    M.put(view, M.partial_shown(run, view), modifiers)
    return
  end
  local client = server.client(view.model)
  if not client then
    return
  end
  local argument = { uri = view.uri, program = view.program }
  server.execute(client, view.model, 'qvr.showResult', argument, function(problem, last)
    if not problem then
      M.put(view, M.final_shown(last, view), modifiers)
    elseif run and modifiers then
      M.put(view, { heading = { 'There are no draws yet.' }, sites = {}, order = {} }, modifiers)
    elseif modifiers then
      server.say(problem.message, vim.log.levels.ERROR)
    end
  end)
end

---@param view qvr.ResultsView
---@param shown qvr.Shown
---@param modifiers table?
function M.put(view, shown, modifiers)
  if not vim.api.nvim_buf_is_valid(view.buffer) then
    if not modifiers then
      return
    end
    M.make_buffer(view)
  end
  if modifiers and #vim.fn.win_findbuf(view.buffer) == 0 then
    local window = vim.api.nvim_get_current_win()
    vim.cmd({ cmd = 'sbuffer', args = { tostring(view.buffer) }, mods = modifiers })
    vim.wo[0][0].wrap = false
    vim.wo[0][0].number = false
    vim.wo[0][0].relativenumber = false
    vim.wo[0][0].spell = false
    vim.api.nvim_set_current_win(window)
  end
  local lines
  lines, view.sites = text.lines(shown)
  vim.bo[view.buffer].modifiable = true
  vim.api.nvim_buf_set_lines(view.buffer, 0, -1, true, lines)
  vim.bo[view.buffer].modifiable = false
end

---@param view qvr.ResultsView
function M.make_buffer(view)
  view.buffer = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_name(view.buffer, view.name)
  vim.bo[view.buffer].bufhidden = 'wipe'
  vim.bo[view.buffer].modifiable = false
  vim.bo[view.buffer].filetype = 'qvr-results'
  views[view.name] = view
  vim.api.nvim_create_autocmd('BufWipeout', {
    buffer = view.buffer,
    callback = function()
      views[view.name] = nil
    end,
  })
  vim.keymap.set('n', 'q', '<cmd>close<cr>', { buffer = view.buffer, desc = 'Close the results' })
  vim.keymap.set('n', '<cr>', function()
    M.go_to_site(view, view.sites[vim.fn.line('.')])
  end, { buffer = view.buffer, desc = "Go to the site's step in the model" })
end

---@param view qvr.ResultsView
---@param site string?
function M.go_to_site(view, site)
  local line = site and M.order(view.model)[site]
  if not line then
    return
  end
  local window = vim.fn.bufwinid(view.model)
  if window == -1 then
    vim.cmd.sbuffer(view.model)
  else
    vim.api.nvim_set_current_win(window)
  end
  vim.fn.cursor(line, 1)
  vim.fn.search('\\V\\<' .. site .. '\\>', 'c', line)
end

--- The line of the step that binds each name.
---@param buffer integer
---@return table<string, integer>
function M.order(buffer)
  local found = {}
  if vim.api.nvim_buf_is_loaded(buffer) then
    for number, line in ipairs(vim.api.nvim_buf_get_lines(buffer, 0, -1, true)) do
      local name = line:match('^%s+%a+%s+([^%s:=<%[(#←]+)')
      if name and not found[name] and not line:match('^%s*observe') then
        found[name] = number
      end
    end
  end
  return found
end

-- What is shown ------------------------------------------------------------------------------------

---@return qvr.Shown
function M.partial_shown(run, view)
  local partial = run.partial
  local done = partial.total > 0 and math.floor(100 * partial.done / partial.total) or 100
  local heading = { ('%s · so far, %d %% drawn'):format(run.program or 'posterior', done), '' }
  return { heading = heading, sites = partial.sites, labels = partial.labels, order = M.order(view.model) }
end

---@return qvr.Shown
function M.final_shown(last, view)
  local result = last.result
  local divergences = ('%d divergence%s'):format(result.divergences, result.divergences == 1 and '' or 's')
  local heading = {
    ('%s · %d × %d draws · seed %s · %.1f s · %s'):format(
      last.program,
      result.chains,
      result.draws,
      -- A seed of sixteen digits is no integer to Lua.
      ('%.0f'):format(result.seed),
      result.seconds.total,
      divergences
    ),
  }
  if last.stale then
    local what = table.concat(last.changed, ' and the ')
    local verb = #last.changed > 1 and 'have' or (what == 'data' and 'have' or 'has')
    table.insert(heading, ('stale: the %s %s changed since this run'):format(what, verb))
  end
  for _, sentence in ipairs(result.problems) do
    table.insert(heading, '! ' .. sentence)
  end
  table.insert(heading, '')
  return { heading = heading, sites = result.sites, labels = result.labels, order = M.order(view.model) }
end

--- What is shown of a model may have changed: a run went on or ended, a result became stale or fresh.
---@param uri string? nil for all models
function M.changed(uri)
  for _, view in pairs(views) do
    if uri == nil or view.uri == uri then
      M.draw_anew(view)
    end
  end
end

return M
