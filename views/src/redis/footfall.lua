#!lua name=footfall_1
-- The writes and reads of Footfall's views, each one atomic call inside Redis.
--
-- Guarantee (I3): at every instant the image named by meta.token is fold(log[0..meta.stored)).
-- Why it holds, call by call:
--   apply  needs base <= stored < to. The image is fold(log[0..stored)), the rows are all rows
--          changed in [base, to), absolute at `to`; every other row is equal at `stored` and `to`.
--          So the image becomes fold(log[0..to)). A repeat finds stored = to and is refused.
--   begin, chunk  write only into an image that no reader reads: begin refuses the token being
--          read and any token whose image is still being removed; chunk needs meta.fill.
--   flip   needs meta.fill, every chunk accepted in order, and stored < to: the image is then
--          complete and newer than the one it replaces.
--   sweep  removes images that meta names neither as token nor as fill; a token once removed
--          never comes back, for begin refuses it and its owner starts again with a new one.
-- Nothing depends on who calls, when, or how often: an owner that was replaced, a request that
-- was delayed or doubled, and a replica promoted without the last calls are all the same case.
-- Redis doesn't roll back: everything is checked before the first write.
--
-- Replies: {'at', stored} | {'missing'} | {'moved', token} | {'ok'} | {'again'}. layout.rs has
-- the keys. Another meaning of a call or a key needs another number in the library's name, so
-- that processes of two versions don't load over each other.

-- unpack() puts its values on Lua's stack, which ends at 8,000.
local UNPACK = 4000
-- Lua counts in doubles, exact below 2^53.
local DIGITS = 15

local function refuse(what)
  error({err = 'FOOTFALL ' .. what})
end

local function offset(text, name)
  if not text or not string.match(text, '^%d+$') or #text > DIGITS then
    refuse(name .. ' must be an offset below 10^15, not ' .. tostring(text))
  end
  return tonumber(text)
end

local function instant(text)
  if not string.match(text, '^%-?%d+$') then refuse('log_time must be a number') end
  return text
end

local function need(list, count, name)
  if #list < count then
    refuse('a call needs at least ' .. count .. ' ' .. name .. ', not ' .. #list)
  end
end

-- The fields of meta, after the check that it belongs to this definition.
local function read_meta(key, definition)
  local m = redis.call('HMGET', key, 'definition', 'token', 'stored', 'log_time', 'fill', 'filled')
  if m[1] and m[1] ~= definition then
    refuse(key .. ' belongs to definition ' .. m[1] .. ', not ' .. tostring(definition))
  end
  return {
    token = m[2], stored = m[3] and tonumber(m[3]), log_time = m[4],
    fill = m[5], filled = m[6] and tonumber(m[6]),
  }
end

-- The groups that keys[first..] and args[at..] describe: for each key the number of puts, the
-- puts as field and value, the number of deletes, the fields. Checks all of it, writes nothing.
local function read_groups(keys, first, args, at)
  local groups = {}
  for k = first, #keys do
    local group = {key = keys[k]}
    local puts = offset(args[at], 'a number of puts')
    group.put, group.put_end = at + 1, at + 2 * puts
    local deletes = offset(args[group.put_end + 1], 'a number of deletes')
    group.delete, group.delete_end = group.put_end + 2, group.put_end + 1 + deletes
    at = group.delete_end + 1
    local kind = redis.call('TYPE', keys[k])['ok']
    if kind ~= 'hash' and kind ~= 'none' then
      refuse(keys[k] .. ' holds a ' .. kind .. ', not rows')
    end
    group.exists = kind == 'hash'
    groups[#groups + 1] = group
  end
  if at ~= #args + 1 then
    refuse('the arguments of the groups end at ' .. (at - 1) .. ', not at ' .. #args)
  end
  return groups
end

-- A group's name in the image's index: what follows the image's prefix in its key.
local function name_of(index, key)
  return string.sub(key, #index - #'groups' + 1)
end

local function call_with(command, key, list, first, last)
  for from = first, last, UNPACK do
    redis.call(command, key, unpack(list, from, math.min(from + UNPACK - 1, last)))
  end
end

-- Writes the groups' rows and keeps the index equal to the set of groups that exist.
local function write_groups(index, groups, list)
  for _, group in ipairs(groups) do
    call_with('HSET', group.key, list, group.put, group.put_end)
    call_with('HDEL', group.key, list, group.delete, group.delete_end)
    local deletes = group.delete <= group.delete_end
    local exists = group.put <= group.put_end or group.exists
    if deletes then exists = redis.call('EXISTS', group.key) == 1 end
    if exists and not group.exists then
      redis.call('SADD', index, name_of(index, group.key))
    elseif group.exists and not exists then
      redis.call('SREM', index, name_of(index, group.key))
    end
  end
end

local function check_index(index)
  local kind = redis.call('TYPE', index)['ok']
  if kind ~= 'set' and kind ~= 'none' then
    refuse(index .. ' holds a ' .. kind .. ', not the names of groups')
  end
end

local function at(stored)
  return {'at', string.format('%.0f', stored)}
end

-- keys: meta, index, groups; args: definition, base, to, log_time, token, the groups.
-- On a partition never written the token names its first image, empty at offset 0.
local function apply(keys, args)
  need(keys, 2, 'keys')
  need(args, 5, 'arguments')
  local meta, index, definition, token = keys[1], keys[2], args[1], args[5]
  local base, to = offset(args[2], 'base'), offset(args[3], 'to')
  local log_time = instant(args[4])
  local groups = read_groups(keys, 3, args, 6)
  check_index(index)
  local m = read_meta(meta, definition)
  if not m.stored then
    if base > 0 then return {'missing'} end
    -- Rows of that name are of an image whose meta was lost: another name is needed.
    if redis.call('EXISTS', index) == 1 then return {'moved', ''} end
    redis.call('HSET', meta, 'definition', definition, 'token', token, 'stored', 0, 'log_time', 0)
    m.stored, m.token = 0, token
  end
  if m.stored < base or m.stored >= to then return at(m.stored) end
  if m.token ~= token then return {'moved', m.token} end
  write_groups(index, groups, args)
  redis.call('HSET', meta, 'stored', args[3], 'log_time', log_time)
  return {'at', args[3]}
end

-- keys: meta, dead; args: definition, token, to.
local function begin(keys, args)
  need(keys, 2, 'keys')
  need(args, 3, 'arguments')
  local meta, dead, definition, token = keys[1], keys[2], args[1], args[2]
  local to = offset(args[3], 'to')
  local m = read_meta(meta, definition)
  -- What flip would refuse need not be sent.
  if m.stored and m.stored >= to then return at(m.stored) end
  if m.fill == token then return {'ok'} end
  if m.token == token or redis.call('SISMEMBER', dead, token) == 1 then return {'again'} end
  if m.fill then redis.call('SADD', dead, m.fill) end
  redis.call('HSET', meta, 'definition', definition, 'fill', token, 'filled', 0)
  return {'ok'}
end

-- keys: meta, the fill's index, groups; args: definition, token, the chunk's number from 1, the groups.
local function chunk(keys, args)
  need(keys, 2, 'keys')
  need(args, 3, 'arguments')
  local meta, index, definition, token = keys[1], keys[2], args[1], args[2]
  local number = offset(args[3], 'the number of a chunk')
  local groups = read_groups(keys, 3, args, 4)
  check_index(index)
  local m = read_meta(meta, definition)
  if m.fill ~= token then return {'again'} end
  if m.filled == number then return {'ok'} end
  if m.filled ~= number - 1 then return {'again'} end
  write_groups(index, groups, args)
  redis.call('HSET', meta, 'filled', args[3])
  return {'ok'}
end

-- keys: meta, dead; args: definition, token, chunks, to, log_time.
local function flip(keys, args)
  need(keys, 2, 'keys')
  need(args, 5, 'arguments')
  local meta, dead, definition, token = keys[1], keys[2], args[1], args[2]
  local chunks, to = offset(args[3], 'chunks'), offset(args[4], 'to')
  local log_time = instant(args[5])
  local m = read_meta(meta, definition)
  if m.stored and m.stored >= to then
    if m.fill == token then
      redis.call('SADD', dead, token)
      redis.call('HDEL', meta, 'fill', 'filled')
    end
    return at(m.stored)
  end
  if m.fill ~= token or m.filled ~= chunks then return {'again'} end
  if m.token then redis.call('SADD', dead, m.token) end
  redis.call('HSET', meta, 'token', token, 'stored', args[4], 'log_time', log_time)
  redis.call('HDEL', meta, 'fill', 'filled')
  return {'at', args[4]}
end

-- Removes groups of a dead image. keys: meta, dead, the image's index, groups; args: definition, token.
-- Answers {'ok'} when nothing of it is left, {'again'} while something is.
local function sweep(keys, args)
  need(keys, 3, 'keys')
  need(args, 2, 'arguments')
  local meta, dead, index, token = keys[1], keys[2], keys[3], args[2]
  local m = read_meta(meta, args[1])
  if m.token == token or m.fill == token then refuse(token .. ' is not dead') end
  for k = 4, #keys do
    redis.call('UNLINK', keys[k])
    redis.call('SREM', index, name_of(index, keys[k]))
  end
  if redis.call('SCARD', index) > 0 then return {'again'} end
  redis.call('SREM', dead, token)
  return {'ok'}
end

-- Reads groups of several partitions at one instant.
-- keys: for each partition meta, then its groups; args: definition, partitions, groups of a
-- partition, the token of each partition, for each group the number of fields (0: all) and the fields.
-- Answers {'rows', then for each partition {stored, log_time, its groups}}, or {'missing', which},
-- or {'moved', the token of each partition}.
local function read(keys, args)
  local definition = args[1]
  local partitions, groups = offset(args[2], 'partitions'), offset(args[3], 'groups')
  local stride = 1 + groups
  if #keys ~= partitions * stride then refuse('a read has a wrong number of keys') end
  local reply, moved, is_moved = {'rows'}, {'moved'}, false
  for p = 1, partitions do
    local m = read_meta(keys[(p - 1) * stride + 1], definition)
    if not m.stored then return {'missing', tostring(p - 1)} end
    is_moved = is_moved or m.token ~= args[3 + p]
    moved[1 + p] = m.token
    reply[1 + p] = {string.format('%.0f', m.stored), m.log_time}
  end
  if is_moved then return moved end
  local at = 4 + partitions
  for g = 1, groups do
    local fields = offset(args[at], 'a number of fields')
    for p = 1, partitions do
      local key = keys[(p - 1) * stride + 1 + g]
      if fields == 0 then
        reply[1 + p][2 + g] = redis.call('HGETALL', key)
      else
        reply[1 + p][2 + g] = redis.call('HMGET', key, unpack(args, at + 1, at + fields))
      end
    end
    at = at + 1 + fields
  end
  return reply
end

-- The names of an image's groups. keys: meta, index; args: definition, token.
-- Answers {'rows', stored, log_time, names}, {'missing'} or {'moved', token}.
local function names(keys, args)
  local m = read_meta(keys[1], args[1])
  if not m.stored then return {'missing'} end
  if m.token ~= args[2] then return {'moved', m.token} end
  return {'rows', string.format('%.0f', m.stored), m.log_time, redis.call('SMEMBERS', keys[2])}
end

redis.register_function('footfall_1_apply', apply)
redis.register_function('footfall_1_begin', begin)
redis.register_function('footfall_1_chunk', chunk)
redis.register_function('footfall_1_flip', flip)
redis.register_function('footfall_1_sweep', sweep)
redis.register_function{function_name = 'footfall_1_read', callback = read, flags = {'no-writes'}}
redis.register_function{function_name = 'footfall_1_names', callback = names, flags = {'no-writes'}}
