import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ManualClock } from '@holdfast/core/clock';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { LiveSocket } from './live-socket.js';

describe('a live socket', () => {
  const http = createServer();
  const server = new WebSocketServer({ server: http });
  let clock: ManualClock;
  let here: WebSocket;
  let there: WebSocket;
  let live: LiveSocket;
  beforeAll(() => new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve)));
  beforeEach(async () => {
    clock = new ManualClock();
    const arrived = new Promise<WebSocket>((resolve) => {
      server.once('connection', (socket, request) => {
        const ignore = (): void => undefined;
        live = new LiveSocket(socket, {
          timers: clock,
          stream: request.socket,
          refused: ignore,
          failed: ignore,
        });
        resolve(socket);
      });
    });
    there = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`);
    here = await arrived;
  });
  afterAll(() => {
    for (const socket of server.clients) socket.terminate();
    http.close();
  });

  it('reads nothing further while the other end does not read, and goes on when it does', async () => {
    there.pause();
    const sent = Array.from({ length: 16 }, () => live.send('x'.repeat(1024 * 1024)));
    expect(here.isPaused).toBe(true);
    there.resume();
    await Promise.all(sent);
    expect(here.isPaused).toBe(false);
  });

  it('ends when the other end does not answer for two rounds', async () => {
    const closed = new Promise((resolve) => here.once('close', resolve));
    here.ping = () => undefined;
    await clock.advance(24_000);
    await closed;
    expect(clock.waiting).toBe(0);
  });
});
