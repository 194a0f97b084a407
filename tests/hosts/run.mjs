/**
 * Run one check of a host: `RUNTIME run.mjs HOST PYTHON FILE.CHECK`.
 *
 * HOST is the module that exports `Backend` and its errors. Every async function that a file in
 * checks/ exports is a check; the Python tests find them there and run each in its own process.
 */
const [group, check] = process.argv[4].split(".");
const checks = await import(`./checks/${group}.mjs`);
await checks[check]();
console.log(`${check}: fine`);
