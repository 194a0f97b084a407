/** Backends that crash, never start, or are asked to stop. */
import assert from "node:assert/strict";
import {
  Backend,
  BackendDied,
  CallTimeout,
  failure,
  file,
  next,
  python,
  withBackend,
} from "./common.mjs";

export async function crashRejectsEveryPendingCall() {
  await withBackend(async (backend) => {
    const crash = backend.call("exit", { status: 3 });
    const others = Array.from({ length: 50 }, () => backend.call("add", [1, 1]));
    const abortable = backend.call("add", [1, 1], { signal: new AbortController().signal });
    for (const call of [crash, ...others, abortable]) {
      const error = await failure(call, BackendDied);
      assert.equal(error.exitCode, 3);
      assert.equal(error.signal, null);
      assert.match(error.stderr, /no more of this, thé end/);
      assert.match(error.message, /exit code 3.*\n.*no more of this/);
    }
    const late = await failure(backend.call("add", [1, 1]), BackendDied);
    assert.match(late.message, /^add: /);
  });
}

export async function crashByASignal() {
  await withBackend(async (backend) => {
    const error = await failure(backend.call("kill", { number: 9 }), BackendDied);
    assert.equal(error.signal, "SIGKILL");
    assert.match(error.message, /SIGKILL/);
  });
}

export async function failedStartsExplainThemselves() {
  const start = (path, options) => Backend.spawn(path, { python, ...options });
  const missing = await failure(start(`${file}.not-there`), BackendDied);
  assert.match(missing.message, /exit code 2/);
  assert.match(missing.stderr, /No such file/);
  const broken = await failure(start(file, { args: ["--no-start"] }), BackendDied);
  assert.match(broken.stderr, /ImportError: nothing by that name, sørry/);
  const nobody = await failure(start(file, { python: "no-such-python" }), BackendDied);
  assert.match(nobody.message, /no-such-python/);
  await failure(start("-", { args: ["-c", "1"], startTimeout: 50 }), CallTimeout);
}

export async function stopIsOrderly() {
  let heard = "";
  const options = { onStderr: (text) => (heard += text) };
  await withBackend(async (backend) => {
    await Promise.all([backend.stop(), backend.stop()]);
    const error = await failure(backend.call("add", [1, 1]), BackendDied);
    assert.equal(error.exitCode, 0);
  }, options);
  assert.equal(heard.split("the shutdown hook ran").length, 2);
}

export async function stopInsists() {
  await withBackend(async (backend) => {
    const stubborn = next(backend, "stubborn");
    const call = failure(backend.call("stubborn"), BackendDied);
    await stubborn;
    await backend.stop({ grace: 200 });
    assert.equal((await call).signal, "SIGKILL");
  });
}
