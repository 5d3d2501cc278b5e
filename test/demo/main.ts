/** The product's main job on real data, through its public doors. */

import { parseDemoOptions, USAGE, UsageError } from './options.js';
import { runDemo } from './run-demo.js';

try {
  const options = parseDemoOptions(process.argv.slice(2));
  if (options === 'help') process.stdout.write(`${USAGE}\n`);
  else process.exitCode = await runDemo(options);
} catch (error) {
  if (error instanceof UsageError) {
    process.stderr.write(`${error.message}\n\n${USAGE}\n`);
    process.exitCode = 2;
  } else {
    process.stderr.write(`The demo failed: ${(error as Error).stack ?? String(error)}\n`);
    process.exitCode = 1;
  }
}
