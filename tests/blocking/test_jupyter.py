"""Under a real Jupyter kernel: calls, streams, and an interrupted cell."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

import pytest

from tests.blocking.script import ROOT
from tests.host.support import MENU

jupyter_client = pytest.importorskip("jupyter_client")
pytest.importorskip("ipykernel")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.leaks(reason="jupyter_client keeps sockets and threads of its own"),
    pytest.mark.filterwarnings("ignore"),
]


class Kernel:
    def __init__(self) -> None:
        self._manager = jupyter_client.KernelManager()
        self._manager.start_kernel(cwd=ROOT)
        self._client = self._manager.client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=60)

    def begin(self, code: str) -> str:
        return str(self._client.execute(textwrap.dedent(code)))

    def finish(self, message_id: str, interrupt_at: str | None = None) -> str:
        """Return what the cell printed, or its error's name; interrupt it once it said that."""
        said = ""
        while True:
            message: Any = self._client.get_iopub_msg(timeout=60)
            if message["parent_header"].get("msg_id") != message_id:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                said += content["text"]
                if interrupt_at is not None and interrupt_at in said:
                    self._manager.interrupt_kernel()
                    interrupt_at = None
            elif kind == "error":
                said += content["ename"]
            elif kind == "status" and content["execution_state"] == "idle":
                return said

    def run(self, code: str) -> str:
        return self.finish(self.begin(code))

    def close(self) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    kernel = Kernel()
    yield kernel
    kernel.close()


def test_a_notebook(kernel: Kernel) -> None:
    assert (
        kernel.run(
            f"""
            import sys
            sys.path.insert(0, {ROOT!r})
            from bridgekit.blocking import ProcessManager
            manager = ProcessManager()
            menu = manager.spawn({MENU!r})
            print(menu.call("add", {{"a": 40, "b": 2}}))
            """
        )
        == "42\n"
    )
    assert kernel.run("print(list(menu.stream('rows', {'n': 3})), menu.proxy.add(1, 2))") == (
        "[0, 1, 2] 3\n"
    )
    assert kernel.run("import asyncio; asyncio.get_running_loop(); print(menu.call('add', [1]))")
    cell = kernel.begin("print('now', flush=True); menu.call('sleep', {'seconds': 1000})")
    assert kernel.finish(cell, interrupt_at="now") == "now\nKeyboardInterrupt"
    assert kernel.run("print(menu.call('add', {'a': 7}), menu.status.in_flight)") == "7 0\n"
    assert kernel.run("manager.close(); print(menu.status.state)") == "stopped\n"
