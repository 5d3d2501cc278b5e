/** Where `holdfast login` leaves the session: one file, readable by its owner alone. */
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

export function loadCredentials(folder: string): Credentials | undefined {
  const file = path.join(folder, FILE);
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const parsed = parseCredentials(text);
  if (parsed === undefined) {
    throw new HoldfastError({
      kind: 'Validation',
      code: 'CREDENTIALS_UNREADABLE',
      message: `${file} is not a credentials file: sign in again with "holdfast login"`,
    });
  }
  return parsed;
}

function parseCredentials(text: string): Credentials | undefined {
  try {
    const value = JSON.parse(text) as Partial<Credentials>;
    const complete = [value.server, value.token, value.user, value.expiresAt].every(
      (field) => typeof field === 'string',
    );
    return complete ? (value as Credentials) : undefined;
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
