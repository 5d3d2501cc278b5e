import { HoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import { parseName } from '../../../platform/names.js';
import { authorize } from '../../access/authorize.js';
import { SERVER } from '../../access/domain/scope.js';
import type { Region, Zone } from '../ports.js';

const MAX_ZONES = 3;

export interface CreateRegionInput {
  readonly name: string;
  readonly zones: readonly { readonly name: string; readonly storeUrl: string }[];
}

export async function createRegion(ctx: Context, input: CreateRegionInput): Promise<Region> {
  // Before the stores are looked at: their answers would tell anyone which folders exist.
  await ctx.unitOfWork.run((stores) => authorize(ctx, stores, 'region.create', SERVER));
  if (input.zones.length < 1 || input.zones.length > MAX_ZONES) {
    throw new HoldfastError({ kind: 'Validation', code: 'ZONES', message: `A region has 1 to ${MAX_ZONES} zones.` });
  }
  const zones: Zone[] = [];
  for (const zone of input.zones) {
    zones.push({
      id: ctx.newId(),
      name: parseName('A zone', zone.name),
      storeUrl: await ctx.services.regions.admitStore(zone.storeUrl),
    });
  }
  if (new Set(zones.map((zone) => zone.name)).size < zones.length)
    throw new HoldfastError({ kind: 'Validation', code: 'ZONES', message: 'Two zones have the same name.' });
  return ctx.unitOfWork.run(async (stores) => {
    await authorize(ctx, stores, 'region.create', SERVER);
    const region: Region = {
      id: ctx.newId(),
      name: parseName('A region', input.name),
      zones,
      createdAt: ctx.clock.now(),
    };
    await stores.regions.insert(region);
    await stores.audit.append(ctx, {
      action: 'createRegion',
      outcome: 'SUCCEEDED',
      target: { type: 'Region', id: region.id },
    });
    return region;
  });
}
