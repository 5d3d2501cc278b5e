import { seededRandom } from '@holdfast/core/ids';
import { expect, it } from 'vitest';
import { OpenedFrames } from './opened-frames.js';

const random = seededRandom('frames');
const chunk = (bytes: number) => ({ id: random.bytes(32), plaintext: Buffer.alloc(bytes), edges: Buffer.alloc(0) });

it('keeps the frames that were used last within its capacity', () => {
  const opened = new OpenedFrames(100);
  const [first, second, third] = [0, 1, 2].map(() => [chunk(20), chunk(20)]) as [
    ReturnType<typeof chunk>[],
    ReturnType<typeof chunk>[],
    ReturnType<typeof chunk>[],
  ];
  opened.add(first, 'DATA');
  opened.add(second, 'NODE');
  const [used] = first;
  expect(used && opened.find(used.id)).toEqual({ chunk: used, kind: 'DATA' });
  opened.add(third, 'DATA');
  const kept = [first, second, third].map((frame) => frame.map(({ id }) => opened.find(id) !== undefined));
  expect(kept).toEqual([
    [true, true],
    [false, false],
    [true, true],
  ]);
});

it('does not keep a frame beyond its capacity', () => {
  const opened = new OpenedFrames(100);
  const large = [chunk(60), chunk(60)];
  opened.add(large, 'DATA');
  expect(large.map(({ id }) => opened.find(id))).toEqual([undefined, undefined]);
});
