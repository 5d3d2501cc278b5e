import { ManualClock } from '@holdfast/core/clock';
import { describe, expect, it } from 'vitest';
import type { GatewayClient } from '../../../platform/gateway-client.js';
import { createNodeReader } from './node-reader.js';
import { PATIENCE_MS } from './store-patience.js';

const access = { vaultId: 'v', domainId: 'd' } as never;

describe('the reader of nodes', () => {
  it('waits no longer for a store that hangs than people do, and ends what it asked the gateway for', async () => {
    const clock = new ManualClock();
    let asked: AbortSignal | undefined;
    const fetchChunks: GatewayClient['fetchChunks'] = async function* (_vault, _ids, _from, signal) {
      asked = signal;
      await new Promise(() => undefined);
      yield { kind: 'damaged', chunkIds: [], reason: 'never told' };
    };
    const opening = { openNodes: async () => [] };
    const reader = createNodeReader({ gateway: { fetchChunks }, opening, cacheBytes: 1_000, timers: clock });
    const node = reader.fetcher({ vaultId: 'v', storeUrl: 'local:/v' }, access)(Buffer.alloc(32));
    const ended = expect(node).rejects.toMatchObject({ kind: 'Timeout', code: 'STORE_TIMEOUT' });
    await clock.advance(PATIENCE_MS);
    await ended;
    expect(asked?.aborted).toBe(true);
  });
});
