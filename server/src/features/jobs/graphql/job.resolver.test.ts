import { systemClock } from '@holdfast/core/clock';
import { encodeGlobalId, systemRandom } from '@holdfast/core/ids';
import type { ExecutionResult, GraphQLSchema } from 'graphql';
import { execute, parse, subscribe } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestDatabase } from '../../../platform/db/testing.js';
import { openTestDatabase } from '../../../platform/db/testing.js';
import { buildHoldfastSchema } from '../../../platform/graphql/build-schema.js';
import type { GraphqlContext } from '../../../platform/graphql/graphql-context.js';
import { Loaders } from '../../../platform/graphql/loaders.js';
import { createPayloadSeal } from '../../../platform/idempotency/payload-seal.js';
import type { Principal } from '../../access/domain/principal.js';
import type { Control } from '../../agents/grpc/testing/control-fixture.js';
import { startControl } from '../../agents/grpc/testing/control-fixture.js';
import { createSubscription } from '../../subscriptions/use-cases/create-subscription.js';
import { fromCounters, fromWireRef, toWireRef } from '../grpc/job-messages.js';
import { enqueueJob } from '../use-cases/enqueue-job.js';

const UUID = '01901234-5678-7abc-8def-00000000d001';
const ZERO = fromCounters(undefined);
const SYSTEM: Principal = { kind: 'system', task: 'test' };
const STRANGER: Principal = { kind: 'user', userId: UUID, name: 'stranger' };

let db: TestDatabase;
let control: Control;
let schema: GraphQLSchema;
let subscriptionId: string;
beforeAll(async () => {
  db = await openTestDatabase({ dialect: 'sqlite', file: ':memory:' });
  control = await startControl(db);
  schema = await buildHoldfastSchema({
    clock: systemClock,
    timers: systemClock,
    seal: createPayloadSeal(Buffer.alloc(32), systemRandom),
  });
  subscriptionId = (await createSubscription(control.system, { name: 'one' })).id;
});
afterAll(async () => {
  await control.stop();
  await db.orm.close(true);
});

function context(principal: Principal): GraphqlContext {
  const ctx = control.contextFor(principal);
  return {
    ...ctx,
    loaders: new Loaders(ctx.unitOfWork),
    session: { setToken: () => undefined, clearToken: () => undefined },
  };
}
// The library's objects have no prototype; a trip through JSON gives plain ones, as a client sees them.
const ask = async (source: string, variableValues: object = {}, principal: Principal = SYSTEM): Promise<Answer> =>
  plain<Answer>(
    await execute({
      schema,
      document: parse(source),
      variableValues: { ...variableValues },
      contextValue: context(principal),
    }),
  );
const plain = <T>(result: unknown): T => JSON.parse(JSON.stringify(result)) as T;

interface JobView {
  readonly id: string;
  readonly state: string;
  readonly progress: { readonly phase: string; readonly bytesTotal: string };
}
interface Answer {
  readonly errors?: readonly { readonly message: string }[];
  /** Each query here asks for one of these. */
  readonly data: {
    readonly createEnrollmentToken: { readonly token: string };
    readonly agents: {
      readonly edges: readonly { readonly node: { readonly name: string; readonly status: string } }[];
    };
    readonly job: JobView;
    readonly node: object;
    readonly jobs: { readonly edges: readonly object[] };
    readonly jobUpdated: JobView;
    readonly revokeAgent: { readonly agent: { readonly status: string } };
  };
}

const JOB = `fragment J on Job { id kind state waitingFor attempt requestedBackupType subscription { name } agent { name status } error { code } noticesTotal notices { path kind }
  progress { phase bytesTotal expectedBytes rate etaSeconds } }`;

describe('agents and jobs over GraphQL', () => {
  it('go from a token to a finished job', async () => {
    const made = await ask(
      `mutation ($input: CreateEnrollmentTokenInput!) { createEnrollmentToken(input: $input) { token serverAddress expiresAt } }`,
      {
        input: { subscriptionId: encodeGlobalId('Subscription', subscriptionId), agentName: 'web' },
      },
    );
    expect(made.data.createEnrollmentToken).toMatchObject({
      serverAddress: control.addresses.enrollment,
      expiresAt: '2027-01-01T00:15:00.000Z',
    });
    await control.enroll(made.data.createEnrollmentToken.token);
    const agent = await control.newAgent('db', subscriptionId);
    const listed = await ask('{ agents { edges { node { name status hostName subscription { name } } } } }');
    expect(listed.data.agents.edges.map(({ node }) => [node.name, node.status])).toEqual([
      ['web', 'OFFLINE'],
      ['db', 'OFFLINE'],
    ]);

    const job = await control.system.unitOfWork.run((stores, transaction) =>
      enqueueJob(control.system, stores, transaction, {
        kind: 'BACKUP',
        subscriptionId,
        vaultId: UUID,
        protectedItemId: UUID,
        agentId: agent.id,
        payload: { a: 1 },
        requestedBackupType: 'FULL',
      }),
    );
    const id = encodeGlobalId('Job', job.id);
    const before = await ask(`query ($id: ID!) { job(id: $id) { ...J } node(id: $id) { id __typename } } ${JOB}`, {
      id,
    });
    expect(before.errors).toBeUndefined();
    expect(before.data.job).toMatchObject({
      id,
      kind: 'BACKUP',
      state: 'QUEUED',
      waitingFor: 'The agent is not connected.',
      attempt: 1,
      requestedBackupType: 'FULL',
      subscription: { name: 'one' },
      agent: { name: 'db', status: 'OFFLINE' },
      error: null,
      noticesTotal: 0,
      notices: [],
      progress: { phase: 'PREPARING', bytesTotal: '0', expectedBytes: null, rate: '0', etaSeconds: null },
    });
    expect(before.data.node).toEqual({ id, __typename: 'Job' });

    const live = (await subscribe({
      schema,
      document: parse(`subscription ($id: ID!) { jobUpdated(id: $id) { ...J } } ${JOB}`),
      variableValues: { id },
      contextValue: context(SYSTEM),
    })) as AsyncIterableIterator<ExecutionResult>;
    const next = async (): Promise<JobView> => plain<Answer>((await live.next()).value).data.jobUpdated;
    expect((await next()).state).toBe('QUEUED');
    const stream = await agent.connect();
    const ref = fromWireRef((await stream.next('startBackup')).job);
    stream.accept(ref);
    let seen = await next();
    while (seen.state !== 'RUNNING') seen = await next();
    expect(seen).toMatchObject({ waitingFor: null, agent: { status: 'ONLINE' } });
    stream.send({
      $case: 'jobProgress',
      value: {
        job: toWireRef(ref),
        phase: 2,
        counters: { ...ZERO, bytesTotal: 7n },
        expectedBytes: 9n,
        expectedEntries: 0n,
        waitingFor: 'The store is not there.',
      },
    });
    while (seen.progress.phase !== 'TRANSFERRING') seen = await next();
    expect(seen).toMatchObject({ waitingFor: 'The store is not there.' });
    expect(seen.progress).toMatchObject({ bytesTotal: '7', expectedBytes: '9', rate: '0', etaSeconds: null });
    stream.finish(
      ref,
      { $case: 'failure', value: { code: 'FORBIDDEN', message: 'No.', details: {} } },
      { notices: [{ path: Buffer.from([0x2f, 0xff]), kind: 1, message: 'm' }], noticesTotal: 1n },
    );
    while (seen.state !== 'FAILED') seen = await next();
    expect(seen).toMatchObject({
      error: { code: 'FORBIDDEN' },
      notices: [{ path: '/\\xff', kind: 'UNREADABLE' }],
      waitingFor: null,
      progress: { phase: 'FINISHING', bytesTotal: '0', rate: '0' },
    });
    await live.return?.();
    expect(control.system.services.jobs.events.watching).toBe(0);

    const filtered = await ask('query ($f: JobFilter) { jobs(filter: $f) { edges { node { id } } } }', {
      f: { states: ['FAILED'], agentId: encodeGlobalId('Agent', agent.id) },
    });
    expect(filtered.data.jobs.edges).toEqual([{ node: { id } }]);
    const late = await ask('mutation ($id: ID!) { cancelJob(input: { jobId: $id }) { job { state } } }', { id });
    expect(late.errors?.[0]?.message).toBe('The job is over: FAILED.');
    const revoked = await ask('mutation ($id: ID!) { revokeAgent(input: { agentId: $id }) { agent { status } } }', {
      id: encodeGlobalId('Agent', agent.id),
    });
    expect(revoked.data.revokeAgent.agent.status).toBe('REVOKED');
    agent.close();
  });

  it('show nothing to who may see nothing', async () => {
    const agent = await control.newAgent('hidden', subscriptionId);
    const job = await control.system.unitOfWork.run((stores, transaction) =>
      enqueueJob(control.system, stores, transaction, {
        kind: 'BACKUP',
        subscriptionId,
        vaultId: UUID,
        protectedItemId: UUID,
        agentId: agent.id,
        payload: {},
      }),
    );
    const id = encodeGlobalId('Job', job.id);
    expect(
      (await ask('{ jobs { edges { node { id } } } agents { edges { node { id } } } }', {}, STRANGER)).data,
    ).toEqual({ jobs: { edges: [] }, agents: { edges: [] } });
    expect((await ask('query ($id: ID!) { job(id: $id) { state } }', { id }, STRANGER)).errors).toHaveLength(1);
    expect(
      (await ask('mutation ($id: ID!) { cancelJob(input: { jobId: $id }) { job { state } } }', { id }, STRANGER))
        .errors,
    ).toHaveLength(1);
    const document = parse('subscription ($id: ID!) { jobUpdated(id: $id) { state } }');
    expect(
      await subscribe({ schema, document, variableValues: { id }, contextValue: context(STRANGER) }),
    ).toMatchObject({ errors: [{ message: 'There is no such thing, or you may not see it.' }] });
  });
});
