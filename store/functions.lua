#!lua name=hitstream_v3

-- The function library: everything that must happen in Redis at once. Loaded by store/functions.py, which wraps each
-- function with types. Raise the version in the first line, in functions.py and in the names at the end together
-- whenever a reply, an argument or a structure changes: two versions may then serve side by side during a rollout.
--
-- Rules that every write here keeps:
--   * A function that fails keeps what it has written so far. So nothing after the first write may raise: arguments are
--     unpacked and checked before it, and every write is a pcall whose failure goes to `mend`.
--   * Keys come from the caller, but for two families whose members only this file knows: the buckets of the
--     deduplication sets and the day hashes of sessions. Both extend a stem that the caller gave.
--   * Arguments are one msgpack array (a tenth of the cost of one RESP argument a value).

local IDLE_MS = 1800000         -- a pause longer than this ends a session
local SLOT_MS = 1800000         -- open sessions lie in the slot they were last seen in
local BOARD_TRIM_AT = 2000      -- a leaderboard is cut back to BOARD_KEEP when it passes this
local BOARD_KEEP = 1000
local BOARD_OTHER = '\0other'   -- the member that holds what was cut; no admitted text has a control character
local ACTIVITY_TRIM_AT = 625    -- trimming at a quarter over the cap spares four of five LTRIMs
local ACTIVITY_KEEP = 500
local STEP_NAMES = 20000        -- names kept a day for prefix steps
local DEDUP_BASE = 256          -- buckets of level 0; each further level has four times as many
local DEDUP_FULL = 6144         -- mean ids a bucket at which a level is full: below the 8,192 where intsets end
local DEDUP_TTL_UNTIL = 32      -- while a bucket holds fewer ids than this on average, each write sets its TTL; later
                                -- all buckets of the level exist (one is missed with probability e^-32)
local ASIDE_TTL = 604800        -- what stood under a key with the wrong type is kept a week
local CHUNK = 4000              -- values a command takes at once: below Lua's stack limit of 8,000

-- What becomes of a write that failed: a key of the wrong type is set aside and the write done again; any other error is
-- noted.
local function mend(noted, reply, command, key, ...)
    if string.find(reply.err, 'WRONGTYPE', 1, true) then
        local aside = key .. ':aside'
        redis.pcall('RENAME', key, aside)
        redis.pcall('EXPIRE', aside, ASIDE_TTL)
        noted[#noted + 1] = 'set aside ' .. key
        reply = redis.pcall(command, key, ...)
        if type(reply) ~= 'table' or not reply.err then
            return reply
        end
    end
    noted[#noted + 1] = command .. ' ' .. key .. ': ' .. reply.err
    return nil
end

-- Runs one write. A loop over events calls redis.pcall itself, and mend() where that fails: it saves a copy of the values.
local function apply(noted, command, key, ...)
    local reply = redis.pcall(command, key, ...)
    if type(reply) == 'table' and reply.err then
        return mend(noted, reply, command, key, ...)
    end
    return reply
end

-- apply() for a list of any length, in chunks; `per` values belong together.
local function apply_all(noted, command, key, values, per)
    local step = CHUNK - CHUNK % per
    for from = 1, #values, step do
        apply(noted, command, key, unpack(values, from, math.min(from + step - 1, #values)))
    end
end

local function read(command, key, ...)
    local reply = redis.pcall(command, key, ...)
    if type(reply) == 'table' and reply.err then
        return nil  -- of the wrong type: the write that follows sets it aside
    end
    return reply
end

-- Deduplication -------------------------------------------------------------------------------------------------
-- A generation (a day) is a hash {level -> ids in it} and, for each level, DEDUP_BASE * 4^level sets of integers.
-- New ids go into the highest level; when that is full the next one opens. So a bucket stays a sorted array of at
-- most about 8,192 eight-byte integers, whatever the traffic: 8 to 10 bytes an id. Larger ones cost more to insert into,
-- smaller ones more calls: with a quarter of this size commits took a fifth longer after half a million ids.

local function levels_of(key)
    local levels = 0
    while read('HEXISTS', key, levels) == 1 do
        levels = levels + 1
    end
    return levels
end

-- ids: flat {bucket, id, ...}. -> {{set name, {id, ...}, {position, ...}}, ...} for one level
local function by_bucket(key, level, ids)
    local groups, index, buckets = {}, {}, DEDUP_BASE * 4 ^ level
    for i = 1, #ids, 2 do
        local bucket = ids[i] % buckets
        local group = index[bucket]
        if not group then
            group = {key .. ':' .. level .. ':' .. bucket, {}, {}}
            index[bucket] = group
            groups[#groups + 1] = group
        end
        group[2][#group[2] + 1] = ids[i + 1]
        group[3][#group[3] + 1] = (i - 1) / 2
    end
    return groups
end

-- -> positions of the ids that the generation holds, and the groups of its highest level
local function find_seen(key, ids)
    local seen, groups = {}, nil
    for level = 0, levels_of(key) - 1 do
        groups = by_bucket(key, level, ids)
        for _, group in ipairs(groups) do
            local found = read('SMISMEMBER', group[1], unpack(group[2])) or {}
            for i = 1, #found do
                if found[i] == 1 then
                    seen[#seen + 1] = group[3][i]
                end
            end
        end
    end
    return seen, groups
end

-- groups: the ids by the buckets of the highest level, where find_seen made them
local function remember(noted, key, ttl, ids, groups)
    if #ids == 0 then
        return
    end
    local level = math.max(levels_of(key) - 1, 0)
    local held = tonumber(read('HGET', key, level) or 0) or 0
    if held >= DEDUP_FULL * DEDUP_BASE * 4 ^ level then
        level, held, groups = level + 1, 0, nil
    end
    local young = held < DEDUP_TTL_UNTIL * DEDUP_BASE * 4 ^ level
    for _, group in ipairs(groups or by_bucket(key, level, ids)) do
        apply(noted, 'SADD', group[1], unpack(group[2]))
        if young then
            apply(noted, 'EXPIRE', group[1], ttl)
        end
    end
    apply(noted, 'HINCRBY', key, level, #ids / 2)
    apply(noted, 'EXPIRE', key, ttl)
end

-- Sessions --------------------------------------------------------------------------------------------------------
-- An open session is `start,last,events,minute,hour,day` under its hash in the slot of its last event: milliseconds,
-- and the buckets that it was first counted in (epoch minutes, the site's date), where all its figures stay.

local function parse_visit(text)
    local start, last, events, minute, hour, day = string.match(text, '^(%d+),(%d+),(%d+),(%d+),(%d+),(.+)$')
    if start then
        return {start = tonumber(start), last = tonumber(last), events = tonumber(events),
                minute = minute, hour = hour, day = day}
    end
end

local function tally(sums, key, field, amount)
    local fields = sums[key]
    if not fields then
        fields = {}
        sums[key] = fields
    end
    fields[field] = (fields[field] or 0) + amount
end

local function count_visit(sums, site, metric, visit, amount)
    if amount ~= 0 then
        tally(sums.hours, site.count .. metric .. ':' .. visit.day, 'total', amount)
        tally(sums.hours, site.count .. metric .. ':' .. visit.day, visit.hour, amount)
        tally(sums.minutes, site.minutes .. metric .. ':' .. visit.day, visit.minute, amount)
    end
end

-- The open session that a burst of events belongs to, and the slot it was found in; nil where it begins a new one.
local function open_visit(held, n, first, last)
    for s = 1, #held do
        local visit = held[s][n] and parse_visit(held[s][n])
        if visit and first - visit.last <= IDLE_MS and visit.start - last <= IDLE_MS then
            return visit, s
        end
    end
end

-- Extends the visit by a burst, counting what that changes.
local function extend_visit(sums, site, visit, first, last, events)
    local start, latest = math.min(visit.start, first), math.max(visit.last, last)
    count_visit(sums, site, 'session_ms', visit, (latest - start) - (visit.last - visit.start))
    if visit.events == 1 and events > 0 then
        count_visit(sums, site, 'bounces', visit, -1)
    end
    visit.start, visit.last, visit.events = start, latest, visit.events + events
end

local function begin_visit(sums, site, visit)
    count_visit(sums, site, 'sessions', visit, 1)
    count_visit(sums, site, 'session_ms', visit, visit.last - visit.start)
    if visit.events == 1 then
        count_visit(sums, site, 'bounces', visit, 1)
    end
end

-- group: {count stem, minutes stem, {slot key, ...}, number of the first slot, bursts}, the slots consecutive;
-- bursts: flat {session, first, last, events, minute, hour, day, ...}, one a session; one without events, of signs
-- only, begins no session
local function apply_visits(noted, sums, group, ttl)
    local site, slots, first_slot, bursts = {count = group[1], minutes = group[2]}, group[3], group[4], group[5]
    local names = {}
    for i = 1, #bursts, 7 do
        names[#names + 1] = bursts[i]
    end
    local held, put, gone = {}, {}, {}
    for s, slot in ipairs(slots) do
        held[s], put[s], gone[s] = read('HMGET', slot, unpack(names)) or {}, {}, {}
    end
    for n, session in ipairs(names) do
        local i = (n - 1) * 7
        local first, last, events = bursts[i + 2], bursts[i + 3], bursts[i + 4]
        local visit, was = open_visit(held, n, first, last)
        if visit then
            extend_visit(sums, site, visit, first, last, events)
        elseif events > 0 then
            visit = {start = first, last = last, events = events,
                     minute = bursts[i + 5], hour = bursts[i + 6], day = bursts[i + 7]}
            begin_visit(sums, site, visit)
        end
        if visit then
            local s = math.floor(visit.last / SLOT_MS) - first_slot + 1
            if was and was ~= s then
                gone[was][#gone[was] + 1] = session
            end
            put[s][#put[s] + 1] = session
            put[s][#put[s] + 1] = string.format('%d,%d,%d,%s,%s,%s', visit.start, visit.last, visit.events,
                                                visit.minute, visit.hour, visit.day)
        end
    end
    for s, slot in ipairs(slots) do
        if #gone[s] > 0 then
            apply_all(noted, 'HDEL', slot, gone[s], 1)
        end
        if #put[s] > 0 then
            apply_all(noted, 'HSET', slot, put[s], 2)
            apply(noted, 'EXPIRE', slot, ttl)
        end
    end
end

local function apply_sums(noted, sums, ttl)
    for key, fields in pairs(sums) do
        for field, amount in pairs(fields) do
            apply(noted, 'HINCRBY', key, field, string.format('%d', amount))
        end
        apply(noted, 'EXPIRE', key, ttl)
    end
end

-- Streams and leaderboards ---------------------------------------------------------------------------------------

local function older(a, b)
    local a_ms, a_seq = string.match(a, '(%d+)-(%d+)')
    local b_ms, b_seq = string.match(b, '(%d+)-(%d+)')
    a_ms, b_ms = tonumber(a_ms), tonumber(b_ms)
    return a_ms < b_ms or (a_ms == b_ms and tonumber(a_seq) < tonumber(b_seq))
end

-- The oldest entry that a consumer group has still to acknowledge or to read after; nil where there is no group.
local function oldest_needed(key)
    local needed
    for _, flat in ipairs(read('XINFO', 'GROUPS', key) or {}) do
        local group = {}
        for i = 1, #flat, 2 do
            group[flat[i]] = flat[i + 1]
        end
        local first = group['last-delivered-id']
        if group['pending'] > 0 then
            first = redis.call('XPENDING', key, group['name'])[2]
        end
        if not needed or older(first, needed) then
            needed = first
        end
    end
    return needed
end

-- Cuts a stream to about `cap` entries, but for what a consumer group still needs; at twice the cap it cuts all the
-- same. -> entries that a group has lost so
local function trim(noted, key, cap)
    local length = read('XLEN', key) or 0
    if length <= cap then
        return 0
    end
    local needed = oldest_needed(key)
    if not needed then
        apply(noted, 'XTRIM', key, 'MAXLEN', '~', cap)
        return 0
    end
    apply(noted, 'XTRIM', key, 'MINID', '~', needed, 'LIMIT', length - cap)
    if (read('XLEN', key) or 0) <= 2 * cap then
        return 0
    end
    return apply(noted, 'XTRIM', key, 'MAXLEN', '~', 2 * cap) or 0
end

-- stream: {key, cap, {field name, ...}, rows}, rows flat -> entries lost to a slow consumer group
local function apply_stream(noted, stream)
    local key, names, rows = stream[1], stream[3], stream[4]
    local width, pairs_of = #names, {}
    for k = 1, width do
        pairs_of[2 * k - 1] = names[k]
    end
    for row = 0, #rows - width, width do
        for k = 1, width do
            pairs_of[2 * k] = rows[row + k]
        end
        local reply = redis.pcall('XADD', key, '*', unpack(pairs_of, 1, 2 * width))
        if reply.err then
            mend(noted, reply, 'XADD', key, '*', unpack(pairs_of, 1, 2 * width))
        end
    end
    return trim(noted, key, stream[2])
end

-- board: {key, ttl, {member, score, ...}}
local function apply_board(noted, board)
    local key, scores = board[1], board[3]
    for i = 1, #scores, 2 do
        local reply = redis.pcall('ZINCRBY', key, scores[i + 1], scores[i])
        if type(reply) == 'table' and reply.err then
            mend(noted, reply, 'ZINCRBY', key, scores[i + 1], scores[i])
        end
    end
    apply(noted, 'EXPIRE', key, board[2])
    if (read('ZCARD', key) or 0) > BOARD_TRIM_AT then
        local rest = read('ZRANGE', key, 0, -BOARD_KEEP - 1, 'WITHSCORES') or {}
        local other = 0
        for i = 2, #rest, 2 do
            other = other + rest[i]
        end
        apply(noted, 'ZREMRANGEBYRANK', key, 0, -BOARD_KEEP - 1)
        apply(noted, 'ZINCRBY', key, other, BOARD_OTHER)
    end
end

-- commit ----------------------------------------------------------------------------------------------------------
-- FCALL hitstream_v3_commit 5 <fences> <dedup of this generation> <of the one before> <of the one after> <absent> <batch>
--   absent  a key that never exists: on a cluster it keeps a commit from running while its slot is between two servers
--   batch   msgpack array, built by store/commit.py:
--           journal, previous, last, dedup ttl, ids, streams, sums, users, boards, trails, steps, activity, visits
-- Applies a batch of journalled events, all of it or nothing, and moves the journal's fence from `previous` to `last`.
-- Replies
--   {'ok', lost, note, ...}    applied; `lost` stream entries were cut before a slow group read them, and each note
--                              names a key that had to be set aside or a write that failed
--   {'fence', at}              nothing applied: the fence stands elsewhere
--   {'seen', position, ...}    nothing applied: these of the ids (from 0) have been counted before
local function commit(keys, args)
    local batch = cmsgpack.unpack(args[1])
    local journal, previous, last, dedup_ttl, ids = batch[1], batch[2], batch[3], batch[4], batch[5]
    local streams, sums, users, boards = batch[6], batch[7], batch[8], batch[9]
    local trails, steps, activity, visits = batch[10], batch[11], batch[12], batch[13]
    if #keys ~= 5 or #batch ~= 13 then
        return redis.error_reply('ERR hitstream: a commit takes 5 keys and 13 sections')
    end
    local fence = tonumber(redis.call('HGET', keys[1], journal) or 0)
    if fence ~= previous then
        return {'fence', string.format('%d', fence)}
    end
    local seen, groups = find_seen(keys[2], ids)
    for other = 3, 4 do  -- the day that has begun by another worker's clock too, or by ours before it was put back
        for _, position in ipairs((find_seen(keys[other], ids))) do
            seen[#seen + 1] = position
        end
    end
    if #seen > 0 then
        return {'seen', unpack(seen)}
    end
    redis.call('HSET', keys[1], journal, string.format('%d', last))  -- the first write: it fails before all others

    local noted = {}
    remember(noted, keys[2], dedup_ttl, ids, groups)
    local lost = 0
    for _, stream in ipairs(streams) do
        lost = lost + apply_stream(noted, stream)
    end
    for _, sum in ipairs(sums) do  -- {key, ttl, {field, amount, ...}}
        for i = 1, #sum[3], 2 do
            apply(noted, 'HINCRBY', sum[1], sum[3][i], string.format('%d', sum[3][i + 1]))
        end
        apply(noted, 'EXPIRE', sum[1], sum[2])
    end
    for _, distinct in ipairs(users) do  -- {key, ttl, {user, ...}, {key that it is merged into, ttl, ...}}
        apply_all(noted, 'PFADD', distinct[1], distinct[3], 1)
        apply(noted, 'EXPIRE', distinct[1], distinct[2])
        for i = 1, #distinct[4], 2 do
            apply(noted, 'PFMERGE', distinct[4][i], distinct[1])
            apply(noted, 'EXPIRE', distinct[4][i], distinct[4][i + 1])
        end
    end
    for _, board in ipairs(boards) do
        apply_board(noted, board)
    end
    for _, trail in ipairs(trails) do  -- {key, ttl, records}
        apply(noted, 'APPEND', trail[1], trail[3])
        apply(noted, 'EXPIRE', trail[1], trail[2])
    end
    for _, names in ipairs(steps) do  -- {key, ttl, {hash, name, ...}}
        if (read('HLEN', names[1]) or 0) < STEP_NAMES then
            apply_all(noted, 'HSET', names[1], names[3], 2)
        end
        apply(noted, 'EXPIRE', names[1], names[2])
    end
    for _, acts in ipairs(activity) do  -- {key, ttl, {line, ...}}
        local length = apply(noted, 'RPUSH', acts[1], unpack(acts[3]))
        if length == #acts[3] then  -- it is new; its name holds a day, so one TTL lasts it
            apply(noted, 'EXPIRE', acts[1], acts[2])
        elseif length and length > ACTIVITY_TRIM_AT then
            apply(noted, 'LTRIM', acts[1], -ACTIVITY_KEEP, -1)
        end
    end
    local visit_sums = {hours = {}, minutes = {}}
    for _, group in ipairs(visits[4]) do  -- {slot ttl, count ttl, minutes ttl, groups}
        apply_visits(noted, visit_sums, group, visits[1])
    end
    apply_sums(noted, visit_sums.hours, visits[2])
    apply_sums(noted, visit_sums.minutes, visits[3])
    return {'ok', lost, unpack(noted, 1, math.min(#noted, 100))}
end

-- skip --------------------------------------------------------------------------------------------------------------
-- FCALL hitstream_v3_skip 2 <fences> <gaps> <journal> <previous> <to> <reason> <cap>
-- Moves the fence over events that a journal cannot replay, and notes the gap. -> 1, or 0 where the fence stands elsewhere
local function skip(keys, args)
    local journal, previous, to = args[1], tonumber(args[2]), tonumber(args[3])
    if to <= previous or tonumber(redis.call('HGET', keys[1], journal) or 0) ~= previous then
        return 0
    end
    redis.call('HSET', keys[1], journal, string.format('%d', to))
    redis.call('XADD', keys[2], 'MAXLEN', '~', args[5], '*', 'journal', journal, 'after', args[2], 'to', args[3],
               'events', string.format('%d', to - previous), 'reason', args[4])
    return 1
end

redis.register_function('hitstream_v3_commit', commit)
redis.register_function('hitstream_v3_skip', skip)
