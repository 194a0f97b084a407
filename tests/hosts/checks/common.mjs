/** The host under test, and what every check needs of it. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const [hostModule, givenPython] = process.argv.slice(2);
export const { Backend, BackendDied, BridgeError, CallCancelled, CallTimeout, RemoteError } =
  await import(hostModule);
export const python = givenPython;
export const file = fileURLToPath(new URL("../backend.py", import.meta.url));

/** Do `body` with a backend, and stop the backend whatever happens. */
async function withBackend(body, options = {}) {
  const backend = await Backend.spawn(file, { python, startTimeout: 60_000, ...options });
  try {
    await body(backend);
  } finally {
    await backend.stop();
  }
}

/** The error that `promise` rejects with, which must be a `type`. */
async function failure(promise, type) {
  const error = await promise.then(
    (value) => assert.fail(`expected ${type.name}, got ${JSON.stringify(value)}`),
    (reason) => reason,
  );
  assert.ok(error instanceof type, `expected ${type.name}, got ${error?.stack ?? error}`);
  assert.ok(error instanceof BridgeError && error instanceof Error);
  return error;
}

/** The data of the next event of that topic. */
function next(backend, topic) {
  return new Promise((resolve) => {
    const off = backend.on(topic, (data) => {
      off();
      resolve(data);
    });
  });
}

/** Ask until `method` says something: a cancelled method ends after its caller has moved on. */
async function eventually(backend, method, params) {
  for (;;) {
    const value = await backend.call(method, params);
    if (value) return value;
  }
}

export { eventually, failure, next, withBackend };
