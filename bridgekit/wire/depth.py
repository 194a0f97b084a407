"""How deep a JSON text nests, told from its bytes, before anything recurses into it.

The limits of the parsers themselves differ between versions and codecs; bridgekit enforces one
of its own so that the same frame has the same fate everywhere. Every step is one pass of C code
over the text, so a hostile text costs no more than a long one.
"""

from __future__ import annotations

__all__ = ["too_deep"]

_SKELETON = bytes(byte for byte in range(256) if byte not in b'[]{}"')
_PIECE = 65536
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")


def too_deep(text: bytes, limit: int) -> bool:
    """Tell whether the JSON ``text`` nests deeper than ``limit`` arrays and objects."""
    if text.count(b"[") + text.count(b"{") <= limit:
        return False
    if text.find(b"\\") >= 0:  # left to right, so that \\" is a backslash and an end
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    skeleton = text.translate(None, _SKELETON).replace(b'""', b"")
    if skeleton.find(b'"') >= 0:  # a string holds brackets
        skeleton = _outside_strings(skeleton)
    return _deepest(skeleton.translate(_STEPS), limit) > limit


def _outside_strings(skeleton: bytes) -> bytes:
    """Drop the strings: every second one of the pieces between quotes."""
    kept = bytearray()
    inside = 0
    for at in range(0, len(skeleton), _PIECE):
        pieces = skeleton[at : at + _PIECE].split(b'"')
        kept += b"".join(pieces[inside::2])
        inside ^= (len(pieces) - 1) & 1
    return bytes(kept)


def _deepest(steps: bytes, limit: int) -> int:
    """Return the highest sum that steps of +1 and -1 reach; it may stop past ``limit``.

    Innermost pairs are taken away as long as that halves the rest, which it does with the wide
    and shallow shapes of real data; what remains is added up.
    """
    removed = 0
    while steps:
        smaller = steps.replace(b"\x01\xff", b"")
        if 2 * len(smaller) > len(steps):
            break
        removed += 1
        steps = smaller
    if not steps or removed > limit:
        return removed
    from itertools import accumulate

    deepest, sums = removed, [removed]
    for at in range(0, len(steps), _PIECE):
        sums = list(accumulate(memoryview(steps)[at : at + _PIECE].cast("b"), initial=sums[-1]))
        highest = max(sums)
        if highest > deepest:
            deepest = highest
            if deepest > limit:
                break
    return deepest
