"""Instruments to pass to a manager: one module for each system that they feed.

Each needs an extra of ``bridgekit-ipc``. An instrument of one's own is a subclass of
:class:`bridgekit.host.instruments.Instrument`.
"""
