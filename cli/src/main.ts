import { asHoldfastError, ERROR_TABLE } from '@holdfast/core/errors';
import { CommanderError } from 'commander';
import { printable, printableJson } from './output/printer.js';
import { buildProgram } from './program.js';

const USAGE_EXIT = ERROR_TABLE.Validation.cliExit;
const USAGE = { code: ERROR_TABLE.Validation.graphqlCode, reason: 'USAGE' };

// A reader that closes early (`holdfast jobs | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const json = process.argv.includes('--json');
try {
  await buildProgram({ json }).parseAsync();
} catch (thrown) {
  if (thrown instanceof CommanderError) {
    process.exitCode = thrown.exitCode === 0 ? 0 : USAGE_EXIT;
    if (json && thrown.exitCode !== 0) writeError({ ...USAGE, message: usageMessage(thrown) });
  } else {
    const error = asHoldfastError(thrown);
    const { graphqlCode, cliExit } = ERROR_TABLE[error.kind];
    const field = error.details.field === undefined ? '' : ` (${printable(error.details.field)})`;
    if (json) writeError({ code: graphqlCode, reason: error.code, message: error.message, ...error.details });
    else process.stderr.write(`holdfast: ${printable(error.message)}${field}\n`);
    process.exitCode = cliExit;
  }
}

function writeError(error: Readonly<Record<string, string>>): void {
  process.stderr.write(`${printableJson({ error })}\n`);
}

function usageMessage({ code, message }: CommanderError): string {
  return code === 'commander.help' ? 'no command was given; --help lists them' : message.replace(/^error: /, '');
}
