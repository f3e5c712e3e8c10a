--- The indentation of a line, from the lines above it.
local M = {}

---@param line string without its comment
local function open_brackets(line)
  local _, opened = line:gsub('[%(%[]', '')
  local _, closed = line:gsub('[%)%]]', '')
  return opened - closed
end

--- In columns.
---@param number integer
---@return integer
function M.of(number)
  local above = vim.fn.prevnonblank(number - 1)
  if above == 0 then
    return 0
  end
  local line = vim.fn.getline(above):gsub('#.*', '')
  local indent = vim.fn.indent(above)
  local step = vim.fn.shiftwidth()
  local open = open_brackets(line)
  if open > 0 then
    return indent + step
  elseif open < 0 then
    return math.max(0, indent - step)
  elseif line:match('^%s*program%f[%W]') or line:match('^%s*marginalize%f[%W]') then
    return indent + step
  elseif line:match('^%s*return%f[%W]') then
    return math.max(0, indent - step)
  end
  return indent
end

return M
