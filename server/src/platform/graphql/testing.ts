import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@holdfast/core/clock';
import { systemRandom } from '@holdfast/core/ids';
import { createAttemptLimiter } from '../../features/access/attempt-limiter.js';
import { createPasswordHasher } from '../../features/access/password-hashing.js';
import { createSessionEnds } from '../../features/access/session-ends.js';
import { createAllowedStores } from '../../features/regions/allowed-stores.js';
import type { Services } from '../../features/services.js';
import { offerSetupCode } from '../../features/setup/setup-code.js';
import type { ConnectionGate } from '../connection-gate.js';
import type { TestDatabase } from '../db/testing.js';
import { createHttpGate, limitConnections } from '../http/listen.js';
import { createPayloadSeal } from '../idempotency/payload-seal.js';
import type { Log } from '../telemetry/log.js';
import type { Turns } from '../turns.js';
import { Answer, type AnswerError } from './answer.fixture.js';
import { buildHoldfastSchema } from './build-schema.js';
import { createHttpDoor } from './http-door.js';
import { openLiveDoor } from './live-door.js';
import { createOperationTurns } from './operation-turns.js';

export interface TestDoor {
  readonly url: string;
  readonly setupCode: string;
  readonly folder: string;
  readonly services: Services;
  ask(
    query: string,
    options?: { token?: string; headers?: Record<string, string>; variables?: Record<string, unknown>; body?: string },
  ): Promise<Answer>;
  /** The administrator's session token. */
  completeSetup(): Promise<string>;
  stop(): Promise<void>;
}

export const PASSWORD = 'correct horse battery';

/** The real door on a loopback port, over a test database. */
export async function startTestDoor(
  database: TestDatabase,
  {
    introspection = false,
    gate,
    log,
    turns = createOperationTurns({ clock: systemClock, timers: systemClock }),
  }: { introspection?: boolean; gate?: ConnectionGate; log?: Log; turns?: Turns } = {},
): Promise<TestDoor> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-door-')));
  const setup = await offerSetupCode(join(folder, 'setup-code'), systemRandom, `local:${folder}/stores`);
  const services = {
    access: {
      passwords: createPasswordHasher(systemRandom, { memory: 1_024, passes: 1, parallelism: 1 }),
      attempts: createAttemptLimiter(systemClock),
      sessionEnds: createSessionEnds(),
    },
    regions: createAllowedStores([join(folder, 'stores')]),
    setup: setup.services,
  } as unknown as Services;
  const { principal: _, unitOfWork: __, ...context } = database.context({ services });
  const base = { ...context, log: log ?? context.log, unitsOfWork: database.unitsOfWork };
  const schema = await buildHoldfastSchema({
    clock: database.clock,
    timers: systemClock,
    seal: createPayloadSeal(systemRandom.bytes(32), systemRandom),
  });
  const door = await createHttpDoor({
    schema,
    base,
    turns,
    timers: systemClock,
    secure: false,
    behindProxy: false,
    introspection,
    webClient: join(folder, 'web'),
    readiness: async () => ({ missing: [], degraded: [] }),
  });
  const server = createServer(door.app);
  limitConnections(server, gate ?? createHttpGate(systemClock, false));
  const live = openLiveDoor(server, {
    schema,
    base,
    turns,
    secure: false,
    behindProxy: false,
    introspection,
    timers: systemClock,
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const ask: TestDoor['ask'] = async (query, options = {}) => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
        ...options.headers,
      },
      body: options.body ?? JSON.stringify({ query, variables: options.variables }),
    });
    const { data, errors = [] } = (await response.json()) as { data?: unknown; errors?: AnswerError[] };
    return new Answer(response.status, response.headers, data, errors);
  };

  return {
    url,
    setupCode: setup.code,
    folder,
    services,
    ask,
    async completeSetup() {
      const answer = await ask(
        `mutation { completeSetup(input: { setupCode: "${setup.code}", name: "admin", password: "${PASSWORD}" }) { token } }`,
      );
      return answer.text('completeSetup.token');
    },
    async stop() {
      await live.stop();
      await door.stop();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
