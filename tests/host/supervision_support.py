"""What the tests of supervision share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bridgekit import (
    BackendDied,
    RestartPolicy,
)
from bridgekit.host.handle import Backend
from tests.host.support import CHILDREN

MOODY = str(CHILDREN / "moody.py")
AT_ONCE = RestartPolicy(backoff=0)


OF_ANOTHER_PROTOCOL = """
import sys
sys.stdout.write('{"id":1,"status":"success","result":{"protocol":99}}\\0')
sys.stdout.flush()
sys.stdin.read()
"""


def moods(folder: Path, *names: str) -> dict[str, str]:
    path = folder / "moods"
    path.write_text("\n".join(names))
    return {"MOODS": str(path)}


async def failing(backend: Backend, method: str, *args: Any, **options: Any) -> BackendDied:
    with pytest.raises(BackendDied) as caught:
        await backend.call(method, list(args), **options)
    return caught.value
