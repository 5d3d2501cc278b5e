import { systemClock } from '@holdfast/core/clock';
import { systemRandom } from '@holdfast/core/ids';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { createPayloadSeal } from '../idempotency/payload-seal.js';
import { buildHoldfastSchema } from './build-schema.js';

const HEADER = '# Written by `pnpm --filter @holdfast/server schema:emit` from the resolvers.\n\n';

/** The SDL as it is committed: sorted, so that the order in which features are listed does not show. */
export async function printHoldfastSchema(): Promise<string> {
  const schema = await buildHoldfastSchema({
    clock: systemClock,
    timers: systemClock,
    seal: createPayloadSeal(Buffer.alloc(32), systemRandom),
  });
  return `${HEADER}${printSchema(lexicographicSortSchema(schema))}\n`;
}
