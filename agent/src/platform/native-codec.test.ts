import { frameCheck, nodeCodec, TAG_BYTES } from '@holdfast/core/engine';
import { seededRandom } from '@holdfast/core/ids';
import { describe, expect, it } from 'vitest';
import { hostCodec, nativeCodec } from './native-codec.js';

const random = seededRandom('native codec');
const codec = hostCodec();
const key = random.bytes(32);
const binding = random.bytes(90);

/** Text of a few words, which compresses. */
function text(length: number): Buffer {
  const words = ['vault', 'agent', 'point', 'frame', 'chunk', 'node'];
  const picks = random.bytes(length);
  return Buffer.from(Array.from(picks, (pick) => words[pick % words.length]).join(' ')).subarray(0, length);
}

const contents = [1, 2, 15, 16, 17, 4_095, 4_096, 65_536, 1_048_577].flatMap((length) => [
  random.bytes(length),
  text(length),
  Buffer.alloc(length),
]);

function sealed(by: typeof codec, ...parts: Buffer[]): Buffer {
  const out = Buffer.alloc(parts.reduce((sum, { length }) => sum + length, TAG_BYTES));
  by.seal(key, binding, parts, out);
  return out;
}

it.runIf(process.platform === 'linux')('is there in the program that runs the tests', () => {
  expect(nativeCodec()).toBeDefined();
  expect(codec).not.toBe(nodeCodec);
});

describe("the host's codec", () => {
  it('checks stored bytes as that of Node does, wherever they lie, and seals as before after it', () => {
    for (const bytes of [Buffer.alloc(0), ...contents, random.bytes(1_000).subarray(7)]) {
      const before = sealed(codec, Buffer.from('between checks'));
      expect(frameCheck(bytes, codec).equals(frameCheck(bytes))).toBe(true);
      expect(sealed(codec, Buffer.from('between checks')).equals(before)).toBe(true);
    }
  });

  it('seals to the same bytes as that of Node, and opens what either sealed', () => {
    for (const plaintext of contents) {
      const theirs = sealed(nodeCodec, plaintext);
      expect(sealed(codec, plaintext).equals(theirs)).toBe(true);
      expect(codec.open(key, binding, theirs)?.equals(plaintext)).toBe(true);
      const out = Buffer.alloc(plaintext.length);
      expect(codec.open(key, binding, theirs, out)).toBe(out);
      expect(out.equals(plaintext)).toBe(true);
    }
  });

  it('seals parts as their concatenation', () => {
    const parts = [Buffer.from('head'), text(70_000), Buffer.alloc(3), random.bytes(40_000)];
    expect(sealed(codec, ...parts).equals(sealed(nodeCodec, Buffer.concat(parts)))).toBe(true);
  });

  it('opens nothing that is not authentic, and leaves nothing of it', () => {
    const good = sealed(codec, text(5_000));
    for (const at of [0, 4_999, 5_000, 5_015]) {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] as number) ^ 1;
      const out = Buffer.alloc(5_000, 'x');
      expect(codec.open(key, binding, bad, out)).toBeUndefined();
      expect(out.every((byte) => byte === 0)).toBe(true);
    }
    expect(codec.open(random.bytes(32), binding, good)).toBeUndefined();
    expect(codec.open(key, random.bytes(90), good)).toBeUndefined();
    expect(codec.open(key, binding, good)).toBeDefined();
  });

  it('takes no memory but what it was given', () => {
    const around = Buffer.alloc(3_000, 0x77);
    codec.seal(key, binding, [text(900)], around.subarray(1_000, 1_900 + TAG_BYTES));
    expect([...around.subarray(0, 1_000), ...around.subarray(1_916)].every((byte) => byte === 0x77)).toBe(true);
    const good = sealed(codec, text(900));
    for (const room of [900, 915, 917])
      expect(() => codec.seal(key, binding, [text(900)], Buffer.alloc(room))).toThrow(TypeError);
    for (const room of [0, 899, 901])
      expect(() => codec.open(key, binding, good, Buffer.alloc(room))).toThrow(TypeError);
    for (const length of [0, 15, 16]) expect(() => codec.open(key, binding, Buffer.alloc(length))).toThrow(TypeError);
    expect(() => codec.seal(key.subarray(1), binding, [text(9)], Buffer.alloc(25))).toThrow(TypeError);
    expect(() => codec.open(key.subarray(1), binding, Buffer.alloc(40))).toThrow(TypeError);
  });

  it('compresses to what either decompresses, and the same every time', () => {
    const first = contents.map((plaintext) => Buffer.from(codec.compress(plaintext)));
    for (const [index, plaintext] of contents.entries()) {
      const body = first[index] as Buffer;
      for (const each of [codec, nodeCodec])
        expect(each.decompress(body, plaintext.length)?.equals(plaintext)).toBe(true);
      expect(codec.decompress(nodeCodec.compress(plaintext), plaintext.length)?.equals(plaintext)).toBe(true);
    }
    // Whatever came before.
    for (const index of contents.keys()) {
      const other = (index * 7) % contents.length;
      expect(Buffer.from(codec.compress(contents[other] as Buffer)).equals(first[other] as Buffer)).toBe(true);
    }
    expect(nativeCodec()?.compress(contents[20] as Buffer)).toEqual(first[20]);
  });

  it('compresses text', () => {
    const plaintext = text(100_000);
    expect(codec.compress(plaintext).length).toBeLessThan(plaintext.length / 2);
  });

  it('decompresses nothing that is not of the length that it should have', () => {
    const body = Buffer.from(codec.compress(text(10_000)));
    for (const length of [1, 9_999, 10_001, 1_000_000]) expect(codec.decompress(body, length)).toBeUndefined();
    expect(codec.decompress(body.subarray(0, 100), 10_000)).toBeUndefined();
    expect(codec.decompress(random.bytes(200), 10_000)).toBeUndefined();
  });
});
