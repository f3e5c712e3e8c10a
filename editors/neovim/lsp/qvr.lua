-- The QVR language server. `vim.lsp.enable('qvr')` starts it for .qvr files; `vim.lsp.config('qvr', …)` changes it.
return {
  cmd = { 'qvr-lsp' },
  filetypes = { 'qvr' },
  root_markers = { 'qvr.toml', 'pyproject.toml', '.git' },
  settings = { qvr = vim.empty_dict() },
  capabilities = {
    -- Neovim 0.11 takes no request for new lenses by itself; this plugin does.
    workspace = { codeLens = { refreshSupport = true } },
    -- It says that it shows the places a problem is related to, and doesn't; the message then tells of them.
    textDocument = { publishDiagnostics = { relatedInformation = vim.fn.has('nvim-0.12') == 1 } },
  },
  handlers = {
    ['workspace/codeLens/refresh'] = function(...)
      return require('qvr.attach').lenses_changed(...)
    end,
    ['textDocument/inlayHint'] = function(...)
      return require('qvr.attach').hints_came(...)
    end,
  },
  on_exit = function(...)
    require('qvr.server').ended(...)
  end,
}
