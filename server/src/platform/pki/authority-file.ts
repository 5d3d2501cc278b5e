import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { link, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';
import type { Random } from '@holdfast/core/ids';
import { X509Certificate } from '@peculiar/x509';
import type { Authority, AuthorityKeys } from './certificate-authority.js';
import { createAuthority, EC, generateAuthority } from './certificate-authority.js';
import { openPrivateKey, sealPrivateKey } from './sealed-key.js';

export interface AuthorityPorts {
  readonly clock: Clock;
  readonly random: Random;
}

interface StoredAuthority {
  readonly version: 1;
  /** DER, base64. */
  readonly certificate: string;
  /** PKCS #8, sealed under the master key, base64. */
  readonly sealedKey: string;
}

/**
 * The CA in `<folder>/ca.json`, made at the first start. Written whole and durable before it is used: an
 * agent that trusts a lost CA would have to be enrolled again. Throws WrongKey for another master key.
 */
export async function openAuthority(folder: string, masterKey: Uint8Array, ports: AuthorityPorts): Promise<Authority> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'ca.json');
  if ((await read(path)) === undefined) await create(path, masterKey, ports);
  const stored = await read(path);
  if (stored === undefined) throw broken(path);
  return createAuthority(await unseal(stored, masterKey), ports);
}

/** Leaves the CA's certificate where people find it: browsers, the CLI and scripts check the server against it. Not a secret. */
export async function publishCertificate(path: string, certificate: string): Promise<void> {
  const beside = `${path}.${process.pid}`;
  await writeFile(beside, certificate, { mode: 0o644 });
  await rename(beside, path);
}

async function create(path: string, masterKey: Uint8Array, { clock, random }: AuthorityPorts): Promise<void> {
  const { certificate, keys } = await generateAuthority(clock, random);
  const der = Buffer.from(certificate.rawData);
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const stored: StoredAuthority = {
    version: 1,
    certificate: der.toString('base64'),
    sealedKey: sealPrivateKey(masterKey, der, pkcs8, random).toString('base64'),
  };
  const temporary = `${path}.${random.bytes(8).toString('hex')}`;
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(JSON.stringify(stored));
    await file.sync();
  } finally {
    await file.close();
  }
  // link, unlike rename, never replaces a CA that another process made meanwhile.
  await link(temporary, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await rm(temporary);
  const folder = await open(join(path, '..'), 'r');
  await folder.sync().finally(() => folder.close());
}

async function unseal(stored: StoredAuthority, masterKey: Uint8Array): Promise<AuthorityKeys> {
  const der = Buffer.from(stored.certificate, 'base64');
  const pkcs8 = openPrivateKey(masterKey, der, Buffer.from(stored.sealedKey, 'base64'));
  const key = await webcrypto.subtle.importKey('pkcs8', pkcs8, EC, false, ['sign']);
  pkcs8.fill(0);
  return { certificate: new X509Certificate(der), key };
}

async function read(path: string): Promise<StoredAuthority | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    const parsed = JSON.parse(text) as Partial<StoredAuthority>;
    if (parsed.version === 1 && typeof parsed.certificate === 'string' && typeof parsed.sealedKey === 'string')
      return parsed as StoredAuthority;
  } catch {
    // falls through: the same answer as for any other content
  }
  throw broken(path);
}

function broken(path: string): HoldfastError {
  return new HoldfastError({
    kind: 'Integrity',
    code: 'CA_FILE_BROKEN',
    message: `The CA's file cannot be read: ${path}`,
  });
}
