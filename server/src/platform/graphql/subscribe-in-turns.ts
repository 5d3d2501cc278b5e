import { map } from '@graphql-yoga/subscription';
import { createSourceEventStream, type ExecutionArgs, type ExecutionResult, execute } from 'graphql';
import type { EndTurn, Turns } from '../turns.js';

export interface TakenArgs extends ExecutionArgs {
  readonly userId: string;
  /** Of the turn in which the operation was taken. */
  readonly endTurn: EndTurn;
  readonly mostMs: number;
}

/**
 * As graphql-js subscribes, with a turn for each event: many who watch wait for each other, and not others for them. It
 * ends with the error of a root field, as what it is about may not be seen any more.
 */
export async function subscribeInTurns(
  turns: Turns,
  args: TakenArgs,
): Promise<AsyncIterable<ExecutionResult> | ExecutionResult> {
  const source = await createSourceEventStream(args).finally(() => args.endTurn(args.mostMs));
  if (!(Symbol.asyncIterator in source)) return source;
  return map(async (rootValue: unknown) => {
    const end = await turns.enter(args.userId, { patient: true });
    try {
      const result = await execute({ ...args, rootValue });
      const fatal = result.errors?.find(({ path }) => path?.length === 1);
      if (fatal !== undefined) throw fatal;
      return result;
    } finally {
      end(args.mostMs);
    }
  })(source);
}
