"""Decisions as data and pure functions: nothing here starts, reads, waits or looks at a clock."""
