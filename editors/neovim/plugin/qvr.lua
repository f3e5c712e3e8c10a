-- The commands of QVR, and what follows from the server's coming and going. Modules are loaded when needed.
if vim.g.loaded_qvr then
  return
end
vim.g.loaded_qvr = 1

if vim.fn.has('nvim-0.11') == 0 then
  vim.notify_once('QVR needs Neovim 0.11 or newer.', vim.log.levels.ERROR)
  return
end

local function buffer()
  return vim.api.nvim_get_current_buf()
end

--- The programs whose names begin so.
local function programs(lead)
  return vim.tbl_filter(function(name)
    return vim.startswith(name, lead)
  end, require('qvr.run').programs(buffer()))
end

local function define(name, about, nargs, answer)
  vim.api.nvim_create_user_command(name, answer, { desc = about, nargs = nargs, complete = programs })
end

define('QvrRun', 'Run a program of this model', '*', function(given)
  require('qvr.run').command(buffer(), given.fargs)
end)
define('QvrStop', 'Stop the runs of this model', '?', function(given)
  require('qvr.run').stop(buffer(), given.fargs[1])
end)
define('QvrResults', "Show a program's posterior", '?', function(given)
  require('qvr.results').show(buffer(), given.fargs[1], given.smods)
end)
define('QvrPlate', "Show a program's plate diagram, or write it as svg, dot or mermaid", '*', function(given)
  require('qvr.plate').command(buffer(), given.fargs, given.smods)
end)
define('QvrReport', "Write a program's posterior as a page and open it", '?', function(given)
  require('qvr.report').open(buffer(), given.fargs[1])
end)

-- Lenses and code actions name these commands; here they show how the run goes.
vim.lsp.commands['qvr.run'] = function(command, context)
  require('qvr.run').start(context.bufnr, command.arguments[1])
end

local group = vim.api.nvim_create_augroup('qvr', {})
vim.api.nvim_create_autocmd('LspAttach', {
  group = group,
  callback = function(event)
    local client = vim.lsp.get_client_by_id(event.data.client_id)
    if client and client.name == 'qvr' then
      require('qvr.attach').attached(event.buf)
    end
  end,
})
vim.api.nvim_create_autocmd('LspProgress', {
  group = group,
  callback = function(event)
    local params = event.data.params
    if type(params.value) == 'table' then
      require('qvr.progress').take(event.data.client_id, params.token, params.value)
    end
  end,
})
vim.api.nvim_create_autocmd('FileType', {
  group = group,
  pattern = 'qvr',
  callback = function()
    if vim.lsp.is_enabled and vim.lsp.is_enabled('qvr') then
      require('qvr.server').look_for_program()
    end
  end,
})
