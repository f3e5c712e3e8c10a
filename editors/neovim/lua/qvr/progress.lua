--- How far the server's runs are, from `$/progress`, for the statusline.
local M = {}

---@class qvr.Progress
---@field title string
---@field percentage integer
---@field message string?

local running = {} ---@type table<integer, table<string|integer, qvr.Progress>> by client, then token

--- Take one `$/progress` of any client.
---@param client_id integer
---@param token string|integer
---@param value table
function M.take(client_id, token, value)
  local client = vim.lsp.get_client_by_id(client_id)
  if not client or client.name ~= require('qvr.server').NAME then
    return
  end
  if value.kind == 'partial' then
    require('qvr.run').partial(token, value)
    return
  end
  local known = running[client_id] or {}
  running[client_id] = known
  if value.kind == 'begin' then
    known[token] = { title = value.title, percentage = 0 }
  elseif value.kind == 'report' and known[token] then
    known[token].percentage = value.percentage or known[token].percentage
    known[token].message = value.message
  elseif value.kind == 'end' then
    known[token] = nil
    require('qvr.run').ending(token, value.message)
  end
  vim.cmd.redrawstatus()
end

---@param client_id integer
function M.forget(client_id)
  running[client_id] = nil
  vim.cmd.redrawstatus()
end

--- `QVR` with a server, `QVR 43 % warm-up` during a run, `QVR ×` without a server, nothing elsewhere.
---@param buffer integer
---@return string
function M.status(buffer)
  if vim.bo[buffer].filetype ~= 'qvr' then
    return ''
  end
  local client = require('qvr.server').client(buffer)
  if not client then
    return 'QVR ×'
  end
  local told = {}
  for _, each in vim.spairs(running[client.id] or {}) do
    -- The message begins with the phase; the chains that follow it are too long for a statusline.
    local phase = each.message and vim.trim(vim.split(each.message, '·', { plain = true })[1]) or 'starting'
    table.insert(told, ('%d %% %s'):format(each.percentage, phase))
  end
  return vim.trim('QVR ' .. table.concat(told, ', '))
end

return M
