import { describe, expect, it } from 'vitest';
import { type Moment, reached, watchMoments } from './index.js';

describe('moments of the write path', () => {
  it('are heard on the spot by whoever watches, and by nobody afterwards', () => {
    const heard: Moment[] = [];
    reached('store.written');
    const stop = watchMoments((moment) => heard.push(moment));
    reached('store.flushed');
    expect(heard).toEqual(['store.flushed']);
    stop();
    reached('store.named');
    expect(heard).toEqual(['store.flushed']);
  });
});
