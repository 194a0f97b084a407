/**
 * A backend at the other end of the JSON-RPC library of VS Code, on either of its wires.
 *
 * `lsp` is what the library speaks by itself. Lines it does not know: `jsonrpc` needs the reader
 * and the writer below.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import {
  AbstractMessageReader,
  AbstractMessageWriter,
  Disposable,
  StreamMessageReader,
  StreamMessageWriter,
  createMessageConnection,
} from "vscode-jsonrpc/node";

const [wire, python] = process.argv.slice(2);
const file = fileURLToPath(new URL("../backend.py", import.meta.url));

class LineReader extends AbstractMessageReader {
  constructor(stream) {
    super();
    this.stream = stream;
    this.parts = [];
  }

  listen(callback) {
    const read = (chunk) => {
      let start = 0;
      for (let end; (end = chunk.indexOf("\n", start)) !== -1; start = end + 1) {
        const line = Buffer.concat([...this.parts, chunk.subarray(start, end)]).toString();
        this.parts = [];
        callback(JSON.parse(line));
      }
      this.parts.push(chunk.subarray(start));
    };
    this.stream.on("data", read).on("close", () => this.fireClose());
    return Disposable.create(() => this.stream.off("data", read));
  }
}

class LineWriter extends AbstractMessageWriter {
  constructor(stream) {
    super();
    this.stream = stream;
  }

  async write(message) {
    this.stream.write(`${JSON.stringify(message)}\n`);
  }

  end() {
    this.stream.end();
  }
}

/** Do `body` with a connection to a backend; see the backend end in order, whatever happens. */
export async function withConnection(body) {
  const env = { ...process.env, BRIDGEKIT_WIRE: wire };
  const child = spawn(python, [file], { env, stdio: ["pipe", "pipe", "inherit"] });
  const gone = once(child, "exit");
  const lines = wire === "jsonrpc";
  const reader = lines ? new LineReader(child.stdout) : new StreamMessageReader(child.stdout);
  const writer = lines ? new LineWriter(child.stdin) : new StreamMessageWriter(child.stdin);
  const connection = createMessageConnection(reader, writer);
  connection.onError(([error]) => {
    throw error;
  });
  try {
    await body(connection, child);
  } finally {
    connection.dispose();
    child.stdin.end();
    await gone;
  }
}

/** The parameters of the next notification called `method`. */
export function next(connection, method) {
  return new Promise((resolve) => {
    const heard = connection.onNotification(method, (params) => {
      heard.dispose();
      resolve(params);
    });
  });
}
