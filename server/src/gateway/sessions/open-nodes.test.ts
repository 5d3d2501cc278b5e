import { describe, expect, it } from 'vitest';
import { OpenNodes } from './open-nodes.js';

describe('open nodes', () => {
  it('are looked at anew when they have become twice as many', () => {
    const nodes = new OpenNodes();
    const add = (from: number, to: number) => {
      for (let node = from; node < to; node++) nodes.add(node, 92);
    };
    add(0, 999);
    expect(nodes.isLookDue).toBe(false);
    add(999, 1_000);
    add(0, 1_000);
    expect(nodes.isLookDue).toBe(true);
    nodes.looked();
    add(1_000, 1_999);
    expect(nodes.isLookDue).toBe(false);
    add(1_999, 2_000);
    expect(nodes.isLookDue).toBe(true);
    for (const node of nodes.all()) nodes.delete(node);
    expect(nodes.weight).toBe(0);
  });
});
