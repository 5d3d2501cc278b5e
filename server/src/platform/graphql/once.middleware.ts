import { createHash } from 'node:crypto';
import { HoldfastError, isHoldfastError } from '@holdfast/core/errors';
import type { MiddlewareFn } from 'type-graphql';
import type { Principal } from '../../features/access/domain/principal.js';
import type { PayloadSeal } from '../idempotency/payload-seal.js';
import type { HandledMutation } from '../idempotency/ports.js';
import type { GraphqlContext } from './graphql-context.js';

const KEPT_MS = 24 * 60 * 60_000;
const MAX_ID = 200;
/** What makes or ends a sign-in is never replayed: an answer from yesterday would hold a token that has ended. */
const NEVER_REPLAYED: ReadonlySet<string> = new Set(['signIn', 'signOut', 'completeSetup']);

interface Payload {
  clientMutationId?: string | null;
}

/**
 * The door's half of every mutation: it hands `clientMutationId` back, and answers a repeated one from what was
 * answered before, for 24 hours, without running the mutation again. A refused mutation may be tried again under its id.
 */
export function handleOnce(seal: PayloadSeal): MiddlewareFn<GraphqlContext> {
  return async ({ info, args, context }, next): Promise<unknown> => {
    if (info.parentType.name !== 'Mutation') return next();
    const input = (args as { input?: Payload }).input;
    const id = input?.clientMutationId ?? undefined;
    if (id === undefined) return next();
    if (id.length < 1 || id.length > MAX_ID) {
      throw new HoldfastError({
        kind: 'Validation',
        code: 'CLIENT_MUTATION_ID',
        message: `A clientMutationId has 1 to ${MAX_ID} characters.`,
        details: { field: 'clientMutationId' },
      });
    }
    const who = callerKey(context.principal);
    const payload: unknown =
      who === undefined || NEVER_REPLAYED.has(info.fieldName)
        ? await next()
        : await once(context, seal, [who, info.fieldName, id], input, next);
    return { ...(payload as Payload), clientMutationId: id };
  };
}

async function once(
  ctx: GraphqlContext,
  seal: PayloadSeal,
  parts: readonly string[],
  input: unknown,
  run: () => Promise<unknown>,
): Promise<object> {
  const key = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  const claim: HandledMutation = {
    id: ctx.newId(),
    key,
    inputHash: seal.fingerprint(input),
    createdAt: ctx.clock.now(),
  };
  const { earlier, rights } = await claimOrFind(ctx, claim);
  if (earlier !== undefined) return replay(seal, earlier, claim, rights);
  try {
    const payload = (await run()) as object;
    const sealed = seal.seal(key, { rights, payload: { ...payload } } satisfies Answered);
    await ctx.unitOfWork.run((stores) => stores.handledMutations.finish(claim.id, sealed));
    return payload;
  } catch (error) {
    // Only a clean refusal is known to have done nothing; after a defect the id stays taken.
    if (isHoldfastError(error) && error.kind !== 'Internal' && error.kind !== 'Timeout')
      await ctx.unitOfWork.run((stores) => stores.handledMutations.remove(claim.id));
    throw error;
  }
}

/** An answer, and what its caller's rights were then. */
interface Answered {
  /** Ids of role assignments. */
  readonly rights: readonly string[];
  readonly payload: object;
}

async function claimOrFind(
  ctx: GraphqlContext,
  claim: HandledMutation,
): Promise<{ readonly earlier: HandledMutation | undefined; readonly rights: readonly string[] }> {
  return ctx.unitOfWork.run(async (stores) => {
    await stores.handledMutations.removeOlderThan(claim.createdAt - KEPT_MS);
    const earlier = await stores.handledMutations.find(claim.key);
    if (earlier === undefined) await stores.handledMutations.insert(claim);
    const assignments = ctx.principal.kind === 'user' ? await stores.roleAssignments.ofUser(ctx.principal.userId) : [];
    return { earlier, rights: assignments.map(({ id }) => id) };
  });
}

function replay(
  seal: PayloadSeal,
  earlier: HandledMutation,
  claim: HandledMutation,
  rights: readonly string[],
): object {
  if (earlier.inputHash !== claim.inputHash) {
    throw new HoldfastError({
      kind: 'Conflict',
      code: 'CLIENT_MUTATION_ID_REUSED',
      message: 'This clientMutationId was used with another input.',
    });
  }
  if (earlier.sealedPayload === undefined) {
    throw new HoldfastError({
      kind: 'Conflict',
      code: 'MUTATION_OUTCOME_UNKNOWN',
      message:
        'This mutation is still running, or the server stopped while it ran. Look whether it was done before you send it under a new id.',
    });
  }
  const answered = seal.open(claim.key, earlier.sealedPayload) as Answered;
  // What it tells, or leads to, may be what was taken away.
  if (!answered.rights.every((id) => rights.includes(id))) {
    throw new HoldfastError({
      kind: 'Forbidden',
      code: 'RIGHTS_REMOVED',
      message: 'This mutation was done under roles that you no longer have, so its answer is not given again.',
    });
  }
  return answered.payload;
}

function callerKey(principal: Principal): string | undefined {
  if (principal.kind !== 'user') return undefined;
  // A narrowed token must not be answered what its user was.
  return `${principal.userId}/${principal.tokenId ?? ''}`;
}
