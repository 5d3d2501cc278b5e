import { type Argon2Parameters, argon2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { HoldfastError } from '@holdfast/core/errors';
import type { Random } from '@holdfast/core/ids';

export interface Argon2Cost {
  /** KiB */
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
}

/** Argon2id (RFC 9106) with 64 MiB, 3 passes, 4 lanes: its second recommended option. Runs in the thread pool, not on the event loop. */
const STRONG: Argon2Cost = { memory: 65_536, passes: 3, parallelism: 4 };
const TAG_BYTES = 32;
const SALT_BYTES = 16;
const MIN_LENGTH = 12;
const MAX_LENGTH = 256;
const FORM = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/** Two at a time: 64 MiB each, so a flood of sign-ins costs time, not memory. */
const MAX_AT_ONCE = 2;
const MAX_WAITING = 32;

const derive = promisify<'argon2id', Argon2Parameters, Buffer>(
  argon2 as (
    algorithm: 'argon2id',
    parameters: Argon2Parameters,
    callback: (error: Error | null, key: Buffer) => void,
  ) => void,
);

export interface PasswordHasher {
  /** A PHC string with a fresh salt. Throws Validation for a password under 12 or over 256 characters. */
  hash(password: string): Promise<string>;
  /** Whether the password is the one. With no hash (no such user) it takes as long and says no. */
  verify(password: string, hash: string | undefined): Promise<boolean>;
}

export function createPasswordHasher(random: Random, cost: Argon2Cost = STRONG): PasswordHasher {
  let running = 0;
  const waiting: (() => void)[] = [];

  async function limited<T>(work: () => Promise<T>): Promise<T> {
    if (running >= MAX_AT_ONCE) {
      if (waiting.length >= MAX_WAITING)
        throw new HoldfastError({
          kind: 'RateLimited',
          code: 'SIGN_IN_BUSY',
          message: 'Too many sign-ins at once; try again in a moment.',
        });
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
    running += 1;
    try {
      return await work();
    } finally {
      running -= 1;
      waiting.shift()?.();
    }
  }

  return {
    async hash(password) {
      const normal = password.normalize('NFC');
      if (normal.length < MIN_LENGTH || normal.length > MAX_LENGTH) {
        throw new HoldfastError({
          kind: 'Validation',
          code: 'PASSWORD_LENGTH',
          message: `A password has ${MIN_LENGTH} to ${MAX_LENGTH} characters.`,
        });
      }
      const salt = random.bytes(SALT_BYTES);
      const tag = await limited(() =>
        derive('argon2id', { message: Buffer.from(normal), nonce: salt, tagLength: TAG_BYTES, ...cost }),
      );
      return `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.parallelism}$${unpadded(salt)}$${unpadded(tag)}`;
    },
    async verify(password, hash) {
      const match = hash === undefined ? null : FORM.exec(hash);
      const parameters =
        match === null ? cost : { memory: Number(match[1]), passes: Number(match[2]), parallelism: Number(match[3]) };
      const salt = match === null ? Buffer.alloc(SALT_BYTES) : Buffer.from(match[4] ?? '', 'base64');
      const expected = match === null ? Buffer.alloc(TAG_BYTES) : Buffer.from(match[5] ?? '', 'base64');
      const message = Buffer.from(password.normalize('NFC').slice(0, MAX_LENGTH + 1));
      const tag = await limited(() =>
        derive('argon2id', { message, nonce: salt, tagLength: expected.length, ...parameters }),
      );
      return timingSafeEqual(tag, expected) && match !== null;
    },
  };
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
