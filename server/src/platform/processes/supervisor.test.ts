import { ManualClock } from '@holdfast/core/clock';
import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ControlReady, GatewayCredentials, GatewayReady, ProcessMessage } from '../process-channel.js';
import { type BoundAddresses, type ChildHandle, type ChildRole, Supervisor } from './supervisor.js';

const CREDENTIALS: GatewayCredentials = {
  type: 'gateway-credentials',
  gatewayId: 'g',
  certificateChain: 'c',
  key: 'k',
  ca: 'ca',
  coordinationAddress: '127.0.0.1:1',
  coordinationServerName: 'localhost',
};
const CONTROL_READY: ControlReady = {
  type: 'control-ready',
  http: 'http://127.0.0.1:8400',
  grpc: '127.0.0.1:8401',
  enrollGrpc: '127.0.0.1:8403',
};
const GATEWAY_READY: GatewayReady = { type: 'gateway-ready', gatewayId: 'g', dataAddress: '127.0.0.1:8402' };

class FakeChild implements ChildHandle {
  readonly received: ProcessMessage[] = [];
  killed = false;
  private listener: (message: ProcessMessage) => void = () => undefined;
  private exit: (how: string) => void = () => undefined;
  constructor(
    readonly role: ChildRole,
    readonly bound: BoundAddresses,
  ) {}
  send = (message: ProcessMessage): void => void this.received.push(message);
  onMessage = (listener: (message: ProcessMessage) => void): void => {
    this.listener = listener;
  };
  onExit = (listener: (how: string) => void): void => {
    this.exit = listener;
  };
  kill = (): void => {
    this.killed = true;
    this.ends('killed');
  };
  says(message: ProcessMessage): void {
    this.listener(message);
  }
  ends(how: string): void {
    const exit = this.exit;
    this.exit = () => undefined;
    exit(how);
  }
}

describe('the supervisor', () => {
  let clock: ManualClock;
  let children: FakeChild[];
  let ready: unknown[];
  let told: string[];
  let supervisor: Supervisor;
  let exitCode: Promise<number>;
  const last = (role: ChildRole): FakeChild => {
    const found = children.findLast((each) => each.role === role);
    if (found === undefined) throw new Error(`no ${role}`);
    return found;
  };

  beforeEach(() => {
    clock = new ManualClock();
    children = [];
    ready = [];
    told = [];
    supervisor = new Supervisor({
      fork: (role, bound) => {
        const child = new FakeChild(role, bound);
        children.push(child);
        return child;
      },
      clock,
      timers: clock,
      log: pino({ level: 'silent' }),
      onReady: (...both) => ready.push(both),
      tell: (message) => told.push(message),
    });
    exitCode = supervisor.run();
  });

  const bothServe = (): void => {
    last('control').says(CREDENTIALS);
    last('control').says(CONTROL_READY);
    last('gateway').says(GATEWAY_READY);
  };

  it('starts the gateway with the certificate that control issued, and says once that both serve', () => {
    expect(children.map((each) => each.role)).toEqual(['control']);
    bothServe();
    expect(last('gateway').received).toEqual([CREDENTIALS]);
    expect(last('control').received).toEqual([GATEWAY_READY]);
    expect(ready).toEqual([[CONTROL_READY, GATEWAY_READY]]);
  });

  it('passes a renewed certificate on', () => {
    bothServe();
    const renewed = { ...CREDENTIALS, key: 'k2' };
    last('control').says(renewed);
    expect(last('gateway').received).toEqual([CREDENTIALS, renewed]);
  });

  it('restarts what crashed with more and more patience, on the same addresses, and leaves the other alone', async () => {
    bothServe();
    last('gateway').ends('signal SIGKILL');
    expect(children).toHaveLength(2);
    await clock.advance(250);
    expect(last('gateway').bound.dataGrpc).toBe('127.0.0.1:8402');
    expect(last('gateway').received).toEqual([CREDENTIALS]);
    last('control').ends('signal SIGKILL');
    await clock.advance(250);
    expect(children).toHaveLength(3);
    await clock.advance(250);
    expect(last('control').bound).toEqual({
      http: '127.0.0.1:8400',
      grpc: '127.0.0.1:8401',
      enrollGrpc: '127.0.0.1:8403',
      dataGrpc: '127.0.0.1:8402',
    });
    expect(last('control').received).toEqual([GATEWAY_READY]);
    expect(ready).toHaveLength(1);
  });

  it('gives up after five crashes within a minute', async () => {
    bothServe();
    for (let crash = 1; crash <= 5; crash += 1) {
      last('gateway').ends('code 1');
      await clock.advance(5_000);
    }
    expect(told).toHaveLength(1);
    expect(last('control').received.at(-1)).toEqual({ type: 'shutdown' });
    last('control').ends('code 0');
    expect(await exitCode).toBe(1);
  });

  it('forgives crashes that are far apart', async () => {
    bothServe();
    for (let crash = 1; crash <= 10; crash += 1) {
      last('gateway').ends('code 1');
      await clock.advance(20_000);
    }
    expect(told).toEqual([]);
  });

  it('ends both when one says that it cannot start, and repeats the words', async () => {
    last('control').says(CREDENTIALS);
    last('gateway').says({ type: 'start-failed', message: 'port in use' });
    expect(told).toEqual(['port in use']);
    expect(last('control').received.at(-1)).toEqual({ type: 'shutdown' });
    last('control').ends('code 0');
    expect(await exitCode).toBe(1);
  });

  it('lets both finish when it is stopped, and kills whoever does not', async () => {
    bothServe();
    supervisor.stop();
    last('gateway').ends('code 0');
    await clock.advance(19_999);
    expect(last('control').killed).toBe(false);
    await clock.advance(1);
    expect(last('control').killed).toBe(true);
    expect(await exitCode).toBe(0);
  });
});
