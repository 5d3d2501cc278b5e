/** Where `holdfast login` leaves the session: one file, readable by its owner alone. */
import { X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { HoldfastError } from '@holdfast/core/errors';

export interface Credentials {
  readonly server: string;
  readonly token: string;
  readonly user: string;
  /** RFC 3339, UTC. */
  readonly expiresAt: string;
  /** PEM of the CA that the server's certificate must come from; absent for plain HTTP and public CAs. */
  readonly ca?: string;
}

const FILE = 'credentials.json';
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const TOKEN = /^[\w-]{1,200}$/;
/** A session and a chain of certificates are some kilobytes. */
const MOST_BYTES = 1 << 20;

export function loadCredentials(folder: string): Credentials | undefined {
  const file = path.join(folder, FILE);
  let text: string | undefined;
  try {
    text = fs.statSync(file).size > MOST_BYTES ? undefined : fs.readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const parsed = text === undefined ? undefined : parseCredentials(text);
  if (parsed === undefined) {
    throw new HoldfastError({
      kind: 'Validation',
      code: 'CREDENTIALS_UNREADABLE',
      message: `${file} is not a credentials file: sign in again with "holdfast login"`,
    });
  }
  return parsed;
}

/** Undefined for what could not be used as it is: an address that is none, a token that fits into no header, a CA that is no certificate. */
function parseCredentials(text: string): Credentials | undefined {
  try {
    const { server, token, user, expiresAt, ca } = JSON.parse(text) as Record<string, unknown>;
    if (typeof server !== 'string' || !/^https?:$/.test(new URL(server).protocol)) return undefined;
    if (typeof token !== 'string' || !TOKEN.test(token)) return undefined;
    if (typeof user !== 'string' || typeof expiresAt !== 'string') return undefined;
    if (ca === undefined) return { server, token, user, expiresAt };
    if (typeof ca !== 'string') return undefined;
    const certificates = ca.match(CERTIFICATE) ?? [];
    if (certificates.length === 0) return undefined;
    for (const each of certificates) new X509Certificate(each);
    return { server, token, user, expiresAt, ca };
  } catch {
    return undefined;
  }
}

export function saveCredentials(folder: string, credentials: Credentials): void {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = path.join(folder, FILE);
  const beside = `${file}.${process.pid}`;
  fs.writeFileSync(beside, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600 });
  fs.renameSync(beside, file);
}

export function forgetCredentials(folder: string): void {
  fs.rmSync(path.join(folder, FILE), { force: true });
}
