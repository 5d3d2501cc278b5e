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

/** Undefined for bytes that `encodeReference` did not write. */
export function decodeReference(bytes: Buffer): { readonly content: StoredContent | undefined } | undefined {
  if (bytes.length === 0) return { content: undefined };
  const kind = bytes[0] === 1 ? 'chunk' : bytes[0] === 2 ? 'node' : undefined;
  if (kind === undefined || bytes.length !== 1 + CLAIM_BYTES) return undefined;
  const claim = Buffer.from(bytes.subarray(1));
  return { content: { kind, claim, id: idOfClaim(claim) } };
}
