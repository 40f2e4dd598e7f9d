-- What wrk asks, for bench.sh:  -- KIND COUNT

local browser = {
  ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
  ["Accept"] = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
  ["Accept-Language"] = "en-US,en;q=0.5",
  ["Accept-Encoding"] = "gzip, deflate, br, zstd",
  ["Cookie"] = "session=2f7a5c0e9b1d4c6f8e3a7b5d; theme=dark; lang=en",
  ["Sec-Fetch-Dest"] = "document",
  ["Sec-Fetch-Mode"] = "navigate",
  ["Sec-Fetch-Site"] = "same-origin",
  ["Upgrade-Insecure-Requests"] = "1",
  ["Priority"] = "u=0, i",
}

local requests, left

function init(arguments)
  local kind = arguments[1]
  left = tonumber(arguments[2])
  if kind == "bare" then
    requests = wrk.format("GET", "/")
  elseif kind == "browser" then
    requests = wrk.format("GET", "/", browser)
  elseif kind == "post" then
    requests = wrk.format("POST", "/echo", browser, string.rep("x", 1024))
  elseif kind == "pipelined" then
    requests = string.rep(wrk.format("GET", "/", browser), 16)
  else
    error("no such kind: " .. tostring(kind))
  end
end

function request()
  left = left - 1
  if left < 0 then wrk.thread:stop() end
  return requests
end
