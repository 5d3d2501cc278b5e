import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '@holdfast/core/clock';
import { asHoldfastError, ERROR_TABLE } from '@holdfast/core/errors';
import { systemRandom } from '@holdfast/core/ids';
import { Command } from 'commander';
import {
  agentAddress,
  declareDataOption,
  declareOptions,
  environmentOf,
  needsTls,
  type RawOptions,
  type ServerConfig,
  toConfig,
  webAddress,
} from './config.js';
import { lockFolder, prepareDataDirectory, prepareStoreRoots } from './platform/data-directory.js';
import { orBindFailure } from './platform/listen-address.js';
import type { GatewayCredentials } from './platform/process-channel.js';
import { formatAddress, type GatewaySettings, type ProcessPorts } from './platform/process-roles.js';
import { forkChild } from './platform/processes/fork-child.js';
import { openParentChannel, type ParentChannel } from './platform/processes/parent-channel.js';
import { runChild } from './platform/processes/run-child.js';
import { Supervisor } from './platform/processes/supervisor.js';
import { createLog } from './platform/telemetry/create-log.js';
import type { ResetPasswordOptions } from './reset-password-command.js';

/** A predecessor that was killed with its supervisor needs a moment to notice. */
const LOCK_WAIT_MS = 10_000;
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

// What the server writes is for its owner alone, whatever the shell's umask is.
process.umask(0o077);

const program: Command = new Command('holdfast-server')
  .description('Holdfast: control plane and gateway of a self-hosted backup service')
  .version(version)
  .showHelpAfterError('(holdfast-server --help lists the options)')
  .allowExcessArguments(false)
  .enablePositionalOptions();
declareOptions(program);
program.action(async (options: RawOptions) => serve(toConfig(options)));
declareDataOption(
  program
    .command('reset-password')
    .description('give a user a new password, read from standard input; their sessions end'),
)
  .requiredOption('--user <name>', 'whose password')
  .action(async (options: ResetPasswordOptions) => {
    const { resetPassword } = await import('./reset-password-command.js');
    await resetPassword(options);
  });

await program.parseAsync().catch((thrown: unknown) => {
  const error = asHoldfastError(thrown);
  console.error(error.kind === 'Internal' ? thrown : `holdfast-server: ${error.message}`);
  process.exit(ERROR_TABLE[error.kind].cliExit);
});

async function serve(config: ServerConfig): Promise<void> {
  if (config.role === 'all') return supervise(config);
  const channel = openParentChannel();
  if (channel === undefined)
    program.error('error: --role is for the processes that the server starts by itself; leave it out');
  const ports: ProcessPorts = {
    clock: systemClock,
    timers: systemClock,
    random: systemRandom,
    log: createLog(config.role, config.logLevel),
  };
  if (config.role === 'control') runChild(channel, ports.log, () => startControlProcess(config, ports, channel));
  else runChild(channel, ports.log, () => startGatewayProcess(config, ports, channel));
}

async function supervise(config: ServerConfig): Promise<void> {
  await prepareDataDirectory(config.dataDirectory);
  const lock = await lockFolder(config.dataDirectory, 'server', 0);
  const args = process.argv.slice(2);
  const supervisor = new Supervisor({
    fork: (role, bound) => forkChild(fileURLToPath(import.meta.url), args, role, bound, environmentOf(role)),
    clock: systemClock,
    timers: systemClock,
    log: createLog('supervisor', config.logLevel),
    tell: (message) => console.error(`holdfast-server: ${message}`),
    onReady(control, gateway) {
      const { http, grpc, enrollGrpc } = control;
      console.log(JSON.stringify({ event: 'ready', http, grpc, dataGrpc: gateway.dataAddress, enrollGrpc }));
      const enrollment = agentAddress(config, 'enrollGrpc', enrollGrpc);
      console.error(
        `Holdfast ${version} serves Backup Center at ${webAddress(config, http)}; agents enrol at ${enrollment}.`,
      );
      if (needsTls(config) && config.tls === undefined)
        console.error(`Its certificate comes from the server's own CA: ${join(config.dataDirectory, 'ca.pem')}`);
    },
  });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => supervisor.stop());
  const exitCode = await supervisor.run();
  lock.release();
  process.exit(exitCode);
}

async function startControlProcess(
  config: ServerConfig,
  ports: ProcessPorts,
  channel: ParentChannel,
): Promise<{ stop(): Promise<void> }> {
  const { startControl } = await import('./composition-root.js');
  const lock = await lockFolder(config.dataDirectory, 'control', LOCK_WAIT_MS);
  const control = await startControl(config, ports, channel);
  return {
    async stop() {
      await control.stop();
      lock.release();
    },
  };
}

async function startGatewayProcess(
  config: ServerConfig,
  ports: ProcessPorts,
  channel: ParentChannel,
): Promise<{ stop(): Promise<void> }> {
  const listeners: ((credentials: GatewayCredentials) => void)[] = [];
  const first = new Promise<GatewayCredentials>((resolve) => listeners.push(resolve));
  channel.onMessage((message) => {
    if (message.type === 'gateway-credentials') for (const listener of listeners) listener(message);
  });
  const { startGateway } = await import('./gateway/composition-root.js');
  const lock = await lockFolder(config.dataDirectory, 'gateway', LOCK_WAIT_MS);
  const credentials = await first;
  const settings: GatewaySettings = {
    dataDirectory: join(config.dataDirectory, 'gateway'),
    listen: config.dataGrpc,
    storeRoots: await prepareStoreRoots(config.storeRoots),
    credentials,
    onCredentials: (listener) => void listeners.push(listener),
  };
  const gateway = await orBindFailure('--data-grpc', config.dataGrpc, startGateway(settings, ports));
  await channel.send({
    type: 'gateway-ready',
    gatewayId: credentials.gatewayId,
    dataAddress: formatAddress(gateway.address),
  });
  return {
    async stop() {
      await gateway.stop();
      lock.release();
    },
  };
}
