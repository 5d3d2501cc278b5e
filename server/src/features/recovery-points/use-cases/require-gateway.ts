import { HoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';

/** What only a gateway asks: no role of a user reaches it. */
export function requireGateway(ctx: Context): void {
  if (ctx.principal.kind === 'gateway') return;
  throw new HoldfastError({ kind: 'Forbidden', code: 'GATEWAYS_ONLY', message: 'Only a gateway may ask this.' });
}
