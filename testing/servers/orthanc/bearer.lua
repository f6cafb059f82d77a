-- Every request needs a bearer token, whatever it says, so that a client that forgets it is found out. The filter can
-- only say yes or no: a refusal is 403, never 401.
function IncomingHttpRequestFilter(method, uri, ip, username, headers)
  local given = headers['authorization']
  return uri == '/system' or (given ~= nil and string.sub(given, 1, 7) == 'Bearer ' and #given > 7)
end
