--- `:checkhealth qvr`: what QVR needs here, what there is of it, and what to do about the rest.
local server = require('qvr.server')
local M = {}

local ANSWER_WITHIN = 5000 -- milliseconds
local health = vim.health

---@param command string[]
---@return string? the first line that it prints
local function said_by(command)
  local ran, done = pcall(function()
    return vim.system(command, { text = true, timeout = ANSWER_WITHIN }):wait()
  end)
  if ran and done.code == 0 then
    return vim.split(done.stdout, '\n', { plain = true })[1]
  end
end

local function check_neovim()
  health.start('Neovim')
  local version = tostring(vim.version())
  if vim.fn.has('nvim-0.11') == 1 then
    health.ok('Neovim ' .. version)
  else
    health.error('Neovim ' .. version .. ' is too old', 'Install Neovim 0.11 or newer.')
  end
  for _, sentence in ipairs(require('qvr.options').mistakes()) do
    health.warn(sentence, 'See :help qvr-options.')
  end
end

---@return string? path of the server's program
local function check_program()
  local config = vim.lsp.config[server.NAME]
  if not config then
    health.error('lsp/qvr.lua is not on the runtime path', 'Put editors/neovim on it: see :help qvr-install.')
    return
  end
  if type(config.cmd) ~= 'table' then
    health.info('The server is started by a function of your configuration.')
    return
  end
  local program = config.cmd[1]
  local path = vim.fn.exepath(program)
  if path == '' then
    health.error(('%s is not on the path of Neovim'):format(program), {
      'Install it where Neovim finds it: pip install qvr, in the environment that you start Neovim from.',
      "Or name it: vim.lsp.config('qvr', { cmd = { '/path/to/.venv/bin/qvr-lsp' } })",
    })
    return
  end
  local version = said_by({ path, '--version' })
  if version then
    health.ok(('%s: %s'):format(path, version))
  else
    health.error(('%s does not start'):format(path), {
      'Run `' .. program .. ' --version` in a terminal to see why.',
      'If its environment was moved or deleted, install QVR again.',
    })
  end
  return path
end

local function check_server()
  health.start('Language server')
  local path = check_program()
  if vim.lsp.is_enabled and not vim.lsp.is_enabled(server.NAME) then
    health.warn('The server is not enabled', "Call vim.lsp.enable('qvr') in your configuration.")
  end
  local client = vim.lsp.get_clients({ name = server.NAME })[1]
  if not client then
    health.info('No server runs; open a .qvr file to start one.')
    local python = path and vim.fs.joinpath(vim.fs.dirname(path), 'python')
    local version = python and said_by({ python, '--version' })
    if version then
      health.info(('Python beside it: %s, %s'):format(python, version))
    end
    return
  end
  local buffers = vim.tbl_count(client.attached_buffers)
  local root = client.root_dir or 'no project'
  health.ok(('A server runs for %d buffer%s, in %s'):format(buffers, buffers == 1 and '' or 's', root))
  M.check_debug_info(client)
end

---@param client vim.lsp.Client
function M.check_debug_info(client)
  local params = { command = 'qvr.debugInfo', arguments = {} }
  local answer = client:request_sync('workspace/executeCommand', params, ANSWER_WITHIN)
  if not answer or answer.err then
    local why = answer and answer.err.message or 'no answer within five seconds'
    health.error('The server does not tell of itself: ' .. why, {
      "Start it again: vim.lsp.enable('qvr', false), then vim.lsp.enable('qvr').",
      'See what it logged: :edit ' .. vim.lsp.get_log_path(),
    })
    return
  end
  local info = answer.result
  health.ok(('Python %s: %s'):format(info.python.version, info.python.executable))
  local parts = {}
  for name, version in vim.spairs(info.versions) do
    table.insert(parts, name .. ' ' .. version)
  end
  health.info(table.concat(parts, ', '))
  health.info(('The worker, in which runs happen, is %s'):format(info.worker.state))
  if not info.options.trusted then
    health.info('The workspace is not trusted, so nothing runs: init_options = { trusted = false } is set.')
  end
  for _, error in ipairs(info.errors) do
    health.warn('The server reported: ' .. error, 'Please report it, with the model if you can.')
  end
end

local function check_parser()
  health.start('Tree-sitter parser (optional)')
  local files = vim.api.nvim_get_runtime_file('parser/qvr.*', true)
  if #files == 0 then
    health.info('No parser: the server colours and folds. `make neovim-parser` in the sources of QVR builds one.')
    return
  end
  local loaded, problem = vim.treesitter.language.add('qvr')
  if not loaded then
    health.error(('%s does not load: %s'):format(files[1], problem), 'Build it again: make neovim-parser.')
    return
  end
  health.ok(('%s, ABI %d'):format(files[1], vim.treesitter.language.inspect('qvr').abi_version))
  for _, name in ipairs({ 'highlights', 'folds', 'indents', 'locals', 'injections', 'textobjects' }) do
    local fits, query = pcall(vim.treesitter.query.get, 'qvr', name)
    if not fits then
      local advice = 'Parser and queries are of different versions: build the parser again.'
      health.error(('queries/qvr/%s.scm does not fit the parser: %s'):format(name, query), advice)
    elseif not query then
      health.warn(('queries/qvr/%s.scm is missing'):format(name), 'Install the plugin again.')
    end
  end
end

function M.check()
  check_neovim()
  check_server()
  check_parser()
end

return M
