"""``python .../bridgekit/backend/__main__.py TARGET [args]``: how a host starts a backend.

As a script it is compiled each time, so it holds nothing but the way to the rest.
"""

import gc
import sys

gc.disable()  # nothing that is loaded here will be garbage; see ``target``

if not __package__:
    # Lent to an interpreter that need not have bridgekit: found here, and nothing else is.
    _folder = __file__.replace("\\", "/").rsplit("/", 3)[0]
    if not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
        del sys.path[0]  # this file's own folder
    sys.path.insert(0, _folder)
    import bridgekit  # noqa: F401

    sys.path.remove(_folder)

from bridgekit.backend.target import main  # noqa: E402

main(sys.argv)
