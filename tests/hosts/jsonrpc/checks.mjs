/** What a host on vscode-jsonrpc must see, one exported function for each check. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { CancellationTokenSource, ErrorCodes, ProgressType, ResponseError } from "vscode-jsonrpc/node";
import { next, withConnection } from "./peer.mjs";

const REQUEST_CANCELLED = -32800; // the Language Server Protocol's

/** The error response that `promise` ends with. */
async function failure(promise) {
  const error = await promise.then(
    (value) => assert.fail(`expected an error, got ${JSON.stringify(value)}`),
    (reason) => reason,
  );
  assert.ok(error instanceof ResponseError, `${error?.stack ?? error}`);
  return error;
}

export async function requests() {
  await withConnection(async (connection) => {
    connection.listen();
    assert.equal(await connection.sendRequest("add", { a: 1, b: 2 }), 3);
    assert.equal(await connection.sendRequest("add", 40, 2), 42);
    assert.equal(await connection.sendRequest("nothing"), null);
    for (const value of [null, true, -1.5, "\n\r\u2028\u0000", "Zoë 🦉", [[{}]], { é: 1 }]) {
      assert.deepEqual(await connection.sendRequest("echo", { value }), value);
    }
  });
}

export async function thousandPipelinedRequests() {
  await withConnection(async (connection) => {
    connection.listen();
    const answers = Array.from({ length: 1000 }, (_, a) => connection.sendRequest("add", a, 1));
    assert.deepEqual(
      await Promise.all(answers),
      Array.from({ length: 1000 }, (_, a) => a + 1),
    );
  });
}

export async function bigMultibytePayloads() {
  await withConnection(async (connection) => {
    connection.listen();
    const value = "a√ß漢字🦉é".repeat(65_536);
    const bytes = new TextEncoder().encode(value).length;
    assert.equal(await connection.sendRequest("length", { text: value }), bytes);
    assert.ok((await connection.sendRequest("echo", { value })) === value);
  });
}

export async function notificationsToTheBackend() {
  await withConnection(async (connection) => {
    connection.listen();
    connection.sendNotification("remember", { name: "colour", value: "grün" });
    assert.equal(await connection.sendRequest("recall", { name: "colour" }), "grün");
    connection.sendNotification("divide", { a: 1, b: 0 }); // nobody hears of it
    assert.equal(await connection.sendRequest("add", 1, 1), 2);
  });
}

export async function errorsWithCodes() {
  await withConnection(async (connection) => {
    connection.listen();
    const missing = await failure(connection.sendRequest("nowhere"));
    assert.equal(missing.code, ErrorCodes.MethodNotFound);
    const wrong = await failure(connection.sendRequest("add", { a: "1", b: 2 }));
    assert.equal(wrong.code, ErrorCodes.InvalidParams);
    const zero = await failure(connection.sendRequest("divide", { a: 1, b: 0 }));
    assert.equal(zero.code, ErrorCodes.InternalError);
    assert.match(zero.message, /division by zero/);
    assert.equal(zero.data.type, "ZeroDivisionError");
    assert.match(zero.data.traceback, /backend\.py", line \d+, in divide/);
    const refused = await failure(connection.sendRequest("refuse"));
    assert.equal(refused.message, "three is the most, not ✗");
    assert.deepEqual([refused.data.code, refused.data.data], ["refused", { limit: 3 }]);
  });
}

export async function cancellation() {
  await withConnection(async (connection) => {
    connection.listen();
    for (const [method, event, told] of [
      ["sleep", "asleep", "woken"],
      ["spin", "spinning", "stopped spinning"],
    ]) {
      const source = new CancellationTokenSource();
      const begun = next(connection, event);
      const params = method === "sleep" ? [3600] : [];
      const call = connection.sendRequest(method, ...params, source.token);
      await begun;
      source.cancel();
      assert.equal((await failure(call)).code, REQUEST_CANCELLED);
      assert.equal(await connection.sendRequest("recall", told), true);
    }
  });
}

export async function events() {
  await withConnection(async (connection) => {
    const heard = [];
    connection.onNotification("news", (data) => heard.push(data));
    connection.listen();
    await connection.sendRequest("emit", { topic: "news", count: 100 });
    assert.deepEqual(
      heard,
      Array.from({ length: 100 }, (_, n) => ({ n, text: "ünï ✓ 😀" })),
    );
  });
}

export async function progress() {
  await withConnection(async (connection) => {
    const seen = [];
    connection.onUnhandledProgress(({ token, value }) => seen.push([token, value.progress]));
    connection.listen();
    await connection.sendRequest("$/hello", { protocol: 1, features: ["progress"] });
    assert.equal(await connection.sendRequest("work", 4), "done");
    const token = 1; // the id of the second request
    assert.deepEqual(
      seen,
      [0.25, 0.5, 0.75, 1].map((progress) => [token, progress]),
    );
  });
}

export async function progressUnderATokenOfTheClient() {
  await withConnection(async (connection) => {
    const seen = [];
    connection.onProgress(new ProgressType(), "mine", (value) => seen.push(value.progress));
    connection.listen();
    await connection.sendRequest("$/hello", { protocol: 1, features: ["progress"] });
    const params = { steps: 2, workDoneToken: "mine" };
    assert.equal(await connection.sendRequest("work", params), "done");
    assert.deepEqual(seen, [0.5, 1]);
  });
}

export async function requestsToTheHost() {
  await withConnection(async (connection) => {
    connection.onRequest("answer", async ({ question }) => {
      if (question === "why?") throw new ResponseError(-32050, "nobody knows ✗");
      return `${question} – 42`;
    });
    connection.listen();
    await connection.sendRequest("$/hello", { protocol: 1, features: ["call"] });
    assert.equal(await connection.sendRequest("ask", "how much?"), "how much? – 42");
    const why = await failure(connection.sendRequest("ask", "why?"));
    assert.equal(why.data.type, "RemoteError");
    assert.match(why.message, /nobody knows ✗/);
  });
}

export async function printingBreaksNothing() {
  await withConnection(async (connection) => {
    connection.listen();
    assert.equal(await connection.sendRequest("shout", 3), 3);
    assert.equal(await connection.sendRequest("add", 1, 1), 2);
  });
}

export async function discovery() {
  await withConnection(async (connection) => {
    connection.listen();
    const document = await connection.sendRequest("rpc.discover");
    assert.match(document.openrpc, /^1\./);
    const add = document.methods.find(({ name }) => name === "add");
    assert.deepEqual(
      add.params.map(({ name, required }) => [name, required]),
      [
        ["a", true],
        ["b", true],
      ],
    );
  });
}

export async function shutdown() {
  await withConnection(async (connection, child) => {
    connection.listen();
    const exit = once(child, "exit");
    await connection.sendRequest("shutdown");
    assert.deepEqual(await exit, [0, null]);
  });
}
