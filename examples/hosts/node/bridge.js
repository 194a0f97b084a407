/**
 * A host for bridgekit backends on nothing but `node:child_process`. Copy this file into your
 * application: there is nothing else to it.
 *
 * The wire: a line of JSON goes in for each command, JSON that ends with a NUL comes back. A pipe
 * cuts those frames wherever it likes, so the bytes are collected up to the NUL and decoded once,
 * whole; no character can be torn in two. After `hello()`, streams and progress arrive as events
 * that carry the id of their call.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";

/**
 * @typedef {{ python?: string, args?: string[], cwd?: string, env?: NodeJS.ProcessEnv,
 *   startTimeout?: number, onStderr?: (text: string) => void }} SpawnOptions  times in ms
 * @typedef {{ progress: number, message?: string, step?: string }} Progress
 * @typedef {{ timeout?: number, signal?: AbortSignal,
 *   onProgress?: (progress: Progress) => void }} CallOptions
 * @typedef {{ seq: number, value: any }} Item
 * @typedef {CallOptions & { onItem?: (item: Item) => void }} Watching
 * @typedef {Watching & { method: string, resolve: (result: any) => void,
 *   reject: (error: Error) => void, release: () => void }} Pending
 * @typedef {(data: any, topic: string) => void} Listener
 * @typedef {{ exitCode?: number | null, signal?: string | null, stderr?: string }} Exit
 */

export class BridgeError extends Error {
  name = this.constructor.name;
}
export class CallTimeout extends BridgeError {}
export class CallCancelled extends BridgeError {}

/** The method failed; `type` and `traceback` say what was raised in Python, and where. */
export class RemoteError extends BridgeError {
  /** @param {any} reply */
  constructor({ error, type, traceback, code, data }) {
    super(type ? `${type}: ${error}` : error);
    this.type = type;
    this.traceback = traceback;
    this.code = code;
    this.data = data;
    if (traceback) this.stack = `${this.name}: ${this.message}\n${traceback}`;
  }
}

/** The process is gone; `exitCode` or `signal` says how, `stderr` what it last wrote there. */
export class BackendDied extends BridgeError {
  /** @param {string} what @param {Exit} [exit] */
  constructor(what, { exitCode = null, signal = null, stderr = "" } = {}) {
    super(stderr ? `${what}; its last words:\n${stderr.trimEnd()}` : what);
    this.exitCode = exitCode;
    this.signal = signal;
    this.stderr = stderr;
  }
}

export class Backend {
  /** @type {Map<number, Pending>} */ #pending = new Map();
  /** @type {Map<string, Set<Listener>>} */ #listeners = new Map();
  /** @type {Buffer[]} */ #parts = [];
  /** @type {Promise<void> | undefined} */ #stopping;
  /** @type {(Exit & { what: string }) | undefined} */ #death;
  #lastId = 0;
  #stderr = "";
  #onStderr;
  #child;
  #gone;

  /**
   * Start a Python file and wait until it is ready; rejects with BackendDied if it never is.
   * @param {string} file @param {SpawnOptions} [options]
   */
  static async spawn(file, options = {}) {
    const backend = new Backend(file, options);
    try {
      await backend.#expect(0, "start", { timeout: options.startTimeout ?? 10_000 });
    } catch (error) {
      backend.#kill("SIGKILL");
      throw error;
    }
    return backend;
  }

  /** @param {string} file @param {SpawnOptions} options */
  constructor(file, { python = "python3", args = [], cwd, env = process.env, onStderr }) {
    const posix = process.platform !== "win32";
    this.#onStderr = onStderr;
    this.#child = spawn(python, [file, ...args], {
      cwd,
      // A backend ends when its stdin does, so it cannot outlive this process. The fourth pipe is
      // for one that is deep in C code then: the kernel kills it when that pipe closes.
      stdio: posix ? ["pipe", "pipe", "pipe", "pipe"] : ["pipe", "pipe", "pipe"],
      env: { ...env, BRIDGEKIT_WIRE: "native", ...(posix && { BRIDGEKIT_LIFELINE: "3" }) },
      detached: posix, // a process group of its own, so that stop() reaches its children too
      windowsHide: true,
    });
    for (const pipe of this.#child.stdio) pipe?.on("error", () => {}); // the exit will explain it
    /** @type {import("node:net").Socket | undefined} */ (this.#child.stdio[3])?.resume();
    this.#child.stdout.on("data", (chunk) => this.#receive(chunk));
    this.#child.stderr.setEncoding("utf8").on("data", (text) => this.#hear(text));
    this.#gone = this.#watch();
  }

  get pid() {
    return this.#child.pid;
  }

  /**
   * Call a method; rejects with RemoteError, CallTimeout, CallCancelled or BackendDied.
   * @param {string} method @param {object | null} [params] @param {CallOptions} [options]
   * @returns {Promise<any>}
   */
  async call(method, params = null, options = {}) {
    const id = ++this.#lastId;
    return this.#expect(id, method, options, { id, cmd: method, params });
  }

  /** Tell the backend what this host understands beyond plain replies and events. */
  hello() {
    const features = ["stream", "progress"];
    return this.call("$/hello", { protocol: 1, host: "node example", features });
  }

  /**
   * Iterate over what a generator yields (after `hello()`); leaving the loop cancels the call.
   * @param {string} method @param {object | null} [params] @param {CallOptions} [options]
   * @returns {AsyncGenerator<any, any, void>}
   */
  async *stream(method, params = null, options = {}) {
    const id = ++this.#lastId;
    const left = new AbortController();
    const signal = AbortSignal.any([left.signal, ...(options.signal ? [options.signal] : [])]);
    /** @type {Item[]} */ const items = [];
    let [ended, wake] = [false, () => {}];
    const onItem = (/** @type {Item} */ item) => {
      items.push(item);
      wake();
    };
    const command = { id, cmd: method, params };
    const result = this.#expect(id, method, { ...options, signal, onItem }, command);
    const end = () => {
      ended = true;
      wake();
    };
    result.then(end, end);
    try {
      while (items.length || !ended) {
        if (!items.length) await new Promise((resolve) => (wake = () => resolve(null)));
        const item = items.shift();
        if (!item) continue;
        yield item.value;
        // The backend pauses while 64 items are on their way: tell it when we have used them up.
        if (!items.length) this.#send({ cmd: "$/ack", params: { call: id, seq: item.seq } });
      }
      return await result;
    } finally {
      left.abort();
    }
  }

  /**
   * Listen to the events of a topic, or of all (`"*"`); call what it returns to stop.
   * @param {string} topic @param {Listener} listener
   */
  on(topic, listener) {
    const listeners = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /** Ask the backend to stop, then insist; each step has `grace` milliseconds. */
  stop({ grace = 3_000 } = {}) {
    return (this.#stopping ??= this.#stop(grace));
  }

  /** @param {number} grace */
  async #stop(grace) {
    await this.call("shutdown", null, { timeout: grace }).catch(() => {});
    this.#child.stdin.end();
    for (const signal of /** @type {const} */ (["SIGTERM", "SIGKILL"])) {
      if (await within(grace, this.#gone)) return;
      this.#kill(signal);
    }
    await this.#gone;
  }

  /** @param {NodeJS.Signals} signal */
  #kill(signal) {
    const { pid, exitCode, signalCode } = this.#child;
    if (!pid || exitCode !== null || signalCode !== null) return;
    process.kill(process.platform === "win32" ? pid : -pid, signal);
  }

  /**
   * Send `command`, if any, and wait for what ends call `id`.
   * @param {number} id @param {string} method @param {Watching} options @param {object} [command]
   */
  #expect(id, method, { timeout, signal, ...watching }, command) {
    return new Promise((resolve, reject) => {
      if (this.#death) return reject(this.#died(method));
      const cancelled = () => new CallCancelled(`${method}: cancelled`, { cause: signal?.reason });
      if (signal?.aborted) return reject(cancelled());
      if (command) this.#send(command); // throws if it is not JSON, and nothing has happened then

      const abandon = (/** @type {Error} */ error) => {
        this.#take(id)?.reject(error);
        this.#send({ cmd: "$/cancel", params: { id } });
      };
      const onAbort = () => abandon(cancelled());
      const onTimeout = () => abandon(new CallTimeout(`${method}: no reply in ${timeout} ms`));
      const timer = timeout === undefined ? undefined : setTimeout(onTimeout, timeout);
      signal?.addEventListener("abort", onAbort);
      const release = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
      };
      this.#pending.set(id, { ...watching, method, resolve, reject, release });
    });
  }

  /**
   * Every call ends once: who ends it takes it out, and whatever comes later finds nobody.
   * @param {number} id
   */
  #take(id) {
    const call = this.#pending.get(id);
    this.#pending.delete(id);
    call?.release();
    return call;
  }

  /** @param {object} command */
  #send(command) {
    this.#child.stdin.write(`${JSON.stringify(command)}\n`);
  }

  /** @param {Buffer} chunk */
  #receive(chunk) {
    let start = 0;
    for (let end; (end = chunk.indexOf(0, start)) !== -1; start = end + 1) {
      const frame = Buffer.concat([...this.#parts, chunk.subarray(start, end)]).toString();
      this.#parts = [];
      if (frame) this.#handle(frame);
    }
    if (start < chunk.length) this.#parts.push(chunk.subarray(start));
  }

  /** @param {string} frame */
  #handle(frame) {
    let message;
    try {
      message = JSON.parse(frame);
    } catch {
      return this.#hear(frame); // somebody printed before the backend claimed its stdout
    }
    const { id, call, cmd, status, result } = Object(message);
    if (status === "success") this.#take(id)?.resolve(result);
    else if (status === "error") this.#take(id)?.reject(new RemoteError(message));
    else if (cmd === "$/item") this.#pending.get(call)?.onItem?.(result);
    else if (cmd === "$/progress") later(this.#pending.get(call)?.onProgress, result);
    else if (status === "event") {
      for (const name of [cmd, "*"]) {
        for (const listener of this.#listeners.get(name) ?? []) later(listener, result, cmd);
      }
    }
  }

  /** @param {string} text */
  #hear(text) {
    this.#stderr = (this.#stderr + text).slice(-8192);
    later(this.#onStderr, text);
  }

  async #watch() {
    /** @type {Exit} */ let exit = {};
    let what = "the backend could not be started";
    try {
      const [exitCode, signal] = await once(this.#child, "exit"); // or "error", which throws
      what = `the backend ended with ${signal ?? `exit code ${exitCode}`}`;
      exit = { exitCode, signal };
      // Its last words are still in the pipes. They need not close: its children may hold them.
      await within(250, once(this.#child, "close"));
    } catch (error) {
      what += `: ${error}`;
    }
    this.#death = { what, ...exit, stderr: this.#stderr };
    for (const [id, call] of this.#pending) this.#take(id)?.reject(this.#died(call.method));
  }

  /** @param {string} method */
  #died(method) {
    return new BackendDied(`${method}: ${this.#death?.what}`, this.#death);
  }
}

/**
 * Call a listener so that one which throws cannot stop the reading of frames.
 * @param {((...args: any[]) => void) | undefined} listener @param {any[]} args
 */
function later(listener, ...args) {
  if (listener) queueMicrotask(() => listener(...args));
}

/**
 * Whether `promise` is settled before `ms` milliseconds have passed.
 * @param {number} ms @param {Promise<unknown>} promise @returns {Promise<boolean>}
 */
function within(ms, promise) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms, false);
    promise.finally(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
