-- Batches of events for wrk, one in twenty a purchase; BATCH says how many to a request.
--
--   KEY=hw_... BATCH=100 wrk -t2 -c16 -d10s --latency -s bench/load/batch.lua http://127.0.0.1:8080
--
-- Events a second are wrk's requests a second times BATCH.

local key = os.getenv("KEY") or error("set KEY to a write key")
local batch = tonumber(os.getenv("BATCH") or "100")
local threads, thread = 0, 0

function setup(each)
   each:set("thread", threads)
   threads = threads + 1
end

function init()
   math.randomseed(os.time() + thread)
   run = string.format("wrk-%d-%d-%d", os.time(), thread, math.random(1e9))
   sent = 0
   headers = { ["Content-Type"] = "application/json", ["X-Write-Key"] = key }
end

local function event(place)
   local of = place % 20 == 0
      and '"type":"conversion","conversion_type":"purchase","value":"19.99"'
      or string.format('"type":"page_view","page_url":"https://shop.example/products/%d"', math.random(1000))
   return string.format('{"event_id":"%s-%d-%d","user_id":"visitor-%d",%s}', run, sent, place, math.random(20000), of)
end

function request()
   sent = sent + 1
   local events = {}
   for place = 1, batch do
      events[place] = event(place)
   end
   return wrk.format("POST", "/v1/events", headers, "[" .. table.concat(events, ",") .. "]")
end
