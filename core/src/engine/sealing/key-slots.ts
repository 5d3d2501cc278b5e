/**
 * The vault key is 32 random bytes that never leave the server unwrapped. A slot wraps it under a
 * secret: PLATFORM slots under the server's master key, RECOVERY_KIT slots under the kit that the
 * customer prints. Rewrapping costs one slot; what somebody copied before stays good for them.
 */
import { type KeySlot, SlotKind } from '@holdfast/proto/vault';
import type { Random } from '../../ids/index.js';
import { damaged, unstorable, wrongKey } from '../format/format-errors.js';
import { KEY_BYTES, UUID_BYTES } from '../format/limits.js';
import { deriveKey } from './hkdf.js';
import { BOX_OVERHEAD_BYTES, openBox, sealBox } from './secret-box.js';

const SLOT_LABEL = Buffer.from('holdfast slot v1', 'ascii');
const KEY_ID_LABEL = Buffer.from('holdfast wrapping key id v1', 'ascii');
const SALT_BYTES = 32;

export type WrappingKind = SlotKind.SLOT_KIND_PLATFORM | SlotKind.SLOT_KIND_RECOVERY_KIT;

export interface WrapVaultKeyInput {
  /** 16 bytes. */
  readonly vaultId: Uint8Array;
  readonly kind: WrappingKind;
  /** 32 bytes: the master key, or the kit's secret. */
  readonly secret: Uint8Array;
  readonly vaultKey: Uint8Array;
  readonly createdAtMs: number;
}

export function wrapVaultKey(input: WrapVaultKeyInput, random: Random): KeySlot {
  const { vaultId, kind, secret, vaultKey } = input;
  if (secret.length !== KEY_BYTES || vaultKey.length !== KEY_BYTES)
    throw unstorable('KEY_LENGTH', 'A key has 32 bytes.');
  const slotId = random.bytes(UUID_BYTES);
  const salt = random.bytes(SALT_BYTES);
  return {
    slotId,
    kind,
    salt,
    wrappedVaultKey: sealBox(
      slotKey(vaultId, kind, salt, secret),
      slotBinding(vaultId, kind, slotId),
      vaultKey,
      random,
    ),
    wrappingKeyId: wrappingKeyId(kind, secret),
    createdAtMs: BigInt(input.createdAtMs),
  };
}

/** Throws WrongKey when the secret is another, or the slot belongs to another vault or was changed. */
export function unwrapVaultKey(vaultId: Uint8Array, slot: KeySlot, secret: Uint8Array): Buffer {
  checkKeySlot(slot);
  const key = slotKey(vaultId, slot.kind, slot.salt, secret);
  const vaultKey = openBox(key, slotBinding(vaultId, slot.kind, slot.slotId), slot.wrappedVaultKey);
  if (!vaultKey) throw wrongKey('SLOT_NOT_OPENED', "This key does not open the vault's key slot.");
  return vaultKey;
}

/** Tells which secret wrapped a slot without revealing it. 16 bytes. */
export function wrappingKeyId(kind: SlotKind, secret: Uint8Array): Buffer {
  return deriveKey(secret, Buffer.concat([KEY_ID_LABEL, Buffer.of(kind)])).subarray(0, UUID_BYTES);
}

export function checkKeySlot(slot: KeySlot): void {
  const known = slot.kind === SlotKind.SLOT_KIND_PLATFORM || slot.kind === SlotKind.SLOT_KIND_RECOVERY_KIT;
  const lengths = [slot.slotId.length, slot.salt.length, slot.wrappedVaultKey.length, slot.wrappingKeyId.length];
  const expected = [UUID_BYTES, SALT_BYTES, KEY_BYTES + BOX_OVERHEAD_BYTES, UUID_BYTES];
  if (!known || lengths.some((length, index) => length !== expected[index])) {
    throw damaged('MALFORMED_SLOT', 'A key slot breaks the format.');
  }
}

function slotKey(vaultId: Uint8Array, kind: SlotKind, salt: Uint8Array, secret: Uint8Array): Buffer {
  return deriveKey(secret, Buffer.concat([SLOT_LABEL, vaultId, Buffer.of(kind)]), salt);
}

function slotBinding(vaultId: Uint8Array, kind: SlotKind, slotId: Uint8Array): Buffer {
  return Buffer.concat([SLOT_LABEL, vaultId, Buffer.of(kind), slotId]);
}
