/** Everything a host does with a backend, once: `bun run main.ts [python file]`. */
import { resolve } from "node:path";
import { Backend, BackendDied, CallCancelled, CallTimeout, RemoteError } from "./bridge.ts";

const file = process.argv[2] ?? resolve(import.meta.dirname, "../backend.py");
const python = process.env.PYTHON ?? "python3";

const backend = await Backend.spawn(file, { python });
console.log(`started   process ${backend.pid}`);

const { greeting } = await backend.call("greet", { name: "Ada 🦉" });
console.log(`call      ${greeting}`);

const tick = await new Promise<{ count: number }>((arrived) => backend.on("tick", arrived));
console.log(`event     tick ${tick.count}, sent by a thread of the backend`);

await backend.hello();
const primes: number[] = [];
for await (const prime of backend.stream<number>("primes", { below: 40 })) primes.push(prime);
console.log(`stream    ${primes.join(" ")}`);

const bar = (part: number) => "#".repeat(Math.round(part * 20)).padEnd(20, ".");
const onProgress = ({ progress = 0, message = "" }) =>
  console.log(`progress  [${bar(progress)}] ${message}`);
await backend.call("work", { steps: 4 }, { onProgress });

const failure = await backend.call("divide", { a: 1, b: 0 }).catch((error) => error);
if (!(failure instanceof RemoteError)) throw new Error("divide should have failed");
console.log(`error     ${failure.message}`);
console.log(failure.traceback?.trimEnd().replace(/^/gm, "          | "));

const late = await backend.call("work", { steps: 600 }, { timeout: 200 }).catch((error) => error);
if (!(late instanceof CallTimeout)) throw new Error("work should have taken too long");
console.log(`timeout   ${late.message}`);

const controller = new AbortController();
setTimeout(() => controller.abort(), 200);
const cancelled = await backend
  .call("work", { steps: 600 }, { signal: controller.signal })
  .catch((error) => error);
if (!(cancelled instanceof CallCancelled)) throw new Error("work should have been cancelled");
console.log(`cancel    ${cancelled.message}`);

const crash = await backend.call("crash").catch((error) => error);
if (!(crash instanceof BackendDied)) throw new Error("the backend should be gone");
console.log(`crash     ${crash.message.replace(/\n/g, "\n          | ")}`);

const next = await Backend.spawn(file, { python });
await next.stop();
console.log("stopped   a second backend, in order");
