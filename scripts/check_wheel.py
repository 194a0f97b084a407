"""Look at an installed bridgekit from outside of its checkout; used by `make dist`.

python check_wheel.py DIST-FOLDER [EXTRA ...]
"""

from __future__ import annotations

import importlib
import sys
import zipfile
from importlib.metadata import metadata, version
from pathlib import Path

EXTRAS = {
    "fast": "orjson",
    "metrics": "prometheus_client",
    "msgpack": "msgpack",
    "otel": "opentelemetry",
    "tui": "rich",
    "watch": "watchfiles",
}


def main() -> None:
    """Fail with a sentence about whatever is not as it should be."""
    dist, *extras = sys.argv[1:]
    import bridgekit

    home = Path(bridgekit.__file__).resolve().parent
    assert "site-packages" in home.parts, f"bridgekit came from {home}, not from the wheel"
    assert bridgekit.__version__ == version("bridgekit-ipc"), "two versions"
    assert (home / "py.typed").is_file(), "py.typed is not in the wheel"
    offered = set(metadata("bridgekit-ipc").get_all("Provides-Extra") or ())
    assert offered == set(EXTRAS), f"{offered} are offered, {set(EXTRAS)} are tried"
    for name in bridgekit.__all__:
        getattr(bridgekit, name)
    for extra in extras:
        importlib.import_module(EXTRAS[extra])
    wheel = zipfile.ZipFile(next(Path(dist).glob("*.whl")))
    strangers = [name for name in wheel.namelist() if not name.startswith("bridgekit")]
    assert not strangers, f"the wheel holds more than bridgekit: {strangers}"
    print(f"wheel {bridgekit.__version__}: complete, extras tried: {extras or 'none'}")


if __name__ == "__main__":
    main()
