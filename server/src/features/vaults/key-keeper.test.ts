import { createSigner } from '@holdfast/core/engine';
import { seededRandom } from '@holdfast/core/ids';
import { describe, expect, it } from 'vitest';
import { createKeyKeeper } from './key-keeper.js';

const VAULT = '01901234-5678-7abc-8def-0123456789ab';
const OTHER = '01901234-5678-7abc-8def-0123456789ac';
const keeper = createKeyKeeper(Buffer.alloc(32, 1), seededRandom('keys'));
const stranger = createKeyKeeper(Buffer.alloc(32, 2), seededRandom('keys'));
const WRONG: unknown = expect.objectContaining({ kind: 'WrongKey', code: 'WRONG_MASTER_KEY' });

describe('a key keeper', () => {
  it('gives the signer back that it sealed, and only for the server that it was sealed for', () => {
    const seed = Buffer.alloc(32, 9);
    const identity = (serverId: string) => ({
      serverId,
      signingPublicKey: Buffer.alloc(32),
      sealedSigningKey: keeper.sealSigningKey(VAULT, seed),
    });
    expect(keeper.signer(identity(VAULT)).publicKey.equals(createSigner(seed).publicKey)).toBe(true);
    expect(() => stranger.signer(identity(VAULT))).toThrow(WRONG);
    expect(() => createKeyKeeper(Buffer.alloc(32, 1), seededRandom('x')).signer(identity(OTHER))).toThrow(WRONG);
  });

  it('opens vaults of its own master key alone', () => {
    const vaultKey = Buffer.alloc(32, 5);
    const slots = [stranger.wrapVaultKey(VAULT, Buffer.alloc(32, 6), 1), keeper.wrapVaultKey(VAULT, vaultKey, 1)];
    expect(keeper.unwrapVaultKey(VAULT, slots).equals(vaultKey)).toBe(true);
    expect(() => keeper.unwrapVaultKey(OTHER, slots)).toThrow(expect.objectContaining({ kind: 'WrongKey' }));
    expect(() => stranger.unwrapVaultKey(VAULT, slots.slice(1))).toThrow(WRONG);
  });

  it('has one transport key per lease of a job, the same in every replica', () => {
    const replica = createKeyKeeper(Buffer.alloc(32, 1), seededRandom('other'));
    expect(keeper.transportKey(VAULT, 1).equals(replica.transportKey(VAULT, 1))).toBe(true);
    const keys = [
      keeper.transportKey(VAULT, 1),
      keeper.transportKey(VAULT, 2),
      keeper.transportKey(OTHER, 1),
      stranger.transportKey(VAULT, 1),
    ];
    expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(4);
    expect(keys.every((key) => key.length === 32)).toBe(true);
  });
});
