-- Single page views for wrk: each request has an event id of its own, so none is taken for a repetition.
--
--   KEY=hw_... wrk -t2 -c64 -d10s --latency -s bench/load/single.lua http://127.0.0.1:8080
--
-- wrk is a closed loop: a connection sends again when it is answered. Read its latencies as those of a full server.

local key = os.getenv("KEY") or error("set KEY to a write key")
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

function request()
   sent = sent + 1
   local body = string.format(
      '{"event_id":"%s-%d","user_id":"visitor-%d","page_url":"https://shop.example/products/%d"}',
      run, sent, math.random(20000), math.random(1000))
   return wrk.format("POST", "/v1/page_view", headers, body)
end
