import type { BandwidthLimits } from '@holdfast/core/policy';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeOnEachDatabase, type TestDatabase } from '../../platform/db/testing.js';
import type { Control } from './grpc/testing/control-fixture.js';
import { startControl } from './grpc/testing/control-fixture.js';
import { getAgent } from './use-cases/get-agent.js';
import { revokeAgent } from './use-cases/revoke-agent.js';
import { setAgentBandwidth } from './use-cases/set-agent-bandwidth.js';

const LIMITS: BandwidthLimits = {
  uploadBytesPerSecond: 10_000_000,
  windows: [
    {
      weekdays: [1, 2, 3, 4, 5],
      from: { hour: 8, minute: 0 },
      to: { hour: 18, minute: 30 },
      timeZone: 'Europe/Berlin',
      uploadBytesPerSecond: 1_000_000,
      downloadBytesPerSecond: 2_000_000,
    },
  ],
};
const ON_THE_WIRE = {
  uploadBytesPerSecond: 10_000_000n,
  downloadBytesPerSecond: 0n,
  windows: [
    {
      weekdays: [1, 2, 3, 4, 5],
      fromMinute: 480,
      toMinute: 1_110,
      timeZone: 'Europe/Berlin',
      uploadBytesPerSecond: 1_000_000n,
      downloadBytesPerSecond: 2_000_000n,
    },
  ],
};
const NONE_ON_THE_WIRE = { uploadBytesPerSecond: 0n, downloadBytesPerSecond: 0n, windows: [] };

describeOnEachDatabase("an agent's bandwidth limits", (open) => {
  let db: TestDatabase;
  let control: Control;
  beforeAll(async () => {
    db = await open();
    control = await startControl(db);
  });
  afterAll(async () => {
    await control.stop();
  });

  it('are none at first, are kept as they were set, and stand in the audit log', async () => {
    const { id } = await control.newAgent('kept');
    expect((await getAgent(control.system, id))?.bandwidth).toEqual({ windows: [] });
    await setAgentBandwidth(control.system, { agentId: id, bandwidth: LIMITS });
    expect((await getAgent(control.system, id))?.bandwidth).toEqual(LIMITS);
    const audit = await db.unitOfWork.run((stores) => stores.audit.list({ action: 'setAgentBandwidth' }, { first: 1 }));
    expect(audit.items[0]?.item).toMatchObject({ targetId: id, outcome: 'SUCCEEDED' });
  });

  it('reach the agent with its welcome, and at once while it is connected', async () => {
    const agent = await control.newAgent('connected');
    await setAgentBandwidth(control.system, { agentId: agent.id, bandwidth: LIMITS });
    const stream = agent.stream();
    stream.hello();
    expect((await stream.next('welcome')).bandwidthLimits).toEqual(ON_THE_WIRE);
    await setAgentBandwidth(control.system, { agentId: agent.id, bandwidth: { windows: [] } });
    expect(await stream.next('bandwidthLimits')).toEqual(NONE_ON_THE_WIRE);
    agent.close();
  });

  it('are the newest ones in a welcome that was being made when they changed', async () => {
    const agent = await control.newAgent('racing');
    const stream = agent.stream();
    stream.send({
      $case: 'hello',
      value: { host: undefined, capabilities: [], running: [], instance: Buffer.alloc(16, 1) },
    });
    await expect.poll(() => control.links.attached(agent.id)).toBeDefined();
    // Whichever comes first, the last thing that the agent hears is what holds.
    await setAgentBandwidth(control.system, { agentId: agent.id, bandwidth: LIMITS });
    const welcome = await stream.next('welcome');
    if (welcome.bandwidthLimits?.windows.length === 0)
      expect(await stream.next('bandwidthLimits')).toEqual(ON_THE_WIRE);
    else expect(welcome.bandwidthLimits).toEqual(ON_THE_WIRE);
    agent.close();
  });

  it('are refused when they mean nothing, and to an agent that is not there any more', async () => {
    const { id } = await control.newAgent('refused');
    await expect(
      setAgentBandwidth(control.system, { agentId: id, bandwidth: { uploadBytesPerSecond: 1, windows: [] } }),
    ).rejects.toMatchObject({ kind: 'Validation', details: { field: 'uploadBytesPerSecond' } });
    await revokeAgent(control.system, { agentId: id });
    await expect(setAgentBandwidth(control.system, { agentId: id, bandwidth: LIMITS })).rejects.toMatchObject({
      kind: 'IllegalState',
      code: 'AGENT_REVOKED',
    });
    await expect(
      setAgentBandwidth(control.system, { agentId: control.system.newId(), bandwidth: LIMITS }),
    ).rejects.toMatchObject({ kind: 'NotFound' });
  });
});
