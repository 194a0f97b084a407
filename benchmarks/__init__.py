"""The measuring instrument of bridgekit: ``python -m benchmarks``.

Every figure the project claims is produced here, beside the peers a reader would compare it
with, and relative to a floor that no Python bridge over a pipe can go below. See README.md.
"""
