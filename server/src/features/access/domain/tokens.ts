import { createHash } from 'node:crypto';

/** Bearer tokens: 32 random bytes with a prefix that secret scanners and people recognise. Only the SHA-256 is stored. */
export const SESSION_PREFIX = 'hfs_';
export const API_TOKEN_PREFIX = 'hft_';
const FORM = /^hf[st]_[A-Za-z0-9_-]{43}$/;

export function formatToken(prefix: typeof SESSION_PREFIX | typeof API_TOKEN_PREFIX, secret: Uint8Array): string {
  return prefix + Buffer.from(secret).toString('base64url');
}

export function isToken(text: string): boolean {
  return FORM.test(text);
}

export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
