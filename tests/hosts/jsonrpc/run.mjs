/** Run one check of one wire: `node run.mjs WIRE PYTHON CHECK`. */
import * as checks from "./checks.mjs";

const check = process.argv[4];
await checks[check]();
console.log(`${check}: fine`);
