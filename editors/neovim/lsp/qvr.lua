-- The QVR language server. `vim.lsp.enable('qvr')` starts it for .qvr files.
return {
  cmd = { 'qvr-lsp' },
  filetypes = { 'qvr' },
  root_markers = { 'qvr.toml', 'pyproject.toml', '.git' },
  settings = { qvr = vim.empty_dict() },
}
