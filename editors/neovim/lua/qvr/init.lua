--- What a configuration may use of the plugin; `:help qvr` tells of it.
local M = {}

--- For the statusline: how far a run is, or that the server is missing; empty outside QVR.
---@return string
function M.status()
  return require('qvr.progress').status(vim.api.nvim_get_current_buf())
end

return M
