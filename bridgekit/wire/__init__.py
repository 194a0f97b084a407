"""The wire: bytes into messages and messages into bytes, and nothing else.

Nothing here reads, writes, sleeps, spawns or looks at a clock, so the same code serves the
backend, the asynchronous host, the blocking host and the tests. Four layers, each a folder with
one file per choice, found by name: framing, codec, dialect; :mod:`~bridgekit.wire.connection`
puts a triple of them together.
"""
