/**
 * A host for the test to kill: `RUNTIME holder.mjs HOST PYTHON FIFO HOW LIFELINE`.
 *
 * Its backend opens FIFO, says so through it, and keeps it open until it ends. Without a LIFELINE
 * the backend has nothing but the end of its stdin to tell it that this process is gone.
 */
import { fileURLToPath } from "node:url";

const [hostModule, python, fifo, how, lifeline] = process.argv.slice(2);
const { Backend } = await import(hostModule);
const file = fileURLToPath(new URL("backend.py", import.meta.url));
const startTimeout = 60_000;
const backend =
  lifeline === "lifeline"
    ? await Backend.spawn(file, { python, startTimeout })
    : await Backend.spawn("-u", {
        python: "env",
        args: ["BRIDGEKIT_LIFELINE", python, file],
        startTimeout,
      });
await backend.call("hold", { fifo, how });
