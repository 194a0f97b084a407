"""The host lends its copy of bridgekit to every CPython of this machine, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import bridgekit
from bridgekit import BackendStartError, CallTimeout, InvalidParams, ProcessManager, RemoteError
from tests.host.support import CHILDREN, DEADLINE
from tests.support import pythons

LODGER = str(CHILDREN / "lodger.py")
OURS = str(Path(bridgekit.__file__).resolve())
HOSTS_OWN = ["anyio", "attrs", "cattrs", "pytest", "tests"]
ONE_LOOP = pytest.mark.parametrize("anyio_backend", ["asyncio"])
"""The child does not know which event loop its host has."""


def make_environment(python: str, folder: Path) -> Path:
    """A virtual environment with nothing in it."""
    subprocess.run([python, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=60)
    return folder


@pytest.fixture(scope="module", params=pythons.VERSIONS)
def tenant(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment without bridgekit, for each CPython that there is."""
    python = pythons.find(request.param)
    if python is None:
        pytest.skip(f"this machine has no CPython {request.param}")
    return make_environment(python, tmp_path_factory.mktemp("tenant"))


def packages_of(environment: Path) -> Path:
    (found,) = environment.glob("lib/python*/site-packages")
    return found


async def test_everything_works_that_needs_no_package(anyio_backend: str, tenant: Path) -> None:
    async with ProcessManager(call_timeout=DEADLINE) as manager:
        manager.expose("answer", lambda question: {"to": question})
        backend = await manager.spawn(LODGER, python=tenant)
        where = await backend.call("where")
        assert where["executable"].startswith(str(tenant))
        assert (where["bridgekit"], where["release"]) == (OURS, bridgekit.__version__)
        assert await backend.call("add", {"a": 1}) == 2
        assert await backend.call("later", {"value": "x"}) == "x"
        assert [n async for n in backend.stream("count", {"n": 3})] == [0, 1, 2]
        assert [n async for n in backend.stream("count_later", {"n": 3})] == [0, 1, 2]
        assert await backend.call_many("add", [{"a": 1}, [2, 3]]) == [2, 5]
        topics: list[str] = []
        backend.on("told", lambda event: topics.append(event.topic))
        await backend.call("tell", on_event=lambda event: topics.append(event.topic))
        assert {"$/output", "$/progress", "$/log", "told"} <= set(topics)
        assert await backend.call("ask", {"question": "why"}) == {"to": "why"}
        with pytest.raises(InvalidParams, match=r"'a' must be int"):
            await backend.call("add", {"a": "1"})
        with pytest.raises(RemoteError, match="on purpose") as caught:
            await backend.call("fail")
        assert "lodger.py" in (caught.value.traceback or "")
        with pytest.raises(CallTimeout):
            await backend.call("sleep", {"seconds": 60}, timeout=0.05)
        assert {method["name"] for method in (await backend.call("$/describe"))["methods"]} > {
            "add",
            "measure",
        }


@ONE_LOOP
async def test_only_bridgekit_is_lent(anyio_backend: str, tenant: Path) -> None:
    async with ProcessManager(call_timeout=DEADLINE) as manager:
        backend = await manager.spawn(LODGER, python=tenant)
        assert await backend.call("finds", {"names": ["bridgekit"]}) == ["bridgekit"]
        assert await backend.call("finds", {"names": HOSTS_OWN}) == []


@ONE_LOOP
async def test_processes_that_it_starts_find_it_too(anyio_backend: str, tenant: Path) -> None:
    async with ProcessManager(call_timeout=DEADLINE) as manager:
        backend = await manager.spawn(LODGER, python=tenant)
        assert await backend.call("spread", {"numbers": [1, 2]}) == [2, 4]


@ONE_LOOP
async def test_inline_code_runs_there(anyio_backend: str, tenant: Path) -> None:
    async with ProcessManager() as manager:
        code = "import sys\nreturn [n, sys.executable]"
        number, python = await manager.execute(code, {"n": 1}, python=tenant)
        assert number == 1
        assert python.startswith(str(tenant))


@ONE_LOOP
async def test_a_missing_package_is_named_with_its_interpreter(
    anyio_backend: str, tenant: Path, tmp_path: Path
) -> None:
    chain = tmp_path / "toolbox"
    chain.mkdir()
    (chain / "__init__.py").write_text("from toolbox.deep import x\n")
    (chain / "deep.py").write_text(
        "try:\n    import no_such_array\nexcept ImportError as error:\n"
        "    raise ImportError('toolbox cannot be used') from error\n"
    )
    python = tenant / "bin" / "python"
    for line in ("import no_such_array", "import toolbox"):
        script = tmp_path / "counter.py"
        script.write_text(f"{line}\nfrom bridgekit import PythonBridge\n")
        async with ProcessManager() as manager:
            with pytest.raises(BackendStartError) as caught:
                await manager.spawn(script, python=python)
        assert (
            f"it needs the package 'no_such_array', which {python} does not have; "
            f"install it there: {python} -m pip install no_such_array"
        ) in str(caught.value)


@ONE_LOOP
async def test_a_package_that_a_call_misses(anyio_backend: str, tenant: Path) -> None:
    async with ProcessManager() as manager:
        backend = await manager.spawn(LODGER, python=tenant)
        python = (await backend.call("where"))["executable"]
        with pytest.raises(RemoteError) as caught:
            await backend.call("plot")
        assert f"'no_such_plotting_package', which {python} does not have" in str(caught.value)
        assert caught.value.type == "ModuleNotFoundError"
        with pytest.raises(RemoteError, match=r"Point needs the package 'c?attrs'") as caught:
            await backend.call("measure", {"point": {"x": 1, "y": 2}})
        assert python in str(caught.value)


@ONE_LOOP
async def test_a_wire_that_needs_a_package(anyio_backend: str, tenant: Path) -> None:
    async with ProcessManager() as manager:
        with pytest.raises(BackendStartError) as caught:
            await manager.spawn(LODGER, python=tenant, wire="msgpack")
        assert f"the package 'msgpack', which {tenant}" in str(caught.value)


@ONE_LOOP
async def test_structured_parameters_with_the_packages_of_the_interpreter(
    anyio_backend: str, tmp_path: Path
) -> None:
    environment = make_environment(sys.executable, tmp_path / "venv")
    ours = Path(sysconfig.get_paths()["purelib"])
    for name in ("attr", "attrs", "cattr", "cattrs", "typing_extensions.py"):
        (packages_of(environment) / name).symlink_to(ours / name)
    async with ProcessManager() as manager:
        backend = await manager.spawn(LODGER, python=environment)
        assert await backend.call("measure", {"point": {"x": 1, "y": 2}}) == 3


@pytest.mark.parametrize("loaded", [False, True], ids=["installed", "loaded by its site"])
@ONE_LOOP
async def test_the_copy_of_the_host_wins(anyio_backend: str, tmp_path: Path, loaded: bool) -> None:
    environment = make_environment(sys.executable, tmp_path / "venv")
    packages = packages_of(environment)
    (packages / "bridgekit").mkdir()
    (packages / "bridgekit" / "__init__.py").write_text("__version__ = '0.0.1'\nother = True\n")
    if loaded:
        (packages / "early.pth").write_text("import bridgekit\n")
    async with ProcessManager() as manager:
        backend = await manager.spawn(LODGER, python=environment)
        where = await backend.call("where")
        assert (where["bridgekit"], where["release"]) == (OURS, bridgekit.__version__)
