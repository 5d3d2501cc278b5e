import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import * as http2 from '../../../../test/kit/http2-frames.js';
import { keepWhatIsRead } from './call-headers.js';
import { DoorScene } from './door-scene.fixture.js';
import { HealthService } from './health.js';

let scene: DoorScene;
beforeAll(async () => {
  scene = await DoorScene.create();
});
afterEach(() => scene.clear());
afterAll(() => scene.identity.stop());

it('leaves of the headers of a call what HTTP/2 and grpc-js read, and of that nothing that is long or no text', () => {
  const kept = { ':path': '/a/b', 'content-type': 'application/grpc', te: 'trailers', 'grpc-timeout': '20S' };
  const headers = {
    ...kept,
    'x-bin': ',,,',
    cookie: 'a=b',
    'grpc-encoding': 'é',
    'grpc-accept-encoding': ','.repeat(200),
  };
  keepWhatIsRead(headers);
  expect(headers).toEqual(kept);
});

it('writes nothing to the standard error about values that are no metadata', async () => {
  const written = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  try {
    const port = await scene.open({});
    const { socket } = await scene.secure(port, scene.agent);
    const settings = [0, http2.ACK].map((flags) => http2.frame(http2.SETTINGS, flags, 0, Buffer.alloc(0)));
    const headers = [http2.callHeaders(HealthService.check.path), http2.headerBlock({ 'x-note': 'é'.repeat(50) })];
    const opened = http2.frame(http2.HEADERS, http2.END_HEADERS, 1, Buffer.concat(headers));
    const answered = new Promise<void>((resolve) =>
      socket.on('data', (bytes: Buffer) => {
        if (bytes.includes(Buffer.of(http2.HEADERS, http2.END_HEADERS, 0, 0, 0, 1))) resolve();
      }),
    );
    socket.write(
      Buffer.concat([
        http2.PREFACE,
        ...settings,
        opened,
        http2.frame(http2.DATA, http2.END_STREAM, 1, Buffer.alloc(5)),
      ]),
    );
    await answered;
    expect(written).not.toHaveBeenCalled();
  } finally {
    written.mockRestore();
  }
});
