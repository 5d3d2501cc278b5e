import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { securityHeaders } from './security-headers.js';
import { serveWebClient } from './web-client.js';

describe('Backup Center as it is served', () => {
  let folder: string;
  let server: Server;
  let url: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-web-'));
    await mkdir(join(folder, 'web', 'assets'), { recursive: true });
    await writeFile(join(folder, 'web', 'index.html'), '<!doctype html><title>page</title>');
    await writeFile(join(folder, 'web', 'assets', 'index-abc123.js'), 'export {};');
    await writeFile(join(folder, 'secret'), 'not for the world');
    const app = express()
      .use(securityHeaders({ introspection: false }))
      .use(serveWebClient(join(folder, 'web')));
    server = createServer(app);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true });
  });

  it('answers every address of the application with the page, which is asked for anew each time', async () => {
    for (const path of ['/', '/vaults', '/jobs/some-id?x=1']) {
      const response = await fetch(url + path, { headers: { accept: 'text/html' } });
      expect([path, response.status, response.headers.get('cache-control'), await response.text()]).toEqual([
        path,
        200,
        'no-cache',
        '<!doctype html><title>page</title>',
      ]);
    }
  });

  it('lets files whose name holds a hash be kept for ever, and answers for none that is not there', async () => {
    const asset = await fetch(`${url}/assets/index-abc123.js`);
    expect([asset.status, asset.headers.get('cache-control')]).toEqual([200, 'public, max-age=31536000, immutable']);
    expect((await fetch(`${url}/assets/index-old.js`)).status).toBe(404);
  });

  it('serves nothing from outside its folder', async () => {
    for (const path of ['/..%2fsecret', '/assets/..%2f..%2fsecret', '/%2e%2e/secret']) {
      expect(await (await fetch(url + path)).text()).not.toContain('not for the world');
    }
  });

  it('lets the page run its own code only', async () => {
    const { headers } = await fetch(url);
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("connect-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('upgrade-insecure-requests');
  });
});
