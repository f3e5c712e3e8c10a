-- What a user sees of a plate diagram in Neovim.
local session = dofile(vim.env.QVR_SESSION)

session.run(function()
  local seen = session.seen
  session.client()
  session.put_cursor_on('tau')
  local model = vim.api.nvim_get_current_buf()
  vim.cmd.QvrPlate()
  local shown
  session.wait_for('the diagram', function()
    shown = vim.fn.bufnr('qvr-plate://')
    return shown ~= -1
  end)
  seen.text = session.text(shown)
  seen.filetype = vim.bo[shown].filetype
  seen.cursor_stayed = vim.api.nvim_get_current_buf() == model

  vim.cmd([[%s/\<theta\>/effect/g]])
  seen.before_saving = session.text(shown)
  vim.cmd.write()
  session.wait_for('the new diagram', function()
    return session.text(shown):find('effect', 1, true)
  end)

  vim.api.nvim_set_current_win(vim.fn.bufwinid(shown))
  vim.fn.search('effect')
  vim.api.nvim_feedkeys(vim.keycode('<cr>'), 'x', false)
  seen.gone_to = vim.api.nvim_get_current_line()

  vim.cmd.QvrPlate('svg')
  session.wait_for('the file', function()
    return session.was_said('the diagram is ')
  end)
  vim.cmd.QvrPlate('nothing')
  session.wait_for('the refusal', function()
    return session.was_said('has no program nothing')
  end)
  seen.said = session.said
end)
