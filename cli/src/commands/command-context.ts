/** What every command is given, and the one way in which it is run. */
import fs from 'node:fs';
import { HoldfastError } from '@holdfast/core/errors';
import type { Command } from 'commander';
import { ApiClient } from '../api/client.js';
import { type CliEnvironment, readEnvironment } from '../config.js';
import { createPrinter, type Printer } from '../output/printer.js';
import { loadCredentials } from '../session/credentials-file.js';

export interface GlobalOptions {
  readonly json?: boolean;
  readonly server?: string;
  readonly caFile?: string;
}

export interface CommandContext {
  readonly environment: CliEnvironment;
  readonly options: GlobalOptions;
  readonly printer: Printer;
  /** The address that was given, if any. */
  readonly server: string | undefined;
  /** Signed in by token or by `holdfast login`; throws Unauthenticated otherwise. */
  api(): ApiClient;
}

export function readCaFile(context: Pick<CommandContext, 'environment' | 'options'>): string | undefined {
  const file = context.options.caFile ?? context.environment.caFile;
  if (file === undefined) return undefined;
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    throw new HoldfastError({
      kind: 'Validation',
      code: 'CA_FILE_UNREADABLE',
      message: `cannot read ${file}: ${(error as Error).message}`,
    });
  }
}

/** Throws Validation for what is no address of a server. */
function serverUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new HoldfastError({
      kind: 'Validation',
      code: 'BAD_SERVER',
      message: `"${text}" is no server's address; one looks like https://backup.example:8400`,
    });
  }
  return url.origin;
}

export function contextOf(command: Command): CommandContext {
  const options = command.optsWithGlobals<GlobalOptions>();
  const environment = readEnvironment();
  const given = options.server ?? environment.server;
  const server = given === undefined ? undefined : serverUrl(given);
  return {
    environment,
    options,
    printer: createPrinter(options.json ?? false),
    server,
    api() {
      const ca = readCaFile({ environment, options });
      const saved = loadCredentials(environment.configFolder);
      if (environment.token !== undefined) {
        const target = server ?? saved?.server;
        if (target === undefined)
          throw notSignedIn('HOLDFAST_TOKEN is set, but no server: pass --server or set HOLDFAST_SERVER');
        const trusted = ca ?? (target === saved?.server ? saved.ca : undefined);
        return new ApiClient({
          server: target,
          token: environment.token,
          tokenGiven: true,
          ...(trusted === undefined ? {} : { ca: trusted }),
        });
      }
      if (saved === undefined) throw notSignedIn('not signed in: run "holdfast login --server URL"');
      if (server !== undefined && server !== saved.server) {
        throw notSignedIn(`signed in at ${saved.server}, not at ${server}: run "holdfast login --server ${server}"`);
      }
      const trusted = ca ?? saved.ca;
      return new ApiClient({
        server: saved.server,
        token: saved.token,
        ...(trusted === undefined ? {} : { ca: trusted }),
      });
    },
  };
}

function notSignedIn(message: string): HoldfastError {
  return new HoldfastError({ kind: 'Unauthenticated', code: 'NOT_SIGNED_IN', message });
}
