import type { ContentRef } from '@holdfast/core/engine';
import { idOfClaim } from '@holdfast/core/engine';

/** A file's content in the vault, with the claim that lets this agent refer to it again. */
export interface StoredContent {
  readonly kind: ContentRef['kind'];
  readonly id: Buffer;
  readonly claim: Buffer;
}

const CLAIM_BYTES = 32;

/** Kind, then claim; nothing for a file without content. What the change cache keeps for a file. */
export function encodeReference(content: StoredContent | undefined): Buffer {
  if (content === undefined) return Buffer.alloc(0);
  return Buffer.concat([Buffer.of(content.kind === 'chunk' ? 1 : 2), content.claim]);
}

/** Whether `encodeReference` may have written these bytes. */
export function isReference(bytes: Buffer): boolean {
  return bytes.length === 0 || (bytes.length === 1 + CLAIM_BYTES && (bytes[0] === 1 || bytes[0] === 2));
}

/** The claim in a reference to content; empty if it stands for none. */
export function claimOf(reference: Buffer): Buffer {
  return reference.subarray(1);
}

/** Of what `isReference`. */
export function decodeReference(bytes: Buffer): StoredContent | undefined {
  if (bytes.length === 0) return undefined;
  const claim = Buffer.from(claimOf(bytes));
  return { kind: bytes[0] === 1 ? 'chunk' : 'node', claim, id: idOfClaim(claim) };
}
