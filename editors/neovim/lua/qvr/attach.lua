--- What the user's options want of a buffer once the server has it: inlay hints and code lenses.
local M = {}

local PAUSE = 100 -- milliseconds; Neovim drops a request for lenses while another one is on its way
local timer ---@type uv.uv_timer_t?

---@param buffer integer
function M.attached(buffer)
  local options = require('qvr.options')
  if options.get('inlay_hints') then
    vim.lsp.inlay_hint.enable(true, { bufnr = buffer })
  end
  if not options.get('code_lenses') then
    return
  end
  if vim.lsp.codelens.enable then -- Neovim 0.12 keeps lenses fresh by itself
    vim.lsp.codelens.enable(true, { bufnr = buffer })
    return
  end
  local group = vim.api.nvim_create_augroup('qvr.lenses.' .. buffer, {})
  vim.api.nvim_create_autocmd({ 'BufEnter', 'InsertLeave', 'TextChanged' }, {
    group = group,
    buffer = buffer,
    callback = M.refresh_lenses,
  })
  M.refresh_lenses()
end

--- Ask for the lenses of all QVR buffers, once for all that happens within a moment.
function M.refresh_lenses()
  timer = timer or assert(vim.uv.new_timer())
  timer:start(
    PAUSE,
    0,
    vim.schedule_wrap(function()
      for _, client in ipairs(vim.lsp.get_clients({ name = require('qvr.server').NAME })) do
        for buffer in pairs(client.attached_buffers) do
          vim.lsp.codelens.refresh({ bufnr = buffer })
        end
      end
    end)
  )
end

--- The handler of `workspace/codeLens/refresh`: a run began, went on or ended, or a result became stale.
function M.lenses_changed(...)
  require('qvr.results').changed()
  if vim.lsp.codelens.enable then
    local own = vim.lsp.handlers['workspace/codeLens/refresh']
    return own and own(...) or vim.NIL
  end
  if require('qvr.options').get('code_lenses') then
    M.refresh_lenses()
  end
  return vim.NIL
end

--- The handler of the answer to `textDocument/inlayHint`. Neovim 0.11 forgets what it drew when hints are to be
--- asked for again, not when they come: a redraw in between keeps the old ones, and a posterior stays unseen.
function M.hints_came(problem, hints, context)
  local ask = vim.lsp.util._refresh
  if vim.fn.has('nvim-0.12') == 0 and vim.lsp.inlay_hint.on_refresh and ask then
    vim.lsp.util._refresh = function() end
    pcall(vim.lsp.inlay_hint.on_refresh, nil, nil, context)
    vim.lsp.util._refresh = ask
  end
  return vim.lsp.handlers['textDocument/inlayHint'](problem, hints, context)
end

return M
