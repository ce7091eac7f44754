-- Requests of wrk: EVENTS in each body (1: the single-event route), every transaction id sent once in all runs, each
-- event of the metric CODE, for the subscriptions CODE-0 to CODE-(SUBSCRIPTIONS - 1).
local per_request = tonumber(os.getenv("EVENTS"))
local key, run, code = os.getenv("API_KEY"), os.getenv("RUN"), os.getenv("CODE")
local subscriptions = tonumber(os.getenv("SUBSCRIPTIONS"))
local models = { "small", "medium", "large" }
local regions = { "eu-west-1", "us-east-1", "ap-south-1", "sa-east-1" }
local threads = 0
local refused = {}

function setup(thread)
  thread:set("id", threads)
  threads = threads + 1
end

function init(args)
  number = 0
  headers = { ["authorization"] = "Bearer " .. key, ["content-type"] = "application/json" }
  base = os.time()
end

local function event()
  number = number + 1
  return string.format(
    '{"transaction_id":"%s-%d-%09d","code":"%s","external_subscription_id":"%s-%d","timestamp":%d.%03d,' ..
    '"properties":{"tokens":%d,"model":"%s","region":"%s"}}',
    run, id, number, code, code, number % subscriptions, base - number % 86400, number % 1000, number % 5000,
    models[number % 3 + 1], regions[number % 4 + 1])
end

function request()
  if per_request == 1 then
    return wrk.format("POST", "/api/v1/events", headers, '{"event":' .. event() .. "}")
  end
  local events = {}
  for place = 1, per_request do
    events[place] = event()
  end
  return wrk.format("POST", "/api/v1/events/batch", headers, '{"events":[' .. table.concat(events, ",") .. "]}")
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"seconds":%f,"median_ms":%f,"p99_ms":%f,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
