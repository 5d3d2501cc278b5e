import { asHoldfastError } from '@holdfast/core/errors';
import { Command, CommanderError } from 'commander';
import { agentVersion } from '../version.js';
import { enrollCommand } from './enroll-command.js';
import { exitCodeOf } from './exit-code.js';
import { runCommand } from './run-command.js';
import { statusCommand } from './status-command.js';

/** What the commands take from the process that they run in. */
export interface Terminal {
  readonly defaultState: string;
  readonly uid: number;
  readonly logLevel: string;
  out(line: string): void;
  fail(line: string): void;
  /** Fires when the process is asked to end. */
  readonly stop: AbortSignal;
}

const EXIT_CODES = `
Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 11 the state folder is in use,
20 refused by the server, 21 the server cannot be reached, 130 stopped.`;

/** Runs one command line and resolves to the exit code. */
export async function runProgram(args: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode = 0;
  const settle = async (work: Promise<number>): Promise<void> => {
    exitCode = await work;
  };
  const program = new Command('holdfast-agent')
    .description('Backs up this host to a Holdfast server, and restores to it.')
    .version(agentVersion())
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.fail(text.trimEnd()),
    })
    .exitOverride()
    .addHelpText('after', EXIT_CODES);
  const command = (name: string): Command =>
    program
      .command(name)
      .option('--state <dir>', 'where this agent keeps its identity, caches and results', terminal.defaultState);

  command('enroll')
    .description('make this host an agent of a server')
    .requiredOption('--server <host[:port]>', 'address of the enrolment service (port 8403 unless given)')
    .requiredOption('--token <token>', 'enrolment token, good once and for 15 minutes')
    .option(
      '--name <name>',
      "host name to show on the server, instead of this host's; the agent's own name is the token's",
    )
    .action((options: { state: string; server: string; token: string; name?: string }) =>
      settle(enrollCommand(options, terminal)),
    );
  command('run')
    .description('serve the server until stopped')
    .option(
      '--paranoid',
      'open everything that was sealed before it is sent, not a sample: safer on doubtful memory, slower',
    )
    .action((options: { state: string; paranoid?: boolean }) => settle(runCommand(options, terminal)));
  command('status')
    .description('tell whether the agent is enrolled, running and connected')
    .option('--json', 'one JSON object on stdout')
    .action((options: { state: string; json?: boolean }) => settle(statusCommand(options, terminal)));

  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    terminal.fail(`holdfast-agent: ${asHoldfastError(error).message}`);
    return exitCodeOf(error);
  }
}
