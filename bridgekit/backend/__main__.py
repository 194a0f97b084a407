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
    if "bridgekit" in sys.modules:  # loaded by the interpreter's own site: perhaps another version
        for _name in [each for each in sys.modules if each.partition(".")[0] == "bridgekit"]:
            del sys.modules[_name]
    sys.path.insert(0, _folder)
    import bridgekit  # noqa: F401

    del sys.path[0]
    if _folder not in sys.path:  # for the processes that the backend starts
        sys.path.append(_folder + "/bridgekit/backend/lent")

from bridgekit.backend.target import main  # noqa: E402

main(sys.argv)
