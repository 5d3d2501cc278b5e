/** How fast Holdfast is, beside what else there is, on the same data in the same run. */

import { parseBenchOptions, USAGE, UsageError } from './options.js';
import { runBench } from './run-bench.js';

try {
  const options = parseBenchOptions(process.argv.slice(2));
  if (options === 'help') process.stdout.write(`${USAGE}\n`);
  else process.exitCode = await runBench(options);
} catch (error) {
  if (error instanceof UsageError) {
    process.stderr.write(`${error.message}\n\n${USAGE}\n`);
    process.exitCode = 2;
  } else {
    process.stderr.write(`The benchmark failed: ${(error as Error).stack ?? String(error)}\n`);
    process.exitCode = 1;
  }
}
