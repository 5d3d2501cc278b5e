import { HoldfastError } from '@holdfast/core/errors';

const PREFIX = 'hfe1';
const TOKEN = /^hfe1\.([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})$/;

export const TOKEN_LIFETIME_MS = 15 * 60_000;
export const SECRET_BYTES = 32;

/** `hfe1.<secret>.<fingerprint>`: the secret, and the SHA-256 of the CA's certificate, so that the agent knows whom it tells the secret. */
export function formatEnrollmentToken(secret: Buffer, fingerprint: Buffer): string {
  return `${PREFIX}.${secret.toString('base64url')}.${fingerprint.toString('base64url')}`;
}

/** Throws Unauthenticated on anything else: the sender learns no more than that the token is not good. */
export function parseEnrollmentToken(token: string): { readonly secret: Buffer; readonly fingerprint: Buffer } {
  const [, secret, fingerprint] = TOKEN.exec(token) ?? [];
  if (secret === undefined || fingerprint === undefined) throw tokenRefused();
  return { secret: Buffer.from(secret, 'base64url'), fingerprint: Buffer.from(fingerprint, 'base64url') };
}

export const TOKEN_REFUSED = {
  kind: 'Unauthenticated',
  code: 'ENROLLMENT_TOKEN',
  message: 'The enrolment token is not known, was used, or has expired. Make a new one.',
} as const;

export function tokenRefused(): HoldfastError {
  return new HoldfastError(TOKEN_REFUSED);
}
