"""The child's side: what a backend process loads, and nothing more.

Everything here runs on CPython 3.9 and later with the standard library only, and avoids that
library's slow parts; rarely needed files load on first need. A fence test names every intruder.
"""
