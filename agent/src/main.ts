import { homedir } from 'node:os';
import { runProgram } from './cli/program.js';
import { defaultStateDirectory, logLevel } from './config.js';

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort(signal));

const uid = process.getuid?.() ?? 0;
process.exitCode = await runProgram(process.argv.slice(2), {
  defaultState: defaultStateDirectory(process.env, uid, homedir()),
  uid,
  logLevel: logLevel(process.env),
  out: (line) => void process.stdout.write(`${line}\n`),
  fail: (line) => void process.stderr.write(`${line}\n`),
  stop: stop.signal,
});
