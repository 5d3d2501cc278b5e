import { createHash } from 'node:crypto';

/** Of a random 32-byte secret: nothing slower is needed against guessing. */
export function hashSecret(secret: Buffer): string {
  return createHash('sha256').update(secret).digest('hex');
}
