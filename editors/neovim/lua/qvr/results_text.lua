--- A posterior in plain text: a table with a line for each number, with bars and intervals drawn in characters.
local M = {}

local BARS = { '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█' }
local SHAPE_BARS, INTERVAL_WIDTH, MOST_ROWS, LONGEST_NAME = 12, 24, 200, 40

---@class qvr.Site
---@field axes string[]
---@field shape integer[]
---@field mean number[]
---@field sd number[]
---@field q5 number[]?
---@field q95 number[]?
---@field r_hat number?
---@field ess number?
---@field histogram { low: number, high: number, counts: integer[] }?

---@class qvr.Shown what there is to show
---@field heading string[] lines above the table
---@field sites table<string, qvr.Site>
---@field labels table<string, string[]>? what the elements of objects are called
---@field order table<string, integer> where a site stands in the model

local function number(value)
  return type(value) == 'number' and value or nil
end

--- The decimal place of the mean's Monte Carlo error; that of a tenth of the sd where it is not known.
local function places_of(sd, ess)
  if not sd or sd <= 0 then
    return nil
  end
  local error = ess and ess > 1 and sd / math.sqrt(ess) or sd / 10
  return -math.floor(math.log10(error))
end

--- A number to a decimal place, with a real minus sign.
---@param value number?
---@param places integer?
---@return string
function M.decimal(value, places)
  if not value then
    return '–'
  end
  local text
  if not places then
    text = ('%.3g'):format(value)
  else
    places = math.min(places, 12)
    local scale = 10 ^ places
    local rounded = math.floor(value * scale + 0.5) / scale
    if math.abs(rounded) >= 1e7 or (rounded ~= 0 and math.abs(rounded) < 1e-4) then
      text = ('%.2e'):format(value)
    else
      text = ('%.' .. math.max(0, places) .. 'f'):format(rounded)
    end
  end
  if not text:find('[1-9]') then
    text = text:gsub('^-', '')
  end
  return (text:gsub('-', '−'))
end

--- The shape of a histogram, from its lowest value to its highest.
---@param histogram { counts: integer[] }?
---@return string
function M.bars(histogram)
  local counts = histogram and histogram.counts or {}
  local parts = math.min(SHAPE_BARS, #counts)
  local sums, most = {}, 0
  for part = 1, parts do
    local sum = 0
    for index = math.floor(#counts * (part - 1) / parts) + 1, math.floor(#counts * part / parts) do
      sum = sum + counts[index]
    end
    sums[part] = sum
    most = math.max(most, sum)
  end
  if most == 0 then
    return ''
  end
  return table.concat(vim.tbl_map(function(sum)
    return BARS[math.floor(sum / most * (#BARS - 1) + 0.5) + 1]
  end, sums))
end

--- `  ╶──●────╴ `: the interval and the mean of one element between the extremes of all.
---@return string
local function interval(low, mean, high, least, most)
  if not (low and mean and high) or most <= least then
    return ''
  end
  local function column(value)
    return math.floor((value - least) / (most - least) * (INTERVAL_WIDTH - 1) + 0.5) + 1
  end
  local from, at, to = column(low), column(mean), column(high)
  local drawn = {}
  for place = 1, to do
    drawn[place] = place == at and '●'
      or place < from and ' '
      or place == from and '╶'
      or place == to and '╴'
      or '─'
  end
  return table.concat(drawn)
end

--- `[Choate]`, `[3]`, `[2,1]`: the element at a flat place, by the names that the data give, else counted from 1.
---@param site qvr.Site
---@param labels table<string, string[]> what the elements of objects are called
local function index_of(place, site, labels)
  local found, named = {}, false
  for axis = #site.shape, 1, -1 do
    local size = site.shape[axis]
    local own = labels[(site.axes or {})[axis] or '']
    local label = own and #own == size and own[place % size + 1]
    named = named or label ~= nil and label ~= false
    table.insert(found, 1, label or place % size + 1)
    place = math.floor(place / size)
  end
  return '[' .. M.shortened(table.concat(found, named and ', ' or ',')) .. ']'
end

--- A name without its middle where it is longer than forty characters.
---@param name string
function M.shortened(name)
  local length = vim.fn.strchars(name)
  if length <= LONGEST_NAME then
    return name
  end
  local tail = math.floor((LONGEST_NAME - 1) / 3)
  return vim.fn.strcharpart(name, 0, LONGEST_NAME - 1 - tail) .. '…' .. vim.fn.strcharpart(name, length - tail)
end

---@param values any[]?
local function extreme(values, choose)
  local found
  for _, value in ipairs(values or {}) do
    value = number(value)
    found = value and (found and choose(found, value) or value) or found
  end
  return found
end

---@param site qvr.Site
---@param labels table<string, string[]>
---@return string[][] rows of cells
local function rows_of(name, site, labels)
  local figures = site.q5 and #site.q5 > 0
  local function row(label, place)
    local mean, sd = number(site.mean[place]), number(site.sd[place])
    local low, high = figures and number(site.q5[place]), figures and number(site.q95[place])
    local places = places_of(sd, site.ess)
    return {
      label,
      M.decimal(mean, places),
      M.decimal(sd, places),
      figures and M.decimal(low or nil, places) or '',
      figures and M.decimal(high or nil, places) or '',
      low or nil,
      high or nil,
      mean,
    }
  end
  local tail = {
    site.r_hat and ('%.2f'):format(site.r_hat) or '',
    site.ess and ('%.0f'):format(site.ess) or '',
    M.bars(site.histogram),
  }
  if #site.shape == 0 then
    local only = row(name, 1)
    return { vim.list_extend(vim.list_slice(only, 1, 5), tail) }
  end
  local axes = #(site.axes or {}) > 0 and ' : ' .. table.concat(site.axes, ' ⊗ ') or ''
  local found = { vim.list_extend({ name .. axes, '', '', '', '' }, tail) }
  local least, most = extreme(site.q5, math.min), extreme(site.q95, math.max)
  for place = 1, math.min(#site.mean, MOST_ROWS) do
    local each = row('  ' .. index_of(place - 1, site, labels), place)
    local drawn = least and most and interval(each[6], each[8], each[7], least, most) or ''
    table.insert(found, { each[1], each[2], each[3], each[4], each[5], '', '', drawn })
  end
  if #site.mean > MOST_ROWS then
    table.insert(found, { ('  … %d more'):format(#site.mean - MOST_ROWS), '', '', '', '', '', '', '' })
  end
  return found
end

--- The lines of the results, and which site each of them is about.
---@param shown qvr.Shown
---@return string[] lines
---@return table<integer, string> sites
function M.lines(shown)
  local rows, about = { { '', 'mean', 'sd', '5 %', '95 %', 'R̂', 'ESS', '' } }, {}
  local names = vim.tbl_keys(shown.sites)
  table.sort(names, function(one, other)
    local first, second = shown.order[one] or math.huge, shown.order[other] or math.huge
    return first < second or (first == second and one < other)
  end)
  for _, name in ipairs(names) do
    for _, row in ipairs(rows_of(name, shown.sites[name], shown.labels or {})) do
      table.insert(rows, row)
      about[#rows] = name
    end
  end
  local widths = {}
  for _, row in ipairs(rows) do
    for column = 1, 7 do
      widths[column] = math.max(widths[column] or 0, vim.fn.strdisplaywidth(row[column]))
    end
  end
  local lines, sites = vim.deepcopy(shown.heading), {}
  for place, row in ipairs(rows) do
    local cells = {}
    for column = 1, 7 do
      local blank = (' '):rep(widths[column] - vim.fn.strdisplaywidth(row[column]))
      cells[column] = column == 1 and row[1] .. blank or blank .. row[column]
    end
    cells[8] = row[8]
    table.insert(lines, (table.concat(cells, '  '):gsub('%s+$', '')))
    sites[#lines] = about[place]
  end
  return lines, sites
end

return M
