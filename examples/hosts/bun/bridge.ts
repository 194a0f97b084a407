/**
 * A host for bridgekit backends on nothing but `Bun.spawn`. Copy this file into your application:
 * there is nothing else to it.
 *
 * The wire: a line of JSON goes in for each command, JSON that ends with a NUL comes back. A pipe
 * cuts those frames wherever it likes, so the bytes are collected up to the NUL and decoded once,
 * whole; no character can be torn in two. After `hello()`, streams and progress arrive as events
 * that carry the id of their call.
 */
export interface SpawnOptions {
  python?: string;
  args?: string[];
  cwd?: string;
  env?: Record<string, string | undefined>;
  /** Milliseconds. */
  startTimeout?: number;
  onStderr?: (text: string) => void;
}

export interface CallOptions {
  /** Milliseconds. */
  timeout?: number;
  signal?: AbortSignal;
  onProgress?: (progress: { progress: number; message?: string; step?: string }) => void;
}

type Params = Record<string, unknown> | unknown[] | null;
type Listener = (data: any, topic: string) => void;
type Item = { seq: number; value: any };
type Watching = CallOptions & { onItem?: (item: Item) => void };
type Exit = { exitCode?: number | null; signal?: string | number | null; stderr?: string };

interface Pending extends Watching {
  method: string;
  resolve: (result: any) => void;
  reject: (error: Error) => void;
  release: () => void;
}

export class BridgeError extends Error {
  override name = this.constructor.name;
}
export class CallTimeout extends BridgeError {}
export class CallCancelled extends BridgeError {}

/** The method failed; `type` and `traceback` say what was raised in Python, and where. */
export class RemoteError extends BridgeError {
  readonly type?: string;
  readonly traceback?: string;
  readonly code?: unknown;
  readonly data?: unknown;

  constructor(reply: { error: string; type?: string; traceback?: string; code?: any; data?: any }) {
    super(reply.type ? `${reply.type}: ${reply.error}` : reply.error);
    this.type = reply.type;
    this.traceback = reply.traceback;
    this.code = reply.code;
    this.data = reply.data;
    if (this.traceback) this.stack = `${this.name}: ${this.message}\n${this.traceback}`;
  }
}

/** The process is gone; `exitCode` or `signal` says how, `stderr` what it last wrote there. */
export class BackendDied extends BridgeError {
  readonly exitCode: number | null;
  readonly signal: string | number | null;
  readonly stderr: string;

  constructor(what: string, { exitCode = null, signal = null, stderr = "" }: Exit = {}) {
    super(stderr ? `${what}; its last words:\n${stderr.trimEnd()}` : what);
    this.exitCode = exitCode;
    this.signal = signal;
    this.stderr = stderr;
  }
}

export class Backend {
  #pending = new Map<number, Pending>();
  #listeners = new Map<string, Set<Listener>>();
  #parts: Uint8Array[] = [];
  #stopping?: Promise<void>;
  #death?: Exit & { what: string };
  #lastId = 0;
  #stderr = "";
  #onStderr;
  #child;
  #gone;

  /** Start a Python file and wait until it is ready; rejects with BackendDied if it never is. */
  static async spawn(file: string, options: SpawnOptions = {}): Promise<Backend> {
    const backend = Backend.#launch(file, options);
    try {
      await backend.#expect(0, "start", { timeout: options.startTimeout ?? 10_000 });
    } catch (error) {
      backend.#kill("SIGKILL");
      throw error;
    }
    return backend;
  }

  static #launch(file: string, options: SpawnOptions): Backend {
    try {
      return new Backend(file, options);
    } catch (error) {
      throw new BackendDied(`start: the backend could not be started: ${error}`);
    }
  }

  private constructor(file: string, options: SpawnOptions) {
    const { python = "python3", args = [], cwd, env = process.env, onStderr } = options;
    const posix = process.platform !== "win32";
    this.#onStderr = onStderr;
    this.#child = Bun.spawn([python, file, ...args], {
      cwd,
      // A backend ends when its stdin does, so it cannot outlive this process. The fourth pipe is
      // for one that is deep in C code then: the kernel kills it when that pipe closes.
      stdio: ["pipe", "pipe", "pipe", ...(posix ? ["pipe" as const] : [])],
      env: { ...env, BRIDGEKIT_WIRE: "native", ...(posix && { BRIDGEKIT_LIFELINE: "3" }) },
      detached: posix, // a process group of its own, so that stop() reaches its children too
      windowsHide: true,
    });
    this.#gone = this.#watch();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Call a method; rejects with RemoteError, CallTimeout, CallCancelled or BackendDied. */
  async call<T = any>(
    method: string,
    params: Params = null,
    options: CallOptions = {},
  ): Promise<T> {
    const id = ++this.#lastId;
    return this.#expect(id, method, options, { id, cmd: method, params });
  }

  /** Tell the backend what this host understands beyond plain replies and events. */
  hello() {
    const features = ["stream", "progress"];
    return this.call("$/hello", { protocol: 1, host: "bun example", features });
  }

  /** Iterate over what a generator yields (after `hello()`); leaving the loop cancels the call. */
  async *stream<T = any>(method: string, params: Params = null, options: CallOptions = {}) {
    const id = ++this.#lastId;
    const left = new AbortController();
    const signal = AbortSignal.any([left.signal, ...(options.signal ? [options.signal] : [])]);
    const items: Item[] = [];
    let ended = false;
    let wake = () => {};
    const onItem = (item: Item) => {
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
        if (!items.length) await new Promise<void>((resolve) => (wake = resolve));
        const item = items.shift();
        if (!item) continue;
        yield item.value as T;
        // The backend pauses while 64 items are on their way: tell it when we have used them up.
        if (!items.length) this.#send({ cmd: "$/ack", params: { call: id, seq: item.seq } });
      }
      return await result;
    } finally {
      left.abort();
    }
  }

  /** Listen to the events of a topic, or of all (`"*"`); call what it returns to stop. */
  on(topic: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /** Ask the backend to stop, then insist; each step has `grace` milliseconds. */
  stop({ grace = 3_000 } = {}): Promise<void> {
    return (this.#stopping ??= this.#stop(grace));
  }

  async #stop(grace: number): Promise<void> {
    await this.call("shutdown", null, { timeout: grace }).catch(() => {});
    this.#close().catch(() => {}); // not awaited: a backend that hangs may never read it all
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      if (await within(grace, this.#gone)) return;
      this.#kill(signal);
    }
    await this.#gone;
  }

  #kill(signal: NodeJS.Signals): void {
    const { pid, exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return;
    process.kill(process.platform === "win32" ? pid : -pid, signal);
  }

  /** Send `command`, if any, and wait for what ends call `id`. */
  #expect(id: number, method: string, options: Watching, command?: object): Promise<any> {
    const { timeout, signal, ...watching } = options;
    return new Promise((resolve, reject) => {
      if (this.#death) return reject(this.#died(method));
      const cancelled = () => new CallCancelled(`${method}: cancelled`, { cause: signal?.reason });
      if (signal?.aborted) return reject(cancelled());
      if (command) this.#send(command); // throws if it is not JSON, and nothing has happened then

      const abandon = (error: Error) => {
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

  /** Every call ends once: who ends it takes it out, and whatever comes later finds nobody. */
  #take(id: number): Pending | undefined {
    const call = this.#pending.get(id);
    this.#pending.delete(id);
    call?.release();
    return call;
  }

  #send(command: object): void {
    const line = `${JSON.stringify(command)}\n`;
    this.#write(line).catch(() => {}); // a broken pipe; the exit that explains it follows
  }

  async #write(line: string): Promise<void> {
    await this.#child.stdin.write(line);
    await this.#child.stdin.flush(); // once for all that was written in one turn
  }

  async #close(): Promise<void> {
    await this.#child.stdin.end();
  }

  async #read(): Promise<void> {
    for await (const chunk of this.#child.stdout) {
      let start = 0;
      for (let end; (end = chunk.indexOf(0, start)) !== -1; start = end + 1) {
        const frame = Buffer.concat([...this.#parts, chunk.subarray(start, end)]).toString();
        this.#parts = [];
        if (frame) this.#handle(frame);
      }
      if (start < chunk.length) this.#parts.push(chunk.subarray(start));
    }
  }

  async #drain(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#child.stderr)
      this.#hear(decoder.decode(chunk, { stream: true }));
  }

  #handle(frame: string): void {
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

  #hear(text: string): void {
    this.#stderr = (this.#stderr + text).slice(-8192);
    later(this.#onStderr, text);
  }

  async #watch(): Promise<void> {
    const said = Promise.all([this.#read(), this.#drain()]);
    await this.#child.exited;
    // Its last words are still in the pipes. They need not close: its children may hold them.
    await within(250, said);
    const { exitCode, signalCode: signal } = this.#child;
    const what = `the backend ended with ${signal ?? `exit code ${exitCode}`}`;
    this.#death = { what, exitCode, signal, stderr: this.#stderr };
    for (const [id, call] of this.#pending) this.#take(id)?.reject(this.#died(call.method));
  }

  #died(method: string): BackendDied {
    return new BackendDied(`${method}: ${this.#death?.what}`, this.#death);
  }
}

/** Call a listener so that one which throws cannot stop the reading of frames. */
function later<A extends unknown[]>(listener: ((...args: A) => void) | undefined, ...args: A) {
  if (listener) queueMicrotask(() => listener(...args));
}

/** Whether `promise` is settled before `ms` milliseconds have passed. */
function within(ms: number, promise: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms, false);
    promise.finally(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
