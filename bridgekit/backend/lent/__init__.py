"""A folder for ``sys.path`` in which ``bridgekit`` is all there is to import.

A backend that runs on an interpreter without bridgekit has this folder at the end of its path.
The backend itself has no use for it any more, but the path is what it hands on to processes
that it starts from its own file again, such as the workers of :mod:`multiprocessing`.
"""
