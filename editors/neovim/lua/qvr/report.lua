--- `:QvrReport`: the last result as a page, which the server has the client show.
local server = require('qvr.server')
local M = {}

---@param buffer integer
---@param program string?
function M.open(buffer, program)
  local client = server.wanted(buffer)
  if not client then
    return
  end
  local argument = { uri = vim.uri_from_bufnr(buffer), program = program }
  server.execute(client, buffer, 'qvr.openReport', argument, function(problem, result)
    if problem then
      server.say(problem.message, vim.log.levels.ERROR)
    else
      server.say('the report is ' .. vim.uri_to_fname(result.uri))
    end
  end)
end

return M
