import { setImmediate as nextRound } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { CallTurns } from './call-turns.js';

describe('the turns of calls', () => {
  it('let one call of each caller begin in a round of the event loop, each in its order', async () => {
    const turns = new CallTurns();
    const begun: string[] = [];
    for (const call of ['a1', 'a2', 'a3', 'b1', 'b2']) turns.take(call.charAt(0), () => begun.push(call));
    expect(begun).toEqual(['a1', 'b1']);
    await nextRound();
    expect(begun).toEqual(['a1', 'b1', 'a2', 'b2']);
    await nextRound();
    expect(begun).toEqual(['a1', 'b1', 'a2', 'b2', 'a3']);
  });

  it('are not spent on what was taken back, and come at once to whoever has begun nothing lately', async () => {
    const turns = new CallTurns();
    const begun: string[] = [];
    turns.take('a', () => begun.push('first'));
    const takeBack = turns.take('a', () => begun.push('taken back'));
    turns.take('a', () => begun.push('last'));
    takeBack();
    await nextRound();
    expect(begun).toEqual(['first', 'last']);
    await nextRound();
    turns.take('a', () => begun.push('at once'));
    expect(begun).toEqual(['first', 'last', 'at once']);
  });
});
