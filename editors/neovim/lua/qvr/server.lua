--- The client of the QVR server: which one a buffer has, what it is asked, and what happens when it crashes.
local M = {}

M.NAME = 'qvr'
local MOST_RESTARTS, WITHIN_SECONDS = 4, 180
local FIRST_PAUSE = 200 -- milliseconds
local restarts = {} ---@type integer[] when the server was started again, in seconds

---@param text string
---@param level? integer
function M.say(text, level)
  vim.notify('QVR: ' .. text, level or vim.log.levels.INFO)
end

---@param buffer integer
---@return vim.lsp.Client?
function M.client(buffer)
  return vim.lsp.get_clients({ bufnr = buffer, name = M.NAME })[1]
end

--- The buffer's client, or a sentence to the user on what to do.
---@param buffer integer
---@return vim.lsp.Client?
function M.wanted(buffer)
  local client = M.client(buffer)
  if client then
    return client
  end
  if vim.bo[buffer].filetype ~= 'qvr' then
    M.say('this is not a .qvr file.', vim.log.levels.ERROR)
  else
    M.say('the server does not run here; :checkhealth qvr says why.', vim.log.levels.ERROR)
  end
end

--- Ask for one of the server's commands. `answer` gets an error of the protocol, or what the command gives.
---@param client vim.lsp.Client
---@param buffer integer
---@param command string
---@param argument table
---@param answer fun(error: lsp.ResponseError?, result: any)
---@param token? string of the work-done progress
---@return integer? request
function M.execute(client, buffer, command, argument, answer, token)
  local params = { command = command, arguments = { argument }, workDoneToken = token }
  local sent, request = client:request('workspace/executeCommand', params, answer, buffer)
  if not sent then
    answer({ code = 0, message = 'The server has ended.' })
  end
  return request
end

--- What `on_exit` of the client calls: a server that crashed is started again, for each buffer that it had.
---@param code integer
---@param signal integer
---@param id integer
function M.ended(code, signal, id)
  local client = vim.lsp.get_client_by_id(id)
  local buffers = client and vim.tbl_keys(client.attached_buffers) or {}
  local asked_for = (code == 0 and signal == 0) or signal == 15
  vim.schedule(function()
    if vim.v.exiting ~= vim.NIL then
      return
    end
    require('qvr.progress').forget(id)
    require('qvr.run').server_ended(id)
    if client and not asked_for and client.initialized and require('qvr.options').get('restart') then
      M.restart(client.config, buffers)
    end
  end)
end

---@param config vim.lsp.ClientConfig
---@param buffers integer[]
function M.restart(config, buffers)
  local now = os.time()
  restarts = vim.tbl_filter(function(time)
    return now - time < WITHIN_SECONDS
  end, restarts)
  if #restarts >= MOST_RESTARTS then
    local advice = 'the server crashed %d times in a row and stays down; :checkhealth qvr and :LspLog say more.'
    M.say(advice:format(MOST_RESTARTS + 1), vim.log.levels.ERROR)
    return
  end
  table.insert(restarts, now)
  vim.defer_fn(function()
    local started = false
    for _, buffer in ipairs(buffers) do
      if vim.api.nvim_buf_is_loaded(buffer) and vim.bo[buffer].filetype == 'qvr' then
        started = vim.lsp.start(config, { bufnr = buffer, silent = true }) ~= nil or started
      end
    end
    if started then
      M.say('the server crashed and was started again; results of its runs are gone.', vim.log.levels.WARN)
    end
  end, FIRST_PAUSE * 2 ^ (#restarts - 1))
end

--- Say once why nothing happens where the server's program is missing: Neovim only logs it.
function M.look_for_program()
  local config = vim.lsp.config[M.NAME]
  local program = config and type(config.cmd) == 'table' and config.cmd[1]
  if program and vim.fn.executable(program) == 0 then
    local text = 'QVR: %s is not on the path: `pip install qvr`, or set cmd; :checkhealth qvr has more.'
    vim.notify_once(text:format(program), vim.log.levels.WARN)
  end
end

return M
