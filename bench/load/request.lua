-- For wrk: the same POST on every connection, and the result as one JSON line.
-- BENCH_BODY names the file with the body, BENCH_KEYS are client keys, separated by commas: each
-- request takes the next one.
local file = assert(io.open(os.getenv("BENCH_BODY"), "rb"))
wrk.method = "POST"
wrk.body = file:read("*a")
wrk.headers["Content-Type"] = "application/json"
file:close()

local keys = {}
for key in os.getenv("BENCH_KEYS"):gmatch("[^,]+") do
  keys[#keys + 1] = key
end
wrk.headers["Authorization"] = "Bearer " .. keys[1]

if #keys > 1 then
  local requests, latest = {}, 0
  function init(arguments)
    for i, key in ipairs(keys) do
      wrk.headers["Authorization"] = "Bearer " .. key
      requests[i] = wrk.format()
    end
  end
  function request()
    latest = latest % #requests + 1
    return requests[latest]
  end
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"errors":%d,"p50_us":%d,"p99_us":%d}\n',
    summary.requests, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
