"""Puts the real package in its own place."""

import os
import sys
from importlib.util import module_from_spec, spec_from_file_location

_real = os.path.abspath(__file__)
for _ in range(4):
    _real = os.path.dirname(_real)
_spec = spec_from_file_location(
    __name__, os.path.join(_real, "__init__.py"), submodule_search_locations=[_real]
)
assert _spec is not None
assert _spec.loader is not None
sys.modules[__name__] = _module = module_from_spec(_spec)
_spec.loader.exec_module(_module)
