/**
 * A restore gets the keys of the frames it needs, one by one, and no session key: whoever holds the
 * domain's private key derives them and seals them under the restore's transport key, so that the
 * gateway between them learns nothing.
 */
import type { Random } from '../../ids/index.js';
import { wrongKey } from '../format/format-errors.js';
import { KeyDeriver } from './hkdf.js';
import { openBox, sealBox } from './secret-box.js';
import type { KeyPlace } from './session-keys.js';

const LABEL = Buffer.from('holdfast release v1', 'ascii');

/** The key of the frame with this `frameDigest`, from its session's key. For many frames of one session, keep a `KeyDeriver`. */
export function releaseFrameKey(sessionKey: Uint8Array | KeyDeriver, digest: Uint8Array): Buffer {
  return (sessionKey instanceof KeyDeriver ? sessionKey : new KeyDeriver(sessionKey)).derive(digest);
}

/** nonce ‖ AES-256-GCM(transport key, frame key) ‖ tag: 60 bytes, good for this frame alone. */
export function sealReleasedKey(
  transportKey: Uint8Array,
  place: KeyPlace,
  digest: Uint8Array,
  frameKey: Uint8Array,
  random: Random,
): Buffer {
  return sealBox(transportKey, binding(place, digest), frameKey, random);
}

/** Throws WrongKey when it was sealed for another restore, vault, domain or frame, or was changed. */
export function openReleasedKey(
  transportKey: Uint8Array,
  place: KeyPlace,
  digest: Uint8Array,
  sealed: Uint8Array,
): Buffer {
  const key = openBox(transportKey, binding(place, digest), sealed);
  if (!key) throw wrongKey('RELEASED_KEY_NOT_OPENED', 'A frame key was not released for this restore and frame.');
  return key;
}

function binding(place: KeyPlace, digest: Uint8Array): Buffer {
  return Buffer.concat([LABEL, place.vaultId, place.domainId, digest]);
}
