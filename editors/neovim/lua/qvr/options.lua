--- The plugin's own options, in `vim.g.qvr`; the server's are in `vim.lsp.config('qvr', { settings = … })`.
local M = {}

M.defaults = {
  inlay_hints = false, -- types, sizes, inputs, and posteriors after a run, as virtual text
  code_lenses = false, -- `▶ Run` over each program, with its last answer
  folds = true, -- folding by tree-sitter or the server, all folds open
  mappings = true, -- `\otimes`, `\gets` and the like, in insert mode
  open_results = false, -- open the results when a run ends
  restart = true, -- start a server that crashed again
}

---@param name string
function M.get(name)
  local chosen = vim.g.qvr
  local value = type(chosen) == 'table' and chosen[name] or nil
  if type(chosen) == 'table' and chosen[name] == false then
    return false
  end
  return type(value) == type(M.defaults[name]) and value or M.defaults[name]
end

--- One sentence for each thing in `vim.g.qvr` that is no option.
---@return string[]
function M.mistakes()
  local chosen = vim.g.qvr
  if chosen == nil then
    return {}
  end
  if type(chosen) ~= 'table' then
    return { 'vim.g.qvr must be a table of options.' }
  end
  local found = {}
  for name, value in vim.spairs(chosen) do
    if M.defaults[name] == nil then
      local known = table.concat(vim.fn.sort(vim.tbl_keys(M.defaults)), ', ')
      table.insert(found, ('vim.g.qvr has no option %s; it has %s.'):format(name, known))
    elseif type(value) ~= 'boolean' then
      table.insert(found, ('vim.g.qvr.%s must be true or false, not %s.'):format(name, vim.inspect(value)))
    end
  end
  return found
end

return M
