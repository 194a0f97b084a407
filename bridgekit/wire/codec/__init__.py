"""Codecs turn one frame's bytes into plain values and back. One file each, found by its name.

A codec module has one class, ``Codec(role, max_depth=..., default=...)``, with ``encode(value)``
returning bytes or raising :class:`~bridgekit.errors.EncodeError`, ``decode(data)`` returning a
value or raising :class:`~bridgekit.errors.DecodeError`, and ``fish_id(head)`` returning the id in
the first bytes of a frame that could not be read, or None. ``default`` converts values that the
codec does not know and raises TypeError when it does not know them either.
"""
