/** What a host gets that has said `$/hello`. */
import assert from "node:assert/strict";
import { BackendDied, RemoteError, eventually, failure, withBackend } from "./common.mjs";

export async function streams() {
  await withBackend(async (backend) => {
    assert.deepEqual(await backend.call("count", { to: 3 }), [0, 1, 2]);
    const hello = await backend.hello();
    assert.equal(hello.protocol, 1);
    const seen = [];
    for await (const n of backend.stream("count", { to: 1000 })) seen.push(n);
    assert.deepEqual(
      seen,
      Array.from({ length: 1000 }, (_, n) => n),
    );
    const stream = backend.stream("count", { to: 1 });
    assert.deepEqual(await stream.next(), { done: false, value: 0 });
    assert.deepEqual(await stream.next(), { done: true, value: "all" });
    let bytes = 0;
    for await (const block of backend.stream("count", { to: 20, size: 300_000 })) {
      bytes += block.length;
    }
    assert.equal(bytes, 6_000_000);
  });
}

export async function streamsThatFail() {
  await withBackend(async (backend) => {
    await backend.hello();
    const seen = [];
    const read = async () => {
      for await (const n of backend.stream("count", { to: 9, fail_at: 5 })) seen.push(n);
    };
    const error = await failure(read(), RemoteError);
    assert.deepEqual([error.code, seen], ["refused", [0, 1, 2, 3, 4]]);
  });
}

export async function leavingAStreamEndsTheGenerator() {
  await withBackend(async (backend) => {
    await backend.hello();
    for await (const n of backend.stream("forever")) if (n === 200) break;
    assert.equal(await eventually(backend, "recall", { name: "left" }), true);
  });
}

export async function crashInTheMiddleOfAStream() {
  await withBackend(async (backend) => {
    await backend.hello();
    const seen = [];
    const stream = async () => {
      for await (const n of backend.stream("forever")) {
        seen.push(n);
        if (n === 10) backend.call("exit", { status: 4 }).catch(() => {});
      }
    };
    assert.equal((await failure(stream(), BackendDied)).exitCode, 4);
    assert.ok(seen.length > 10);
  });
}

export async function progress() {
  await withBackend(async (backend) => {
    await backend.hello();
    const seen = [];
    const onProgress = ({ progress, message }) => seen.push([progress, message]);
    assert.equal(await backend.call("work", { steps: 4 }, { onProgress }), "done");
    assert.deepEqual(seen, [
      [0.25, "step 1"],
      [0.5, "step 2"],
      [0.75, "step 3"],
      [1, "step 4"],
    ]);
  });
}
