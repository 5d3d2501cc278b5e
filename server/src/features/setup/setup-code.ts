import { timingSafeEqual } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import type { Random } from '@holdfast/core/ids';
import type { SetupServices } from './ports.js';

/** No letters or digits that people mistake for one another. 12 of 32: 60 bits. */
const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';
const LENGTH = 12;

/** Draws a setup code and leaves it in `file` (mode 0600), for whoever can read this server's data. A new start draws a new one. */
export async function offerSetupCode(
  file: string,
  random: Random,
  defaultStoreUrl: string,
): Promise<{ code: string; services: SetupServices }> {
  const letters = [...random.bytes(LENGTH)].map((byte) => ALPHABET.charAt(byte % ALPHABET.length));
  const code = (letters.join('').match(/.{4}/g) ?? []).join('-');
  await rm(file, { force: true });
  const handle = await open(file, 'wx', 0o600);
  await handle.writeFile(`${code}\n`).finally(() => handle.close());
  let offered: string | undefined = code;
  const services: SetupServices = {
    defaultStoreUrl,
    matches: (given) => offered !== undefined && same(normalize(offered), normalize(given)),
    async done() {
      offered = undefined;
      await rm(file, { force: true });
    },
  };
  return { code, services };
}

/** For a server that has its administrator already. */
export function noSetupCode(defaultStoreUrl: string): SetupServices {
  return { defaultStoreUrl, matches: () => false, done: async () => undefined };
}

function normalize(code: string): string {
  return code.slice(0, 100).replaceAll(/[\s-]/g, '').toUpperCase();
}

function same(expected: string, given: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}
