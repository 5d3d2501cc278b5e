import { HoldfastError } from '@holdfast/core/errors';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import type { Services } from '../../services.js';
import { MemoryGateway } from '../testing/memory-gateway.js';
import { lookAtVaults } from './look-at-vaults.js';

it('calls every vault out of service while the gateway does not answer', async () => {
  const gateway = new MemoryGateway();
  const ctx = { services: { gateway } as unknown as Services, log: pino({ level: 'silent' }) };
  const vaults = ['one', 'two'].map((vaultId) => ({ vaultId, storeUrl: `local:/srv/${vaultId}` }));
  const lost = { state: 'OUT_OF_SERVICE', reason: 'INDEX_LOST', message: 'The index is missing.' } as const;
  gateway.outOfService.set('two', lost);
  expect(await lookAtVaults(ctx, vaults)).toEqual([{ state: 'IN_SERVICE' }, lost]);
  gateway.failure = new HoldfastError({
    kind: 'Unavailable',
    code: 'GRPC_UNAVAILABLE',
    message: 'Connection refused.',
  });
  for (const service of await lookAtVaults(ctx, vaults))
    expect(service).toMatchObject({ state: 'OUT_OF_SERVICE', reason: 'GATEWAY_UNREACHABLE' });
});
