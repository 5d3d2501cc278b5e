import { HoldfastError } from '@holdfast/core/errors';

export interface EnrollmentToken {
  /** As given; sent to the server once it has proved who it is. */
  readonly text: string;
  /** SHA-256 of the CA certificate's DER. */
  readonly caFingerprint: Buffer;
}

const TOKEN = /^hfe1\.([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})$/;

/** Throws Validation. The message never repeats the token. */
export function parseEnrollmentToken(text: string): EnrollmentToken {
  const [, , fingerprint] = TOKEN.exec(text.trim()) ?? [];
  if (fingerprint === undefined) {
    throw new HoldfastError({
      kind: 'Validation',
      code: 'MALFORMED_TOKEN',
      message: 'This is not an enrolment token; it reads hfe1.<secret>.<fingerprint>, in one piece.',
    });
  }
  return { text: text.trim(), caFingerprint: Buffer.from(fingerprint, 'base64url') };
}
