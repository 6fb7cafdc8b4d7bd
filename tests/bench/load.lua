-- What wrk sends: the page, a form's post or an event (B24_LOAD: page, lead, event; with "refused-" an event has a wrong token),
-- each request with values of its own.
local threads = 0
function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init()
  count = 0
  seed = os.time() % 1000000  -- what an earlier load sent is not sent again: an equal lead within a minute is the same one
  local load = os.getenv("B24_LOAD")
  kind = load:gsub("^refused%-", "")
  token = kind == load and os.getenv("B24_TOKEN") or "wrong"
  local host = wrk.host .. ":" .. wrk.port
  headers = { ["Host"] = host, ["Origin"] = "http://" .. host, ["Content-Type"] = "application/x-www-form-urlencoded" }
end

function request()
  if kind == "page" then return wrk.format("GET", nil, headers) end
  count = count + 1
  local id = seed .. number .. string.format("%07d", count)
  if kind == "lead" then
    return wrk.format("POST", nil, headers, "saved=yes&first_name=A" .. id .. "&last_name=B&phone=%2B1" .. id ..
      "&email=a" .. id .. "%40example.com")
  end
  return wrk.format("POST", nil, headers, "event=ONCRMDEALUPDATE&event_handler_id=7&data%5BFIELDS%5D%5BID%5D=" .. id ..
    "&ts=1767225600&auth%5Bdomain%5D=portal.example&auth%5Bclient_endpoint%5D=https%3A%2F%2Fportal.example%2Frest%2F" ..
    "&auth%5Bmember_id%5D=a223c6b3710f85df22e9377d6c4f7553&auth%5Bapplication_token%5D=" .. token)
end

if os.getenv("B24_DELAY") then
  function delay() return tonumber(os.getenv("B24_DELAY")) end
end

function done(summary, latency)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format("RESULT %d %d %d %d\n", summary.requests, summary.duration, bad, latency:percentile(99)))
end
