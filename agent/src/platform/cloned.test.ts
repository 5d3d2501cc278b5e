import { expect, it } from 'vitest';
import { withBuffers } from './cloned.js';

it('makes buffers again of what structured cloning made of them, at any depth, and leaves everything else', () => {
  const sent = {
    id: Buffer.from('id'),
    list: [Buffer.from('a'), { name: Buffer.from('b'), none: undefined, nothing: null }],
    places: new Float64Array([1, 2]),
    epoch: 3n,
    text: 'x',
  };
  const arrived = structuredClone(sent);
  expect(Buffer.isBuffer(arrived.id)).toBe(false);
  const owned = withBuffers(arrived);
  expect(owned).toStrictEqual(sent);
  expect(Buffer.isBuffer(owned.id)).toBe(true);
});
