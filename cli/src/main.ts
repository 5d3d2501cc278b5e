import { asHoldfastError, ERROR_TABLE } from '@holdfast/core/errors';
import { CommanderError } from 'commander';
import { printable } from './output/printer.js';
import { buildProgram } from './program.js';

const USAGE_EXIT = ERROR_TABLE.Validation.cliExit;

// A reader that closes early (`holdfast jobs | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const json = process.argv.includes('--json');
try {
  await buildProgram().parseAsync();
} catch (thrown) {
  if (thrown instanceof CommanderError) {
    process.exitCode = thrown.exitCode === 0 ? 0 : USAGE_EXIT;
  } else {
    const error = asHoldfastError(thrown);
    const { graphqlCode, cliExit } = ERROR_TABLE[error.kind];
    const field = error.details.field === undefined ? '' : ` (${error.details.field})`;
    if (json)
      process.stderr.write(
        `${JSON.stringify({ error: { code: graphqlCode, reason: error.code, message: error.message, ...error.details } })}\n`,
      );
    else process.stderr.write(`holdfast: ${printable(error.message)}${field}\n`);
    process.exitCode = cliExit;
  }
}
