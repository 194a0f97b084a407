/** Calls that their caller gives up on. */
import assert from "node:assert/strict";
import { CallCancelled, CallTimeout, eventually, failure, next, withBackend } from "./common.mjs";

export async function timeoutsEndTheRemoteCall() {
  await withBackend(async (backend) => {
    const error = await failure(backend.call("sleep", [3600], { timeout: 50 }), CallTimeout);
    assert.match(error.message, /sleep: no reply in 50 ms/);
    assert.equal(await eventually(backend, "recall", { name: "woken" }), true);
  });
}

export async function cancellingEndsASleepingMethod() {
  await withBackend(async (backend) => {
    const controller = new AbortController();
    const asleep = next(backend, "asleep");
    const call = backend.call("sleep", { seconds: 3600 }, { signal: controller.signal });
    await asleep;
    controller.abort(new Error("changed my mind"));
    const error = await failure(call, CallCancelled);
    assert.equal(error.cause.message, "changed my mind");
    assert.equal(await eventually(backend, "recall", { name: "woken" }), true);
  });
}

export async function cancellingEndsABusyMethod() {
  await withBackend(async (backend) => {
    const controller = new AbortController();
    const spinning = next(backend, "spinning");
    const call = backend.call("spin", null, { signal: controller.signal });
    await spinning;
    controller.abort();
    await failure(call, CallCancelled);
    assert.equal(await eventually(backend, "recall", { name: "stopped spinning" }), true);
  });
}

export async function cancellingWhatHasNotBegun() {
  await withBackend(async (backend) => {
    await failure(backend.call("add", [1, 1], { signal: AbortSignal.abort() }), CallCancelled);
    const asleep = next(backend, "asleep");
    const [first, second] = [new AbortController(), new AbortController()];
    const sleeping = backend.call("sleep", [3600], { signal: first.signal });
    const queued = backend.call("sleep", [3600], { signal: second.signal });
    const after = backend.call("add", [1, 1]);
    await asleep;
    second.abort();
    await failure(queued, CallCancelled);
    first.abort();
    await failure(sleeping, CallCancelled);
    assert.equal(await after, 2);
  });
}
