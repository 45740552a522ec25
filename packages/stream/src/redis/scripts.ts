// What runs inside the server, each atomically. A script that fails midway keeps what it wrote: so each reads and checks all it
// needs first, and its first write is one that a server without memory, a replica or one cut off from its replicas refuses.

/** Version, next offset, low water, last outbox id. An offset stays text: Lua would print a large one as 1e+15. */
const readMeta = `
local function readMeta(key)
	local stored = redis.call('GET', key)
	if not stored then return '', '0', 0 end
	local version, offset, last = string.match(stored, '^(%S+) (%d+) %d+ (%d+)$')
	if not version then error({err = 'CORRUPT meta of a scope'}) end
	return version, offset, tonumber(last)
end
`;

/**
 * A list's first element is its header: \`FIRST BYTES MAX ID\` (index of the oldest value kept, bytes of all, of the largest ever,
 * and the version whose commit began it); list-header.ts reads the same.
 *
 * KEYS: meta, cells, outbox, then each list that is appended to or expired.
 * ARGV: expected version, new version, next offset, low water, outbox id up to which is forgotten (0: none), most bytes of a list,
 *   milliseconds that a list lives after an append, a plan; then cells to set (name, value, ...), names of cells to remove, outbox
 *   headers, values. The plan is packed (pack.ts): how many cells are set, how many removed, per list {milliseconds to its expiry
 *   or -1, number of a value, ...}, per outbox entry the number of its value. Values are arguments of their own because Lua
 *   hashes every byte of every string that it makes: cutting them out of a larger one would double the cost of a commit.
 * Returns {1, number of a list, values spilled, their bytes, ...} or {0, stored offset}.
 */
export const commitScript = `
${readMeta}
local chunk = 4000
local spillPageBytes, spillBytesMin = 1048576, 16777216

local function inChunks(command, key, items, first, last)
	for from = first, last, chunk do
		redis.call(command, key, unpack(items, from, math.min(from + chunk - 1, last)))
	end
end

local version, offset, last = readMeta(KEYS[1])
if version ~= ARGV[1] then
	-- The reply to this very commit was lost, and it is sent again.
	if version == ARGV[2] then return {1} end
	return {0, offset}
end
local waiting = redis.call('LLEN', KEYS[3]) / 2
redis.call('HLEN', KEYS[2])
local plan = cmsgpack.unpack(ARGV[8])
local lists, entries = plan[3], plan[4]
local setAt = 9
local removeAt = setAt + 2 * plan[1]
local headerAt = removeAt + plan[2]
local valueAt = headerAt + #entries - 1
local limit, retention = tonumber(ARGV[6]), ARGV[7]
local heads = {}
for i = 1, #lists do
	local head = redis.call('LINDEX', KEYS[3 + i], 0)
	if head then
		local first, bytes, max, id = string.match(head, '^(%d+) (%d+) (%d+) (%S+)$')
		if not first then return redis.error_reply('CORRUPT header of a list') end
		heads[i] = {first = tonumber(first), bytes = tonumber(bytes), max = tonumber(max), id = id}
	else
		heads[i] = false
	end
end

redis.call('SET', KEYS[1], string.format('%s %s %s %.0f', ARGV[2], ARGV[3], ARGV[4], last + #entries))
inChunks('HSET', KEYS[2], ARGV, setAt, removeAt - 1)
inChunks('HDEL', KEYS[2], ARGV, removeAt, headerAt - 1)

if #entries > 0 then
	local pushed = {}
	for i = 1, #entries do
		pushed[2 * i - 1] = ARGV[headerAt + i - 1]
		pushed[2 * i] = ARGV[valueAt + entries[i]]
	end
	inChunks('RPUSH', KEYS[3], pushed, 1, #pushed)
end
-- Last of the outbox: a key that a script empties while its slot moves to another node is gone for the rest of the script.
local forget = math.min(tonumber(ARGV[5]) - (last - waiting), waiting)
if forget > 0 then redis.call('LTRIM', KEYS[3], 2 * forget, -1) end

-- Drops the oldest values, all of earlier commits, until the list is within its bound; a list far over it shrinks by steps.
local function spill(key, head, appended)
	local earlier = redis.call('LLEN', key) - 1
	local per = math.max(1, math.floor(spillPageBytes / math.max(head.max, 1)))
	per = math.min(per, chunk)
	local dropped, freed, most = 0, 0, math.max(spillBytesMin, 2 * appended)
	while head.bytes > limit and dropped < earlier and freed < most do
		local page = redis.call('LRANGE', key, 1 + dropped, math.min(dropped + per, earlier))
		for _, value in ipairs(page) do
			if head.bytes <= limit then break end
			head.bytes = head.bytes - #value
			freed = freed + #value
			dropped = dropped + 1
		end
	end
	if dropped > 0 then
		-- What was the last of those dropped becomes the header.
		redis.call('LTRIM', key, dropped, -1)
		head.first = head.first + dropped
	end
	return dropped, freed
end

local result = {1}
for i = 1, #lists do
	local key, list, head = KEYS[3 + i], lists[i], heads[i]
	local after = list[1]
	if after == 0 then
		redis.call('UNLINK', key)
	else
		if #list > 1 then
			local added, appended = {}, 0
			local isNew = not head
			if isNew then head = {first = 0, bytes = 0, max = 0, id = ARGV[2]} end
			for j = 2, #list do
				local value = ARGV[valueAt + list[j]]
				added[j - 1] = value
				appended = appended + #value
				if #value > head.max then head.max = #value end
			end
			head.bytes = head.bytes + appended
			if not isNew and head.bytes > limit then
				local dropped, freed = spill(key, head, appended)
				if dropped > 0 then
					result[#result + 1] = i
					result[#result + 1] = dropped
					result[#result + 1] = freed
				end
			end
			local header = string.format('%.0f %.0f %.0f %s', head.first, head.bytes, head.max, head.id)
			if isNew then redis.call('RPUSH', key, header) else redis.call('LSET', key, 0, header) end
			inChunks('RPUSH', key, added, 1, #added)
		end
		if after > 0 then redis.call('PEXPIRE', key, string.format('%.0f', after))
		elseif #list > 1 then redis.call('PEXPIRE', key, retention) end
	end
end
return result
`;

/** KEYS: meta, outbox. ARGV: the version it must be, the outbox id up to which is forgotten. */
export const publishedScript = `
${readMeta}
local version, _, last = readMeta(KEYS[1])
if version ~= ARGV[1] then return 0 end
local forget = tonumber(ARGV[2]) - (last - redis.call('LLEN', KEYS[2]) / 2)
if forget > 0 then redis.call('LTRIM', KEYS[2], string.format('%.0f', 2 * forget), -1) end
return 1
`;
