/** Calls, their payloads and errors, and the events beside them. */
import assert from "node:assert/strict";
import { RemoteError, failure, withBackend } from "./common.mjs";

export async function calls() {
  await withBackend(async (backend) => {
    assert.equal(await backend.call("add", { a: 1, b: 2 }), 3);
    assert.equal(await backend.call("add", [40, 2]), 42);
    assert.equal(await backend.call("nothing"), null);
    for (const value of [
      null,
      true,
      -1.5,
      "",
      "\u0000\n\r\u2028",
      "Zoë 🦉",
      [],
      [[{}]],
      { é: 1 },
    ]) {
      assert.deepEqual(await backend.call("echo", { value }), value);
    }
  });
}

export async function readyComesFirst() {
  await withBackend(
    async (backend) => {
      assert.ok(backend.pid > 0);
      assert.equal((await backend.call("ready")).status, "ready");
    },
    { args: ["--chatty"] },
  );
}

export async function thousandPipelinedCalls() {
  await withBackend(async (backend) => {
    const answers = Array.from({ length: 1000 }, (_, a) => backend.call("add", { a, b: 1 }));
    assert.deepEqual(
      await Promise.all(answers),
      Array.from({ length: 1000 }, (_, a) => a + 1),
    );
  });
}

export async function bigMultibytePayloads() {
  await withBackend(async (backend) => {
    const text = "a√ß漢字🦉é".repeat(65_536);
    const bytes = new TextEncoder().encode(text).length;
    assert.ok(bytes > 1024 * 1024);
    assert.equal(await backend.call("length", { text }), bytes);
    assert.ok((await backend.call("repeat", { text: "a√ß漢字🦉é", times: 65_536 })) === text);
    const both = await Promise.all([1, 2, 3].map(() => backend.call("echo", { value: text })));
    assert.ok(both.every((answer) => answer === text));
  });
}

export async function errorsCarryTypeAndTraceback() {
  await withBackend(async (backend) => {
    const error = await failure(backend.call("divide", { a: 1, b: 0 }), RemoteError);
    assert.equal(error.type, "ZeroDivisionError");
    assert.match(error.message, /division by zero/);
    assert.match(error.traceback, /^Traceback \(most recent call last\):/);
    assert.match(error.traceback, /backend\.py", line \d+, in divide/);
    assert.ok(error.stack.includes("in divide"));
    assert.equal(error.name, "RemoteError");
    const refused = await failure(backend.call("refuse"), RemoteError);
    assert.equal(refused.type, "RefusedError");
    assert.equal(refused.code, "refused");
    assert.deepEqual(refused.data, { limit: 3 });
    assert.match(refused.message, /three is the most, not ✗/);
    assert.equal(await backend.call("add", [1, 1]), 2);
  });
}

export async function errorsOfTheCaller() {
  await withBackend(async (backend) => {
    const missing = await failure(backend.call("nowhere"), RemoteError);
    assert.equal(missing.code, "method_not_found");
    const wrong = await failure(backend.call("add", { a: "1", b: 2 }), RemoteError);
    assert.equal(wrong.code, "invalid_params");
    const unsendable = await failure(backend.call("unsendable"), RemoteError);
    assert.match(unsendable.message, /rows.*\[1\]/);
    await assert.rejects(backend.call("echo", { value: 1n }), TypeError);
    const cycle = {};
    cycle.self = cycle;
    await assert.rejects(backend.call("echo", cycle), TypeError);
    assert.equal(await backend.call("add", [1, 1]), 2);
  });
}

export async function eventsArrive() {
  await withBackend(async (backend) => {
    const [heard, all] = [[], []];
    const off = backend.on("news", (data, topic) => heard.push([topic, data.n, data.text]));
    backend.on("*", (data, topic) => all.push(topic));
    assert.equal(await backend.call("emit", { topic: "news", count: 100 }), 100);
    assert.deepEqual(
      heard,
      Array.from({ length: 100 }, (_, n) => ["news", n, "ünï ✓ 😀"]),
    );
    off();
    await backend.call("emit", { topic: "news", count: 1 });
    await backend.call("emit", { topic: "error", count: 1 });
    assert.equal(heard.length, 100);
    assert.deepEqual(all.slice(100), ["news", "error"]);
  });
}

export async function listenersThatThrowStopNothing() {
  const thrown = [];
  process.on("uncaughtException", (error) => thrown.push(error.message));
  await withBackend(async (backend) => {
    let heard = 0;
    backend.on("news", () => {
      throw new Error("a bad listener");
    });
    backend.on("news", () => (heard += 1));
    assert.equal(await backend.call("emit", { topic: "news", count: 2 }), 2);
    assert.equal(await backend.call("add", [1, 1]), 2);
    assert.equal(heard, 2);
    assert.deepEqual(thrown, ["a bad listener", "a bad listener"]);
  });
}

export async function printingBreaksNothing() {
  let heard = "";
  await withBackend(
    async (backend) => {
      assert.equal(await backend.call("shout", { lines: 2000 }), 2000);
      assert.equal(await backend.call("add", [1, 1]), 2);
    },
    { onStderr: (text) => (heard += text) },
  );
  for (const line of ["stdout 1999 é", "stderr 1999 é", "descriptor 1"]) {
    assert.ok(heard.includes(line), `${line} is missing in ${heard.slice(-300)}`);
  }
  assert.ok(!heard.includes("\ufffd"), "a character was torn in two");
}
