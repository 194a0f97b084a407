"""The TypeScript compiler agrees with the example hosts: one typed, one typed in comments."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.hosts import javascript

pytestmark = [pytest.mark.js, pytest.mark.timeout(600)]  # the first test installs the compiler


@pytest.mark.parametrize(("runtime", "suffix"), [("node", "js"), ("bun", "ts")])
def test_types(runtime: str, suffix: str, tmp_path: Path) -> None:
    modules = javascript.install(javascript.HERE)
    options = {
        "noEmit": True,
        "strict": True,
        "noUncheckedIndexedAccess": True,
        "checkJs": True,
        "allowImportingTsExtensions": True,
        "module": "nodenext",
        "target": "es2022",
        "lib": ["es2023"],
        "types": [runtime],
        "typeRoots": [str(modules / "@types")],
        "skipLibCheck": True,
    }
    folder = javascript.HOSTS / runtime
    files = [str(folder / f"bridge.{suffix}"), str(folder / f"main.{suffix}")]
    project = tmp_path / "tsconfig.json"
    project.write_text(json.dumps({"compilerOptions": options, "files": files}))
    javascript.run(modules / ".bin" / "tsc", "-p", project)
