import { runProgram } from './cli/program.js';
import { readConfig } from './config.js';

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort(signal));

process.exitCode = await runProgram(process.argv.slice(2), {
  ...readConfig(),
  out: (line) => void process.stdout.write(`${line}\n`),
  fail: (line) => void process.stderr.write(`${line}\n`),
  stop: stop.signal,
});
