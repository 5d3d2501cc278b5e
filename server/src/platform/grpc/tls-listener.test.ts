import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { systemClock } from '@holdfast/core/clock';
import { systemRandom } from '@holdfast/core/ids';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { createAuthority, generateAuthority } from '../pki/certificate-authority.js';
import { rotateIdentity } from '../pki/rotating-identity.js';
import { CERTIFICATE_DOOR } from './connection-limits.js';
import { FrameWatch } from './frame-watch.js';
import { ReceiveTurns } from './receive-turns.js';
import { TlsListener } from './tls-listener.js';

const log = pino({ level: 'silent' });

it('tells connections apart that come from one port of a peer to two addresses of this host', async () => {
  const ports = { clock: systemClock, random: systemRandom };
  const authority = createAuthority(await generateAuthority(systemClock, systemRandom), ports);
  const identity = await rotateIdentity(authority, { hosts: ['gateway.test'] }, { ...ports, timers: systemClock, log });
  const listener = new TlsListener({
    identity,
    clientCertificates: true,
    // Two places for strangers, none of them to be taken from another.
    limits: {
      ...CERTIFICATE_DOOR,
      unknown: { ...CERTIFICATE_DOOR.unknown, places: 2, perAddress: 2, graceMs: 60_000 },
    },
    clock: systemClock,
    log,
    frames: new FrameWatch(),
    turns: new ReceiveTurns(),
    onConnection: (socket) => socket.destroy(),
  });
  const port = await listener.listen('0.0.0.0', 0);
  const ends: Socket[] = [];
  const open = async (host: string, localPort?: number): Promise<Socket> => {
    const socket = connect({ port, host, localAddress: '127.0.0.1', localPort });
    ends.push(socket);
    await once(socket, 'connect');
    return socket;
  };
  try {
    const first = await open('127.0.0.1');
    const second = await open('127.0.0.2', first.localPort);
    first.destroy();
    // Until the other side has noticed.
    await systemClock.sleep(200);
    // The second holds its place still, so that there is one left, and not two.
    const isRefused = async (stranger: Socket): Promise<boolean> =>
      (await Promise.race([once(stranger, 'close').then(() => true), systemClock.sleep(300)])) === true;
    const third = await open('127.0.0.1');
    expect(await isRefused(third)).toBe(false);
    expect(await isRefused(await open('127.0.0.1'))).toBe(true);
    expect([second.destroyed, third.destroyed]).toEqual([false, false]);
  } finally {
    for (const each of ends) each.destroy();
    listener.close();
    identity.stop();
  }
});
