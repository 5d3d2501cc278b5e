import { ManualClock } from '@holdfast/core/clock';
import { beforeEach, describe, expect, it } from 'vitest';
import { ConnectionGate, type GateLimits } from './connection-gate.js';

const LIMITS: GateLimits = { places: 10, perAddress: 20, graceMs: 2_000, pace: { burst: 1_000, perSecond: 100 } };
let clock: ManualClock;
let dropped: string[];

beforeEach(() => {
  clock = new ManualClock();
  dropped = [];
});

const gateOf = (limits: Partial<GateLimits> = {}): ConnectionGate =>
  new ConnectionGate({ ...LIMITS, ...limits }, clock);
const enter = (gate: ConnectionGate, address: string, name = address): string | (() => void) =>
  gate.enter(address, () => dropped.push(name));
const enterMany = (gate: ConnectionGate, address: string, times: number): (string | (() => void))[] =>
  Array.from({ length: times }, (_, index) => enter(gate, address, `${address}#${index}`));

describe('the gate for connections of nobody yet', () => {
  it('lets a newcomer in at the cost of whoever holds the most, oldest first', () => {
    const gate = gateOf();
    enterMany(gate, '192.0.2.1', 9);
    enter(gate, '192.0.2.2');
    expect(enter(gate, '192.0.2.3')).toBeTypeOf('function');
    expect(enter(gate, '192.0.2.2')).toBeTypeOf('function');
    expect(dropped).toEqual(['192.0.2.1#0', '192.0.2.1#1']);
    expect(gate.size).toBe(10);
  });

  it('lets those behind one address be for a while, and then the oldest make room', async () => {
    const gate = gateOf();
    enterMany(gate, '192.0.2.1', 10);
    expect(enter(gate, '192.0.2.1')).toBe('FULL');
    await clock.advance(LIMITS.graceMs);
    expect(enter(gate, '192.0.2.1')).toBeTypeOf('function');
    expect(dropped).toEqual(['192.0.2.1#0']);
  });

  it('bounds what one address holds, an IPv6 network being one, and gives places back once', () => {
    const gate = gateOf({ perAddress: 2 });
    const leave = enter(gate, '2001:db8::1') as () => void;
    enter(gate, '2001:db8::2');
    expect(enter(gate, '2001:db8::3')).toBe('ADDRESS_FULL');
    expect(enter(gate, '2001:db8:0:1::1')).toBeTypeOf('function');
    leave();
    leave();
    expect(enter(gate, '2001:db8::3')).toBeTypeOf('function');
    expect(enter(gate, '2001:db8::4')).toBe('ADDRESS_FULL');
    expect(gate.size).toBe(3);
  });

  it('slows an address down that comes too fast, and no other', async () => {
    const gate = gateOf({ pace: { burst: 3, perSecond: 2 } });
    for (let i = 0; i < 3; i += 1) (enter(gate, '192.0.2.1') as () => void)();
    expect(enter(gate, '192.0.2.1')).toBe('TOO_FAST');
    expect(enter(gate, '192.0.2.2')).toBeTypeOf('function');
    await clock.advance(500);
    expect(enter(gate, '192.0.2.1')).toBeTypeOf('function');
    expect(enter(gate, '192.0.2.1')).toBe('TOO_FAST');
  });

  it('stays bounded under a flood from very many addresses', () => {
    const gate = gateOf();
    for (let i = 0; i < 50_000; i += 1) enter(gate, `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
    expect(gate.size).toBe(10);
  });
});
