import {
  createCipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  verify,
} from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openSessionKey, SlotKind, unwrapVaultKey } from '@holdfast/core/engine';
import { describe, expect, it } from 'vitest';
import { computeVectors, countedStream } from './vectors.js';

const sha256 = (...parts: Buffer[]): Buffer =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
const computed = await computeVectors((bytes) => sha256(bytes));
const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');
const u32 = (value: number): Buffer => {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(value);
  return out;
};

async function committed<T>(name: string): Promise<T> {
  return JSON.parse(await readFile(join(import.meta.dirname, 'vectors', name), 'utf8')) as T;
}

describe('the committed vectors', () => {
  it.each(Object.keys(computed))('of %s are what the engine computes', async (name) => {
    expect(JSON.parse(JSON.stringify(computed[name]))).toEqual(await committed(name));
  });
});

// The specification once more, in as few words as it takes, with nothing of the engine.
describe('the specification by itself', () => {
  it('cuts where the chunker vectors say', async () => {
    const vector = await committed<{
      chunkerKey: string;
      parameters: { minBytes: number; normalBytes: number; maxBytes: number };
      ends: number[];
    }>('chunker.json');
    let table = Buffer.alloc(0);
    for (let block = Buffer.alloc(0), n = 1; n <= 32; n++) {
      block = createHmac('sha256', bytes(vector.chunkerKey))
        .update(block)
        .update('holdfast gear table v1')
        .update(Buffer.of(n))
        .digest();
      table = Buffer.concat([table, block]);
    }
    const { minBytes, normalBytes, maxBytes } = vector.parameters;
    const bits = Math.log2(normalBytes);
    const stream = countedStream(8192, (each) => sha256(each));
    const ends: number[] = [];
    let start = 0;
    let hash = 0n;
    for (let at = 0; at < stream.length; at++) {
      hash = BigInt.asUintN(32, (hash << 1n) + BigInt(table.readUInt32LE((stream[at] as number) * 4)));
      const length = at + 1 - start;
      const zeros = length < normalBytes ? bits + 2 : bits - 2;
      if (length >= minBytes && (hash >> BigInt(32 - zeros) === 0n || length === maxBytes)) {
        ends.push(at + 1);
        start = at + 1;
      }
    }
    expect(ends).toEqual(vector.ends);
  });

  it('names chunks as the chunk vectors say', async () => {
    const { idKey, chunks } = await committed<{
      idKey: string;
      chunks: { kind: number; edges: string; plaintext: string; claim: string; id: string }[];
    }>('chunks.json');
    for (const { kind, edges, plaintext, claim, id } of chunks) {
      const input = Buffer.concat([Buffer.of(kind), u32(edges.length / 64), bytes(edges), bytes(plaintext)]);
      expect(createHmac('sha256', bytes(idKey)).update(input).digest('hex')).toBe(claim);
      expect(sha256(bytes(claim)).toString('hex')).toBe(id);
    }
  });

  it('seals raw frames as the frame vectors say', async () => {
    const vector = await committed<{
      vaultId: string;
      domainId: string;
      kind: number;
      sessionKey: string;
      chunkIds: string[];
      plaintexts: string[];
      frames: { codec: number; plainLength: number; storedLength: number; frameKey: string; stored: string }[];
    }>('frames.json');
    const ids = bytes(vector.chunkIds.join(''));
    const body = bytes(vector.plaintexts.join(''));
    const lengths = Buffer.concat(vector.plaintexts.map((each) => u32(each.length / 2)));
    for (const { codec, plainLength, storedLength, frameKey, stored } of vector.frames) {
      expect(codec).toBe(1);
      const info = sha256(
        Buffer.from('holdfast frame key v1'),
        ids,
        Buffer.of(codec),
        u32(plainLength),
        u32(storedLength),
      );
      const key = Buffer.from(hkdfSync('sha256', bytes(vector.sessionKey), '', info, 32));
      expect(key.toString('hex')).toBe(frameKey);
      const cipher = createCipheriv('aes-256-gcm', key, Buffer.alloc(12));
      cipher.setAAD(
        Buffer.concat([
          Buffer.from('holdfast frame v1'),
          bytes(vector.vaultId),
          bytes(vector.domainId),
          Buffer.of(vector.kind, codec),
          sha256(ids, lengths),
        ]),
      );
      const padding = Buffer.alloc(storedLength - 16 - 4 - body.length);
      const sealed = Buffer.concat([
        cipher.update(Buffer.concat([u32(body.length), body, padding])),
        cipher.final(),
        cipher.getAuthTag(),
      ]);
      expect(sealed.toString('hex')).toBe(stored);
    }
  });

  it('wraps, opens and signs with the keys of the key vectors', async () => {
    const { slot, session, signature } =
      await committed<Record<'slot' | 'session' | 'signature', Record<string, string>>>('keys.json');
    const text = (from: Record<string, string>, name: string): Buffer => bytes(from[name] as string);
    const label = Buffer.concat([Buffer.from('holdfast slot v1'), text(slot, 'vaultId'), Buffer.of(1)]);
    const key = Buffer.from(hkdfSync('sha256', text(slot, 'secret'), text(slot, 'salt'), label, 32));
    const wrapped = text(slot, 'wrappedVaultKey');
    const cipher = createCipheriv('aes-256-gcm', key, wrapped.subarray(0, 12));
    cipher.setAAD(Buffer.concat([label, text(slot, 'slotId')]));
    expect(
      Buffer.concat([cipher.update(text(slot, 'vaultKey')), cipher.final(), cipher.getAuthTag()]).equals(
        wrapped.subarray(12),
      ),
    ).toBe(true);
    const asSlot = {
      slotId: text(slot, 'slotId'),
      kind: SlotKind.SLOT_KIND_PLATFORM,
      salt: text(slot, 'salt'),
      wrappedVaultKey: wrapped,
      wrappingKeyId: text(slot, 'wrappingKeyId'),
      createdAtMs: 0n,
    };
    expect(unwrapVaultKey(text(slot, 'vaultId'), asSlot, text(slot, 'secret')).equals(text(slot, 'vaultKey'))).toBe(
      true,
    );

    const place = { vaultId: text(session, 'vaultId'), domainId: text(session, 'domainId') };
    const sent = { kemId: 0x20, encapsulated: text(session, 'encapsulated'), ciphertext: text(session, 'ciphertext') };
    expect((await openSessionKey(text(session, 'privateKey'), place, sent)).equals(text(session, 'sessionKey'))).toBe(
      true,
    );

    const object = text(signature, 'object');
    const payload = text(signature, 'payload');
    const name = Buffer.from(signature['name'] as string);
    const message = Buffer.concat([Buffer.from('holdfast signed v1'), Buffer.of(3, name.length, 0), name, payload]);
    const seed = createPrivateKey({
      key: Buffer.concat([bytes('302e020100300506032b657004220420'), text(signature, 'seed')]),
      format: 'der',
      type: 'pkcs8',
    });
    expect(verify(null, message, createPublicKey(seed), object.subarray(object.length - 64))).toBe(true);
  });
});
