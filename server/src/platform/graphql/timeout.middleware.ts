import type { Timers } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';
import { OperationTypeNode } from 'graphql';
import type { MiddlewareFn } from 'type-graphql';
import { LIMITS } from './limits.js';

/** Answers with Timeout when a root field takes too long; what it does goes on, and a repeated clientMutationId finds it. */
export function limitTime(timers: Timers): MiddlewareFn {
  return async ({ info }, next): Promise<unknown> => {
    const root = info.path.prev === undefined && info.operation.operation !== OperationTypeNode.SUBSCRIPTION;
    if (!root) return next();
    let cancel = (): void => undefined;
    const late = new Promise<never>((_, reject) => {
      cancel = timers.after(LIMITS.operationMs, () =>
        reject(
          new HoldfastError({
            kind: 'Timeout',
            code: 'OPERATION_TIMEOUT',
            message: 'The server took too long to answer.',
          }),
        ),
      );
    });
    try {
      return await Promise.race([next(), late]);
    } finally {
      cancel();
    }
  };
}
