import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BackgroundProcess, runProgram } from '../kit/holdfast/background-process.js';
import { ServerProcess } from '../kit/holdfast/server-process.js';

const PORTS = [
  '--http',
  '127.0.0.1:0',
  '--grpc',
  '127.0.0.1:0',
  '--data-grpc',
  '127.0.0.1:0',
  '--enroll-grpc',
  '127.0.0.1:0',
];
const POSTGRES = process.env.HOLDFAST_TEST_POSTGRES;

let folder: string;
let servers: ServerProcess[];

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-process-'));
  servers = [];
});
afterEach(async () => {
  for (const server of servers) await server.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

async function startServer(extraArgs: readonly string[] = []): Promise<ServerProcess> {
  const server = new ServerProcess(folder, extraArgs);
  servers.push(server);
  await server.start();
  return server;
}

const mode = (file: string): number => fs.statSync(file).mode & 0o777;

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

async function isReady(server: ServerProcess): Promise<boolean> {
  try {
    return (await fetch(`${server.addresses.http}/readyz`)).status === 200;
  } catch {
    return false;
  }
}

describe('the server process', () => {
  it('keeps what it writes to itself, and says when it is ready', async () => {
    const server = await startServer();
    expect(await (await fetch(`${server.addresses.http}/livez`)).text()).toBe('ok\n');
    expect(await (await fetch(`${server.addresses.http}/readyz`)).json()).toEqual({
      ready: true,
      missing: [],
      degraded: [],
    });
    expect(mode(server.dataFolder)).toBe(0o700);
    for (const name of ['master.key', 'setup-code', 'catalog.sqlite'])
      expect([name, mode(path.join(server.dataFolder, name))]).toEqual([name, 0o600]);
  });

  it('restarts control and gateway after kill -9, on the addresses they had', async () => {
    const server = await startServer();
    const { token } = await server.completeSetup();
    for (const role of ['gateway', 'control'] as const) {
      process.kill(server.childPid(role), 'SIGKILL');
      await expect.poll(() => isReady(server), { timeout: 2_000, interval: 20 }).toBe(false);
      await expect.poll(() => isReady(server), { timeout: 60_000, interval: 200 }).toBe(true);
      expect((await server.api(token).ask('{ me { user { name } } }')).me.user.name).toBe('admin');
    }
  });

  it('leaves no child behind when it is killed, and starts again on the same data', async () => {
    const server = await startServer();
    const { administrator } = await server.completeSetup();
    const children = [server.childPid('control'), server.childPid('gateway')];
    server.process.kill('SIGKILL');
    await expect.poll(() => children.some(isAlive), { timeout: 10_000 }).toBe(false);
    await server.start();
    expect(
      (await server.api().mutate('signIn', { ...administrator }, 'viewer { user { name } }')).viewer.user.name,
    ).toBe('admin');
    expect(fs.existsSync(path.join(server.dataFolder, 'setup-code'))).toBe(false);
  });

  it('ends with 0 on SIGTERM, its children with it', async () => {
    const server = await startServer();
    const children = [server.childPid('control'), server.childPid('gateway')];
    server.process.kill('SIGTERM');
    expect(await server.process.exited).toBe(0);
    expect(children.some(isAlive)).toBe(false);
    expect(fs.statSync(path.join(server.dataFolder, 'catalog.sqlite')).size).toBeGreaterThan(0);
  });

  it('refuses a second server on the same data folder', async () => {
    const server = await startServer();
    const second = await runProgram('holdfast-server', ['--data', server.dataFolder, ...PORTS]);
    expect(second.code).not.toBe(0);
    expect(second.stderr).toContain(`Another Holdfast server is running on ${server.dataFolder}`);
    expect(await isReady(server)).toBe(true);
  });

  it.each(['--http', '--grpc', '--data-grpc', '--enroll-grpc'])(
    'says that the port of %s is in use, and ends',
    async (option) => {
      const taken = net.createServer();
      await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
      const { port } = taken.address() as net.AddressInfo;
      const result = await runProgram('holdfast-server', [
        '--data',
        path.join(folder, 'data'),
        ...PORTS,
        option,
        `127.0.0.1:${port}`,
      ]);
      await new Promise((resolve) => taken.close(resolve));
      expect(result.code).not.toBe(0);
      expect(result.stderr).toContain(`127.0.0.1:${port} (${option}) is in use by another program`);
    },
  );

  it('refuses a database from a newer version, a master key that others may read, and options that it does not know', async () => {
    const server = await startServer();
    await server.stop();
    const again = () => runProgram('holdfast-server', ['--data', server.dataFolder, ...PORTS]);
    const key = path.join(server.dataFolder, 'master.key');
    fs.chmodSync(key, 0o644);
    expect((await again()).stderr).toMatch(/master\.key cannot be used: its mode is 0644/);
    fs.rmSync(key);
    expect((await again()).stderr).toMatch(/master key .* is gone/);
    expect((await runProgram('holdfast-server', ['--no-such-option'])).stderr).toContain(
      "unknown option '--no-such-option'",
    );
    expect((await runProgram('holdfast-server', ['--http', 'nonsense'])).code).toBe(2);
    expect((await runProgram('holdfast-server', ['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+/);
  });

  it('gives a user a new password by a local command, beside the running server', async () => {
    const server = await startServer();
    const { administrator, token } = await server.completeSetup();
    const { token: apiToken } = await server
      .api(token)
      .mutate(
        'createApiToken',
        { name: 'script', role: 'OWNER', expiresAt: new Date(Date.now() + 3_600_000).toISOString() },
        'token',
      );
    const password = 'a brand new password';
    const command = new BackgroundProcess(
      'holdfast-server',
      ['reset-password', '--data', server.dataFolder, '--user', 'ADMIN'],
      { input: `${password}\n` },
    );
    expect(await command.exited).toBe(0);
    expect(command.output).toContain('Sessions ended: 1. API tokens revoked: 1;');
    for (const old of [token, apiToken]) expect((await server.api(old).ask('{ me { user { name } } }')).me).toBeNull();
    await expect(server.api().mutate('signIn', { ...administrator }, 'token')).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
    });
    expect((await server.api().mutate('signIn', { name: 'admin', password }, 'token')).token).toMatch(/^hfs_/);
  });

  it("speaks HTTPS with a certificate of the server's CA off loopback, and plain HTTP there only behind a proxy", async () => {
    const server = await startServer(['--http', '0.0.0.0:0', '--public-address', 'backup.example']);
    const port = new URL(server.addresses.http).port;
    const stored = JSON.parse(fs.readFileSync(path.join(server.dataFolder, 'pki', 'ca.json'), 'utf8')) as {
      certificate: string;
    };
    const ca = `-----BEGIN CERTIFICATE-----\n${stored.certificate}\n-----END CERTIFICATE-----\n`;
    const status = await new Promise<number | undefined>((resolve, reject) => {
      https
        .get({ host: '127.0.0.1', port, path: '/livez', ca, servername: 'backup.example' }, (response) =>
          resolve(response.statusCode),
        )
        .on('error', reject);
    });
    expect([new URL(server.addresses.http).protocol, status]).toEqual(['https:', 200]);
    await expect(fetch(`http://127.0.0.1:${port}/livez`)).rejects.toThrow();
    await server.stop();
    const behind = new ServerProcess(path.join(folder, 'behind'), ['--http', '0.0.0.0:0', '--behind-proxy']);
    servers.push(behind);
    await behind.start();
    expect((await fetch(`http://127.0.0.1:${new URL(behind.addresses.http).port}/livez`)).status).toBe(200);
  });

  it.skipIf(POSTGRES === undefined)(
    'keeps its catalog in PostgreSQL when told to, and refuses one from a newer version',
    async () => {
      const name = `holdfast_${randomUUID().replaceAll('-', '')}`;
      const admin = new pg.Client({ connectionString: POSTGRES });
      await admin.connect();
      await admin.query(`create database ${name}`);
      const url = new URL(POSTGRES ?? '');
      url.pathname = `/${name}`;
      try {
        const server = await startServer(['--database', url.href]);
        await server.completeSetup();
        expect(fs.existsSync(path.join(server.dataFolder, 'catalog.sqlite'))).toBe(false);
        await server.stop();
        const catalog = new pg.Client({ connectionString: url.href });
        await catalog.connect();
        expect((await catalog.query('select name from user_account')).rows).toEqual([{ name: 'admin' }]);
        await catalog.query("insert into migration (name) values ('0999-later')");
        await catalog.end();
        const refused = await runProgram('holdfast-server', [
          '--data',
          server.dataFolder,
          '--database',
          url.href,
          ...PORTS,
        ]);
        expect(refused.code).not.toBe(0);
        expect(refused.stderr).toContain('The database is from a newer version of Holdfast');
      } finally {
        await admin.query(`drop database if exists ${name} with (force)`);
        await admin.end();
      }
    },
  );
});
