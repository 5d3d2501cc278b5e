import { PackKind } from '@holdfast/proto/vault';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../chunks/hmac-sha256.js';
import { decodeFrameEntry } from '../frames/frame.js';
import { parseNode } from '../nodes/parse-node.js';
import { openPackIndex } from '../objects/pack-index.js';
import { namePoint } from '../objects/recovery-point.js';
import { parsePackFooter } from '../packs/pack-format.js';
import { createSigner, SignedKind, signObject } from '../sealing/signing.js';
import { hasShape } from './message-shape.js';

const MIB = 1 << 20;

function bytesField(number: number, content: Uint8Array): Buffer {
  const head = [number * 8 + 2];
  let rest = content.length;
  for (; rest > 0x7f; rest >>>= 7) head.push((rest & 0x7f) | 0x80);
  return Buffer.concat([Buffer.from([...head, rest]), content]);
}

/** So many empty elements of a field, two bytes each. */
function empties(number: number, bytes: number): Buffer {
  return Buffer.alloc(bytes, Buffer.of(number * 8 + 2, 0));
}

const bombs: readonly (readonly [string, () => unknown])[] = [
  ['a footer of empty frames', () => parsePackFooter(empties(6, 8 * MIB))],
  ['a footer of one frame with empty edge sets', () => parsePackFooter(bytesField(6, empties(8, 8 * MIB)))],
  [
    'a footer of one frame with countless lengths',
    () => parsePackFooter(bytesField(6, bytesField(7, Buffer.alloc(8 * MIB, 1)))),
  ],
  ['a footer that names its vault again and again', () => parsePackFooter(empties(1, 8 * MIB))],
  ['a frame entry of empty edge sets', () => decodeFrameEntry(empties(8, 8 * MIB), PackKind.PACK_KIND_NODE)],
  ['a directory of empty entries', () => parseNode(bytesField(1, empties(1, 8 * MIB - 8)), Buffer.alloc(0))],
  [
    'a directory whose entry has empty attributes',
    () => parseNode(bytesField(1, bytesField(1, empties(12, 8 * MIB - 16))), Buffer.alloc(0)),
  ],
  ['a file of empty extents', () => parseNode(bytesField(3, empties(1, 8 * MIB - 8)), Buffer.alloc(0))],
  [
    'a point that requires countless others',
    () => namePoint(signObject(createSigner(Buffer.alloc(32)), SignedKind.Point, 'point', empties(8, 3 * MIB))),
  ],
  [
    'an index of empty footers',
    () => {
      const message = empties(3, 16 * MIB);
      const bytes = Buffer.concat([Buffer.from('HFINDEX1'), sha256(message), message]);
      return openPackIndex({ name: 'index/0000000000000001', bytes });
    },
  ],
];

describe('what a message may hold', () => {
  it.each(bombs)('is looked at before anything is made of it: %s', (_, open) => {
    const before = process.memoryUsage().heapUsed;
    const started = process.cpuUsage();
    expect(open).toThrowError(expect.objectContaining({ kind: 'Integrity', code: 'MALFORMED_MESSAGE' }) as Error);
    expect(process.cpuUsage(started).user / 1_000).toBeLessThan(2_000);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * MIB);
  });

  it('is fields in order, each once unless it is repeated', () => {
    const a = bytesField(1, Buffer.from('a'));
    const b = bytesField(2, Buffer.from('b'));
    const repeated = { 2: { most: 2 } };
    for (const good of [[], [a], [b], [a, b], [a, b, b]]) expect(hasShape(Buffer.concat(good), repeated)).toBe(true);
    for (const bad of [[b, a], [a, a], [b, b, b], [a.subarray(0, 2)], [Buffer.of(0x0b)], [Buffer.of(0xff, 0xff)]])
      expect(hasShape(Buffer.concat(bad), repeated)).toBe(false);
  });

  it('counts over all messages that hold an element', () => {
    const shape = { 1: { most: 9, inside: { 1: { most: 3, longest: 1 } } } };
    const holding = (count: number): Buffer => bytesField(1, empties(1, 2 * count));
    expect(hasShape(Buffer.concat([holding(1), holding(2)]), shape)).toBe(true);
    expect(hasShape(Buffer.concat([holding(2), holding(2)]), shape)).toBe(false);
    expect(hasShape(bytesField(1, bytesField(1, Buffer.of(1, 2))), shape)).toBe(false);
  });
});
