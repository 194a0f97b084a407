"""Benches that are not ratios by rounds: a file has ``TITLE``, ``BOTH_MODES``, ``run(settings)``."""
