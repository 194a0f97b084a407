"""Dialects are vocabularies: which plain object means which message. One file each.

A dialect module names the layers below it in ``FRAMING`` and ``CODEC``, so that its own name is
the name of a whole format, and has one class, ``Dialect(role)``, with ``decode(value, out)``
appending the messages that ``value`` means to ``out``, and ``encode(message)`` returning the
plain object that means ``message`` (None: nothing is to be sent). ``preamble`` is what to write
before anything else and ``ready(info)`` returns the object that announces a backend.

Where it is worth it, a dialect also has ``request_text``, ``result_text`` and ``event_text``,
which put the text of a frame together without its object, and ``gather(message, text,
max_frame)``, which returns the frames to write now that ``text`` exists (a batch's answers wait
for each other).
"""
