import { hkdfSync } from 'node:crypto';
import { DomainScope, SlotKind } from '@holdfast/proto/vault';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../ids/index.js';
import { frameDigest } from '../frames/frame.js';
import { createDomain, openDomain } from './domains.js';
import { openReleasedKey, releaseFrameKey, sealReleasedKey } from './frame-key-release.js';
import { deriveKey, expandKey, KeyDeriver } from './hkdf.js';
import { unwrapVaultKey, wrapVaultKey } from './key-slots.js';
import { createRecoveryKitSecret, formatRecoveryKit, parseRecoveryKit } from './recovery-kit.js';
import { createSessionKey, decodeWrappedSessionKey, encodeWrappedSessionKey, openSessionKey } from './session-keys.js';
import { createSigner, openSignedObject, SignedKind, signObject } from './signing.js';

const vaultId = Buffer.alloc(16, 1);
const domainId = Buffer.alloc(16, 2);
const place = { vaultId, domainId };
const vaultKey = Buffer.alloc(32, 3);
const WRONG_KEY: unknown = expect.objectContaining({ kind: 'WrongKey' });
const INTEGRITY: unknown = expect.objectContaining({ kind: 'Integrity' });

function flip(bytes: Uint8Array, bit: number): Buffer {
  const flipped = Buffer.from(bytes);
  flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
  return flipped;
}

describe('key derivation', () => {
  it('is HKDF-SHA256, also where it is taken apart', () => {
    const secret = Buffer.alloc(32, 5);
    const info = Buffer.from('info');
    const platform = Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), info, 32));
    expect(new KeyDeriver(secret).derive(info).equals(platform)).toBe(true);
    expect(deriveKey(secret, info).equals(platform)).toBe(true);
  });

  it('expands to the same bytes whatever the length asked for', () => {
    const long = expandKey(vaultKey, 'label', 1024);
    expect(long.length).toBe(1024);
    expect(expandKey(vaultKey, 'label', 40).equals(long.subarray(0, 40))).toBe(true);
    expect(expandKey(vaultKey, 'lab3l', 40).equals(long.subarray(0, 40))).toBe(false);
  });
});

describe('a key slot', () => {
  const secret = Buffer.alloc(32, 7);
  const slot = wrapVaultKey(
    { vaultId, kind: SlotKind.SLOT_KIND_PLATFORM, secret, vaultKey, createdAtMs: 5 },
    seededRandom('slot'),
  );

  it('gives the vault key back to the secret that wrapped it', () => {
    expect(unwrapVaultKey(vaultId, slot, secret).equals(vaultKey)).toBe(true);
  });

  it('opens under no other secret, vault, kind or bit', () => {
    expect(() => unwrapVaultKey(vaultId, slot, Buffer.alloc(32, 8))).toThrowError(WRONG_KEY);
    expect(() => unwrapVaultKey(domainId, slot, secret)).toThrowError(WRONG_KEY);
    expect(() => unwrapVaultKey(vaultId, { ...slot, kind: SlotKind.SLOT_KIND_RECOVERY_KIT }, secret)).toThrowError(
      WRONG_KEY,
    );
    expect(() => unwrapVaultKey(vaultId, { ...slot, slotId: Buffer.alloc(16) }, secret)).toThrowError(WRONG_KEY);
    for (let bit = 0; bit < slot.wrappedVaultKey.length * 8; bit += 5) {
      expect(() =>
        unwrapVaultKey(vaultId, { ...slot, wrappedVaultKey: flip(slot.wrappedVaultKey, bit) }, secret),
      ).toThrowError(WRONG_KEY);
    }
    expect(() => unwrapVaultKey(vaultId, { ...slot, salt: Buffer.alloc(3) }, secret)).toThrowError(INTEGRITY);
  });
});

describe('a recovery kit', () => {
  it('is read back however it is typed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (secret) => {
        const text = formatRecoveryKit(secret);
        expect(text).toMatch(/^HFK1(-[0-9A-HJKMNP-TV-Z]{4}){14}$/);
        const typed = text
          .toLowerCase()
          .replaceAll('-', '  ')
          .replaceAll('0', 'o')
          .replace(/(?<=hfk1.*)1/g, 'l');
        for (const each of [text, typed, ` ${text}\n`]) expect(parseRecoveryKit(each).equals(secret)).toBe(true);
      }),
    );
  });

  it('that was mistyped in one place is refused', () => {
    const text = formatRecoveryKit(createRecoveryKitSecret(seededRandom('kit')));
    const places = [...text.matchAll(/[^-]/g)].map((match) => match.index);
    for (const at of places) {
      const typo = text.slice(0, at) + (text[at] === '7' ? '8' : '7') + text.slice(at + 1);
      expect(() => parseRecoveryKit(typo)).toThrowError(
        expect.objectContaining({
          kind: 'Validation',
          message: expect.stringMatching(
            at < 4 ? /^This is not a recovery kit/ : /^A character of this recovery kit/,
          ) as string,
        }),
      );
    }
    for (const bad of ['', 'HFK1', text.slice(0, -1), `${text}0`, text.replace('HFK1', 'HFK2')]) {
      expect(() => parseRecoveryKit(bad)).toThrowError(
        expect.objectContaining({
          kind: 'Validation',
          message: expect.stringMatching(/^This is not a recovery kit/) as string,
        }),
      );
    }
  });
});

describe('a dedup domain', () => {
  const input = { vaultId, vaultKey, domainId, scope: DomainScope.DOMAIN_SCOPE_VAULT } as const;

  it('opens with the vault key, and its private key opens session keys', async () => {
    const random = seededRandom('domain');
    const { domain, secret } = await createDomain(input, random);
    expect(openDomain(vaultKey, vaultId, domain)).toEqual(secret);
    const { sessionKey, wrapped } = await createSessionKey(domain.publicKey, place, random);
    const travelled = decodeWrappedSessionKey(encodeWrappedSessionKey(wrapped));
    expect((await openSessionKey(secret.privateKey, place, travelled)).equals(sessionKey)).toBe(true);
  });

  it('opens under no other vault key or vault, and with no field changed', async () => {
    const { domain } = await createDomain(input, seededRandom('domain'));
    expect(() => openDomain(Buffer.alloc(32), vaultId, domain)).toThrowError(WRONG_KEY);
    expect(() => openDomain(vaultKey, domainId, domain)).toThrowError(WRONG_KEY);
    expect(() => openDomain(vaultKey, vaultId, { ...domain, publicKey: Buffer.alloc(32) })).toThrowError(WRONG_KEY);
    expect(() => openDomain(vaultKey, vaultId, { ...domain, keyEpoch: 2 })).toThrowError(WRONG_KEY);
    expect(() => openDomain(vaultKey, vaultId, { ...domain, itemId: Buffer.alloc(16) })).toThrowError(INTEGRITY);
    expect(() => openDomain(vaultKey, vaultId, { ...domain, kemId: 0x647a })).toThrowError(INTEGRITY);
  });

  it('of an item names the item', async () => {
    const scope = DomainScope.DOMAIN_SCOPE_ITEM;
    const { domain } = await createDomain({ ...input, scope, itemId: Buffer.alloc(16, 9) }, seededRandom('item'));
    expect(domain.itemId.length).toBe(16);
    await expect(createDomain({ ...input, scope }, seededRandom('item'))).rejects.toMatchObject({ kind: 'Validation' });
  });
});

describe('a session key', () => {
  it('opens with no other private key, vault or domain, and with no bit changed', async () => {
    const random = seededRandom('session');
    const { domain, secret } = await createDomain(
      { vaultId, vaultKey, domainId, scope: DomainScope.DOMAIN_SCOPE_VAULT },
      random,
    );
    const { wrapped } = await createSessionKey(domain.publicKey, place, random);
    await expect(openSessionKey(Buffer.alloc(32, 1), place, wrapped)).rejects.toMatchObject({ kind: 'WrongKey' });
    await expect(openSessionKey(secret.privateKey, { vaultId, domainId: vaultId }, wrapped)).rejects.toMatchObject({
      kind: 'WrongKey',
    });
    for (let bit = 0; bit < 384; bit += 37) {
      await expect(
        openSessionKey(secret.privateKey, place, { ...wrapped, ciphertext: flip(wrapped.ciphertext, bit) }),
      ).rejects.toMatchObject({ kind: 'WrongKey' });
    }
  });
});

describe('wrapping a session key', () => {
  it('is refused for a public key that is none', async () => {
    for (const bad of [Buffer.alloc(0), Buffer.alloc(31), Buffer.alloc(32)]) {
      await expect(createSessionKey(bad, place, seededRandom('bad'))).rejects.toMatchObject({ kind: 'Validation' });
    }
  });
});

describe('a released frame key', () => {
  const frame = { codec: 1, plainLength: 10, storedLength: 40, chunkIds: Buffer.alloc(32, 4), chunkLengths: [10] };
  const transport = Buffer.alloc(32, 6);

  it('reaches the restore it was sealed for, and is good for its frame alone', () => {
    const key = releaseFrameKey(Buffer.alloc(32, 1), frameDigest(frame));
    const sealed = sealReleasedKey(transport, place, frameDigest(frame), key, seededRandom('release'));
    expect(sealed.length).toBe(60);
    expect(openReleasedKey(transport, place, frameDigest(frame), sealed).equals(key)).toBe(true);
    expect(() => openReleasedKey(Buffer.alloc(32), place, frameDigest(frame), sealed)).toThrowError(WRONG_KEY);
    expect(() => openReleasedKey(transport, { ...place, domainId: vaultId }, frameDigest(frame), sealed)).toThrowError(
      WRONG_KEY,
    );
    expect(() => openReleasedKey(transport, place, frameDigest({ ...frame, storedLength: 41 }), sealed)).toThrowError(
      WRONG_KEY,
    );
    expect(() => openReleasedKey(transport, place, frameDigest(frame), sealed.subarray(0, 20))).toThrowError(WRONG_KEY);
  });
});

describe('a signed object', () => {
  const signer = createSigner(Buffer.alloc(32, 1));
  const payload = Buffer.from('payload');
  const bytes = signObject(signer, SignedKind.Point, 'point/1', payload);

  it('gives its payload to whoever knows the public key', () => {
    expect(openSignedObject(signer.publicKey, SignedKind.Point, 'point/1', bytes).equals(payload)).toBe(true);
  });

  it('stands in for no other, and bears no other signature or bit', () => {
    const refused: [Buffer, SignedKind, string, Buffer][] = [
      [createSigner(Buffer.alloc(32, 2)).publicKey, SignedKind.Point, 'point/1', bytes],
      [signer.publicKey, SignedKind.Log, 'point/1', bytes],
      [signer.publicKey, SignedKind.Point, 'point/2', bytes],
      [Buffer.alloc(4), SignedKind.Point, 'point/1', bytes],
      [signer.publicKey, SignedKind.Point, 'point/1', Buffer.alloc(0)],
    ];
    for (const [key, kind, name, each] of refused)
      expect(() => openSignedObject(key, kind, name, each)).toThrowError(INTEGRITY);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      expect(() => openSignedObject(signer.publicKey, SignedKind.Point, 'point/1', flip(bytes, bit))).toThrowError(
        INTEGRITY,
      );
    }
  });
});
