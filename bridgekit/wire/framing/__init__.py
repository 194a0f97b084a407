"""Framings cut a stream of bytes into frames. One file each, found by its name.

A framing module has one class, ``Framing(role, max_frame)``, with ``feed(data)`` returning the
frames that ``data`` completed (a :class:`~bridgekit.errors.ProtocolError` stands in the place of
a frame that had to be skipped), ``eof()`` returning an error if the stream ended inside a frame,
and ``wrap(payload)`` returning the bytes of one frame. Memory stays within ``max_frame`` and
work is linear in the bytes received. ``salvages = True`` on the class says that text printed
into the wire ends up at the front of a frame.
"""
