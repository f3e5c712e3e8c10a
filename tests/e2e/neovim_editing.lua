-- Driven by test_neovim.py: edits a model in a real Neovim as a user does, and tells what the user then sees.
local session = dofile(vim.env.QVR_SESSION)
local seen, wait_for = session.seen, session.wait_for

local function hover_over(text)
  return session.float_after('the hover of ' .. text, function()
    session.put_cursor_on(text)
    vim.lsp.buf.hover()
  end)
end

local function press(keys)
  vim.api.nvim_feedkeys(vim.keycode(keys), 'x', false)
end

--- The words that insert mode offers after some text is typed on a new line under `above`, and what is then there.
local function completed(above, typed)
  session.put_cursor_on(above)
  local offered = {}
  _G.wait_for_menu = function()
    wait_for('the completion of ' .. typed, function()
      return vim.fn.pumvisible() == 1
    end)
    offered = vim.tbl_map(function(item)
      return item.word
    end, vim.fn.complete_info({ 'items' }).items)
  end
  press('o' .. typed .. '<C-x><C-o><Cmd>lua wait_for_menu()<CR><C-e><Esc>')
  press('u')
  return offered
end

local function edited(what, act)
  local before = vim.api.nvim_buf_get_changedtick(0)
  act()
  wait_for(what, function()
    return vim.api.nvim_buf_get_changedtick(0) ~= before
  end)
  return session.text()
end

session.run(function()
  local client = session.client()
  wait_for('the first problem', function() return #session.mistakes() > 0 end)
  seen.filetype = vim.bo.filetype
  seen.commentstring = vim.bo.commentstring
  seen.encoding = client.offset_encoding
  seen.root = client.config.root_dir
  seen.before = session.problems()

  -- Mend the misspelt family as a user would.
  vim.cmd([[silent %s/Normol/Normal/]])
  wait_for('the problem to go', function() return #session.mistakes() == 0 end)
  seen.after = session.problems()

  -- Break the file where multi-byte characters stand to the left.
  vim.api.nvim_buf_set_lines(0, -1, -1, true, { 'object 𝒩 : Scool # ⊗ 😀' })
  wait_for('the second problem', function() return #session.mistakes() > 0 end)
  seen.wide = session.problems()
  vim.api.nvim_buf_set_lines(0, -2, -1, true, {})
  wait_for('the second problem to go', function() return #session.mistakes() == 0 end)

  seen.hover = { theta = hover_over('theta'), tau = hover_over('tau'), sigma = hover_over('sigma_j') }
  seen.families = completed('sample mu', '    sample x <- ')
  seen.arguments = completed('sample theta', '    let x = ta')
  seen.signature = session.float_after('the signature', function()
    session.put_cursor_on('5.0)')
    vim.lsp.buf.signature_help()
  end)

  -- What the window shows without a parser: the server's colours and folds, all folds open.
  seen.folds = { expr = vim.wo.foldexpr, closed = vim.fn.foldclosed(5) }
  wait_for('the folds', function() return vim.fn.foldlevel(6) > 0 end)
  seen.folds.levels = { vim.fn.foldlevel(2), vim.fn.foldlevel(6) }
  wait_for('the colours', function()
    session.put_cursor_on('theta')
    local line, column = vim.fn.line('.') - 1, vim.fn.col('.') - 1
    local tokens = vim.lsp.semantic_tokens.get_at_pos(0, line, column)
    seen.token = tokens and tokens[1] and { tokens[1].type, vim.tbl_keys(tokens[1].modifiers) }
    return seen.token and seen.token[1] == 'variable' -- those of an older text may still be there
  end)
  local symbols
  vim.lsp.buf.document_symbol({ on_list = function(list) symbols = list.items end })
  wait_for('the symbols', function() return symbols end)
  seen.symbols = vim.tbl_map(function(item) return item.text end, symbols)

  seen.renamed = edited('the renaming', function()
    session.put_cursor_on('tau')
    vim.lsp.buf.rename('spread')
  end)
  wait_for('the names to be right', function() return #session.mistakes() == 0 end)

  -- A line out of layout, mended alone by `gq`; then the whole file.
  vim.cmd([[silent %s/Normal(mu, spread)/Normal( mu,spread )/]])
  seen.formatexpr = vim.bo.formatexpr
  session.put_cursor_on('mu,spread')
  press('gqq')
  seen.formatted_line = vim.api.nvim_get_current_line()
  vim.cmd([[silent %s/Normal(mu, spread)/Normal( mu,spread )/]])
  seen.formatted = edited('the layout', function() vim.lsp.buf.format() end)

  seen.noncentred = edited('the rewriting', function()
    session.put_cursor_on('sample theta')
    vim.lsp.buf.code_action({
      apply = true,
      filter = function(action)
        seen.actions = vim.list_extend(seen.actions or {}, { action.title })
        return action.title:lower():find('non%-centred') ~= nil
      end,
    })
  end)
  wait_for('the model to be right', function() return #session.mistakes() == 0 end)

  vim.lsp.codelens.refresh({ bufnr = 0 })
  wait_for('the lens', function()
    seen.lenses = vim.tbl_map(function(lens)
      return lens.command and lens.command.title
    end, vim.lsp.codelens.get(0))
    return seen.lenses[1]
  end)

  -- Signs that no keyboard has, and the indentation of what is typed.
  vim.cmd('$')
  press('o# \\otimes \\gets <C-k>OX <C-k>-><Esc>')
  press('oprogram q : School -> School<CR>sample a <C-k><- Normal(0.0, 1.0)<CR>return a<CR>export q<Esc>')
  seen.typed = vim.api.nvim_buf_get_lines(0, -6, -1, true)

  -- Another file type takes all of it back.
  vim.cmd('set filetype=text')
  seen.undone = { vim.fn.maparg('\\otimes', 'i'), vim.wo.foldmethod, vim.bo.indentexpr, vim.bo.expandtab }
end)
