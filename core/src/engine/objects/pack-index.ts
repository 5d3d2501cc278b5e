import { type PackFooter, PackIndex } from '@holdfast/proto/vault';
import { sha256 } from '../chunks/hmac-sha256.js';
import { asBuffer, decodeMessage, encodeMessage } from '../format/canonical.js';
import { damaged } from '../format/format-errors.js';
import { MAX_INDEX_BYTES, MAX_INDEX_FOOTERS, SHA256_BYTES, UUID_BYTES } from '../format/limits.js';
import { checkPackFooter, footerShape } from '../packs/pack-format.js';
import { type NamedObject, orUnstorable } from './named-object.js';
import { indexName } from './object-names.js';

const MAGIC = Buffer.from('HFINDEX1', 'ascii');
// What takes least room in a footer: an edge set with its chunk's id and length, a frame with its hash and one id.
const MOST_EDGES = MAX_INDEX_BYTES / 32;
const MOST_FRAMES = MAX_INDEX_BYTES / 64;
/** Of a PackIndex: footers (3). */
const SHAPE = { 3: { most: MAX_INDEX_FOOTERS, inside: footerShape(MOST_FRAMES, MOST_EDGES) } };
const HEAD_BYTES = MAGIC.length + SHA256_BYTES;

/**
 * The footers of many packs in one object: "HFINDEX1" ‖ SHA-256 of the message ‖ message. Not signed:
 * it repeats what stands in the packs, and a gateway that writes it holds no key.
 */
export function encodePackIndex(vaultId: Uint8Array, number: bigint, footers: readonly PackFooter[]): NamedObject {
  const index: PackIndex = { vaultId: Buffer.from(vaultId), number, footers: [...footers] };
  const message = encodeMessage(PackIndex, index);
  orUnstorable(() => {
    checkIndex(index);
    if (message.length + HEAD_BYTES > MAX_INDEX_BYTES) throw malformed('it is too long');
  });
  return { name: indexName(number), bytes: Buffer.concat([MAGIC, sha256(message), message]) };
}

/** Throws Integrity. */
export function openPackIndex(object: NamedObject): PackIndex {
  const bytes = asBuffer(object.bytes);
  const message = bytes.subarray(HEAD_BYTES);
  if (bytes.length > MAX_INDEX_BYTES || bytes.length < HEAD_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw malformed('it does not start as an index does, or is too long');
  }
  if (!sha256(message).equals(bytes.subarray(MAGIC.length, HEAD_BYTES))) throw malformed('its hash does not match');
  const index = decodeMessage(PackIndex, message, object.name, MAX_INDEX_BYTES, SHAPE);
  checkIndex(index);
  if (indexName(index.number) !== object.name) throw malformed('it stands under another name');
  return index;
}

function checkIndex(index: PackIndex): void {
  if (index.vaultId.length !== UUID_BYTES) throw malformed("its vault's id has a wrong length");
  if (index.footers.length === 0 || index.footers.length > MAX_INDEX_FOOTERS)
    throw malformed('its number of packs is out of bounds');
  for (const footer of index.footers) {
    checkPackFooter(footer);
    if (!footer.vaultId.equals(index.vaultId)) throw malformed('it lists a pack of another vault');
  }
}

function malformed(why: string) {
  return damaged('MALFORMED_INDEX', `An index breaks the format: ${why}.`);
}
