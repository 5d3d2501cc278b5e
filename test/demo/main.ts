/** The product's main job on real data, through its public doors. */

import { printable } from '../kit/printable.js';
import { parseDemoOptions, USAGE, UsageError } from './options.js';
import { runDemo } from './run-demo.js';

try {
  const options = parseDemoOptions(process.argv.slice(2));
  if (options === 'help') process.stdout.write(`${USAGE}\n`);
  else process.exitCode = await runDemo(options);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${printable(error.message)}\n\n${USAGE}\n`);
  process.exitCode = 2;
}
