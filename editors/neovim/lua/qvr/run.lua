--- Runs: `:QvrRun`, `:QvrStop`, and what a code lens or a code action starts.
local server = require('qvr.server')
local M = {}

---@class qvr.Run
---@field client_id integer
---@field buffer integer
---@field uri string
---@field program string?
---@field ending string? what the server's progress said last
---@field partial table? what the draws say so far

local runs = {} ---@type table<string, qvr.Run> by the token of their progress
local count = 0

--- The programs of a buffer, as its lenses name them; none where the server doesn't answer at once.
---@param buffer integer
---@return string[]
function M.programs(buffer)
  local client = server.client(buffer)
  local params = { textDocument = vim.lsp.util.make_text_document_params(buffer) }
  local answer = client and client:request_sync('textDocument/codeLens', params, 500, buffer)
  local found = {}
  for _, lens in ipairs(answer and answer.result or {}) do
    table.insert(found, lens.data.program)
  end
  return found
end

--- Run a program with its progress shown; `argument` is what `qvr.run` takes.
---@param buffer integer
---@param argument table
function M.start(buffer, argument)
  local client = server.wanted(buffer)
  if not client then
    return
  end
  count = count + 1
  local token = ('qvr-nvim-%d'):format(count)
  local run = { client_id = client.id, buffer = buffer, uri = argument.uri, program = argument.program }
  runs[token] = run
  argument = vim.tbl_extend('force', argument, { partialResultToken = token .. '-partial' })
  server.execute(client, buffer, 'qvr.run', argument, function(problem, result)
    if not runs[token] then
      return
    end
    runs[token] = nil
    require('qvr.results').changed(run.uri)
    if problem then
      server.say(problem.message, vim.log.levels.ERROR)
    else
      M.tell(result, run)
      if require('qvr.options').get('open_results') then
        require('qvr.results').show(buffer, result.program, {})
      end
    end
  end, token)
end

--- One line at the end of a run; what went wrong is in the diagnostics and the results.
function M.tell(result, run)
  local troubled = #result.problems > 0
  local text = ('%s: %s%s'):format(result.program, run.ending or 'done', troubled and ' (see the warnings)' or '')
  server.say(text, troubled and vim.log.levels.WARN or vim.log.levels.INFO)
end

--- `:QvrRun [program] [setting=value …]`
---@param buffer integer
---@param words string[]
function M.command(buffer, words)
  local argument = { uri = vim.uri_from_bufnr(buffer) }
  for _, word in ipairs(words) do
    local name, value = word:match('^(%w+)=(.*)$')
    if name == 'data' then
      argument.data = vim.fn.fnamemodify(value, ':p')
    elseif name then
      argument[name] = tonumber(value) or value
    elseif argument.program then
      server.say(('one program at a time, not %s and %s.'):format(argument.program, word), vim.log.levels.ERROR)
      return
    else
      argument.program = word
    end
  end
  M.start(buffer, argument)
end

--- `:QvrStop [program]`: the runs of the buffer's model.
---@param buffer integer
---@param program string?
function M.stop(buffer, program)
  local client = server.wanted(buffer)
  if not client then
    return
  end
  local argument = { uri = vim.uri_from_bufnr(buffer), program = program }
  server.execute(client, buffer, 'qvr.cancelRun', argument, function(problem, result)
    if problem then
      server.say(problem.message, vim.log.levels.ERROR)
    elseif result.cancelled == 0 then
      server.say('nothing runs.')
    end
  end)
end

--- What the draws say so far came for the run with this token.
function M.partial(token, value)
  local run = runs[(tostring(token):gsub('%-partial$', ''))]
  if run then
    run.partial = value
    require('qvr.results').changed(run.uri)
  end
end

--- The progress with this token has ended with a message. Neovim keeps the answer of a cancelled request to
--- itself, so that this is how one hears of it.
function M.ending(token, message)
  local run = runs[token]
  if not run then
    return
  end
  run.ending = message
  if message == 'cancelled' then
    runs[token] = nil
    require('qvr.results').changed(run.uri)
    server.say('the run was cancelled.')
  end
end

--- The newest run of a model; `partial` of it is nil until there are draws.
---@param uri string
---@param program string?
---@return qvr.Run?
function M.under_way(uri, program)
  local newest, number = nil, 0
  for token, run in pairs(runs) do
    local own = tonumber(token:match('%d+$'))
    if run.uri == uri and (not program or not run.program or run.program == program) and own > number then
      newest, number = run, own
    end
  end
  return newest
end

--- The server of some runs is gone, and won't answer for them.
---@param client_id integer
function M.server_ended(client_id)
  for token, run in pairs(runs) do
    if run.client_id == client_id then
      runs[token] = nil
      server.say('the run ended with the server.', vim.log.levels.ERROR)
    end
  end
end

return M
