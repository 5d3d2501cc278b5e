import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { addAgentCommands } from './commands/agent.js';
import { addBackupCommand } from './commands/backup.js';
import { addCompletionCommand } from './commands/completion.js';
import { addJobsCommands } from './commands/jobs.js';
import { showListInHelp } from './commands/list-help.js';
import { addLoginCommands } from './commands/login.js';
import { addPointsCommands } from './commands/points.js';
import { addPolicyCommands } from './commands/policy.js';
import { addProtectCommands } from './commands/protect.js';
import { addRestoreCommand } from './commands/restore.js';
import { refuseUnknownCommands } from './commands/unknown-command.js';
import { addVaultCommands } from './commands/vault.js';

const EXIT_CODES = `
Exit codes:
  0    done
  1    failed
  2    wrong usage or input
  3    completed with warnings
  4    stored data is damaged
  10   not found
  11   locked
  12   wrong key
  20   not signed in, or not allowed
  21   server not reachable, busy or timed out (try again); after --timeout the job goes on
  130  cancelled`;

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** With `--json` nothing is written to stderr but the one error, so what the parser has to say is left to the caller. */
export function buildProgram({ json = false } = {}): Command {
  const program = new Command('holdfast')
    .description('Backups of a Holdfast server: vaults, policies, agents, jobs, recovery points and restores')
    .version(version, '-V, --version')
    .option('--json', 'print one JSON document instead of text')
    .option('-s, --server <url>', 'address of the server (HOLDFAST_SERVER)')
    .option('--ca-file <file>', "PEM file of the server's CA (HOLDFAST_CA_FILE)")
    .addHelpText('after', EXIT_CODES)
    .showHelpAfterError('(run with --help for what is there)')
    .configureOutput(json ? { writeErr: () => undefined } : {})
    .exitOverride();
  addLoginCommands(program);
  addVaultCommands(program);
  addPolicyCommands(program);
  addAgentCommands(program);
  addProtectCommands(program);
  addBackupCommand(program);
  addJobsCommands(program);
  addPointsCommands(program);
  addRestoreCommand(program);
  addCompletionCommand(program);
  for (const group of program.commands) {
    refuseUnknownCommands(group);
    showListInHelp(group);
  }
  return program;
}
