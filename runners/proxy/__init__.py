"""The recording reverse proxy: every model call of an attempt passes here and leaves a record.

server     the thread, the socket, admission: token, route, limits, queue
live       forwards to the upstream with the upstream's key
scripted   plays a script as the tool calls of whoever asks      offers, fill, speech
replay     answers from recorded calls, or reports drift
reading    what an answer says: usage, model, finish reason      (four protocols)
recorder   masks, packs and hands out each call, in a thread of its own
"""
