"""How much a visitor, a network, a website and a tenant may ask: turns a minute, turns and tokens a day.

`limits`, `throttled-py` and other libraries take one trip to Redis for each limit, and what the first one counted
stays counted when the second refuses; the moving window of `limits` goes by the client's clock besides. Here one
script on Redis's own clock decides all limits of a request together (``shared``); while Redis is away each process
counts for itself (``local``).
"""
