import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestDatabase } from '../../platform/db/testing.js';
import { openTestDatabase } from '../../platform/db/testing.js';
import type { Control } from './grpc/testing/control-fixture.js';
import { startControl } from './grpc/testing/control-fixture.js';

const ROOT = Buffer.from([0x2f, 0xff]);
const FILES = { roots: [ROOT], include: [], exclude: [Buffer.from('*.o')], oneFileSystem: true };
const trouble = (message: string) => ({ path: ROOT, kind: 2, message });

describe('a question to an agent about a datasource', () => {
  let db: TestDatabase;
  let control: Control;
  beforeAll(async () => {
    db = await openTestDatabase({ dialect: 'sqlite', file: ':memory:' });
    control = await startControl(db);
  });
  afterAll(async () => {
    await control.stop();
    await db.orm.close(true);
  });

  const ask = (agentId: string) => control.system.services.agents.sourceChecks.ask(agentId, FILES);

  it('is answered over its stream, in words that steer no terminal', async () => {
    const agent = await control.newAgent('asked');
    const stream = await agent.connect();
    const answer = ask(agent.id);
    const { checkId, files } = await stream.next('checkSource');
    expect(files).toEqual(FILES);
    const check = { troubles: [trouble('gone\u001b[2J')] };
    stream.send({ $case: 'sourceChecked', value: { checkId, check } });
    expect(await answer).toMatchObject([{ path: ROOT, message: 'gone [2J' }]);
    // Nobody waits for that any more; the stream goes on.
    stream.send({ $case: 'sourceChecked', value: { checkId, check } });
    stream.send({ $case: 'heartbeat', value: { sequence: 7n } });
    expect((await stream.next('heartbeatAck')).sequence).toBe(7n);
    agent.close();
  });

  it('is not answered by another agent, and not for ever waited for', async () => {
    const [asked, other] = [await control.newAgent('silent'), await control.newAgent('other')];
    const [stream, elsewhere] = [await asked.connect(), await other.connect()];
    const answer = ask(asked.id);
    const { checkId } = await stream.next('checkSource');
    elsewhere.send({ $case: 'sourceChecked', value: { checkId, check: { troubles: [trouble('a lie')] } } });
    elsewhere.send({ $case: 'heartbeat', value: { sequence: 1n } });
    await elsewhere.next('heartbeatAck');
    await control.silence.advance(3_000);
    expect(await answer).toBeUndefined();
    for (const agent of [asked, other]) agent.close();
  });

  it('is not even put to one that is not connected', async () => {
    const agent = await control.newAgent('offline');
    expect(await ask(agent.id)).toBeUndefined();
  });
});
