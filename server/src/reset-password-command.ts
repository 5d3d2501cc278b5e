import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { systemClock } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';
import { createIdSource, systemRandom } from '@holdfast/core/ids';
import { databaseAddress } from './config.js';
import { createPasswordHasher } from './features/access/password-hashing.js';
import { resetPassword as reset } from './features/access/use-cases/reset-password.js';
import { buildStores } from './platform/db/build-stores.js';
import { openDatabase } from './platform/db/database.js';
import { requireCurrentSchema } from './platform/db/migrate.js';
import { createUnitsOfWork } from './platform/db/unit-of-work.js';
import { createLog } from './platform/telemetry/create-log.js';

export interface ResetPasswordOptions {
  readonly data: string;
  readonly database?: string;
  readonly user: string;
}

/** `holdfast-server reset-password`: beside a running server or without one. */
export async function resetPassword(options: ResetPasswordOptions): Promise<void> {
  const address = databaseAddress(resolve(options.data), options.database);
  if (address.dialect === 'sqlite' && !existsSync(address.file)) {
    throw new HoldfastError({
      kind: 'NotFound',
      code: 'NO_CATALOG',
      message: `There is no catalog at ${address.file}: --data names the server's data folder.`,
    });
  }
  const orm = await openDatabase(address);
  try {
    await requireCurrentSchema(orm);
    const newId = createIdSource({ clock: systemClock, random: systemRandom });
    const unitsOfWork = createUnitsOfWork({
      orm,
      buildStores: (em) => buildStores(em, { clock: systemClock, newId }),
      clock: systemClock,
      timers: systemClock,
      random: systemRandom,
      log: createLog('reset-password', 'warn'),
    });
    const passwordHash = await createPasswordHasher(systemRandom).hash(await readPassword());
    const principal = { kind: 'system', task: 'reset-password' } as const;
    const { sessionsEnded, tokensRevoked } = await reset(
      { unitOfWork: unitsOfWork.of(principal), principal, clock: systemClock },
      { name: options.user, passwordHash },
    );
    console.error(
      `The password of ${options.user} is changed. Sessions ended: ${sessionsEnded}. API tokens revoked: ${tokensRevoked}; scripts that used one need a new one. Whoever was locked out after too many failed attempts can sign in 15 minutes after them.`,
    );
  } finally {
    await orm.close(true);
  }
}

/** One line of standard input, not shown while it is typed. */
async function readPassword(): Promise<string> {
  if (process.stdin.isTTY) process.stderr.write('New password (12 characters or more): ');
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: process.stdin.isTTY });
  try {
    for await (const line of lines) return line;
    return '';
  } finally {
    lines.close();
    if (process.stdin.isTTY) process.stderr.write('\n');
  }
}
