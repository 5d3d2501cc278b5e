import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status as grpcStatus, Metadata } from '@grpc/grpc-js';
import { uuidToBytes } from '@holdfast/core/ids';
import type { ConnectRequest, ControlServiceServer } from '@holdfast/proto/v1';
import { ControlServiceService, EnrollmentServiceService } from '@holdfast/proto/v1';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TestAuthority } from '../session/testing/certificate-authority.js';
import type { SecureServer } from '../session/testing/secure-server.js';
import { serveSecurely } from '../session/testing/secure-server.js';
import { stateFolderAt } from '../state/state-folder.js';
import { lockState } from '../state/state-lock.js';
import { runProgram } from './program.js';

const AGENT_ID = '01901234-5678-7abc-8def-00000000000a';

let folder: string;
let state: string;
let out: string[];
let errors: string[];
let authority: TestAuthority;
let server: SecureServer;
let controlAddress: string;
/** As the agents say when they connect. */
let hostNames: (string | undefined)[];

/** Lets nobody in. */
const control: ControlServiceServer = {
  connect: (call) => {
    call.on('error', () => undefined);
    call.on('data', ({ message }: ConnectRequest) => {
      if (message?.$case !== 'hello') return;
      hostNames.push(message.value.host?.hostName);
      const wire = { code: 'FORBIDDEN', message: 'This agent was revoked.', details: { reason: 'AGENT_REVOKED' } };
      const metadata = new Metadata();
      metadata.set('holdfast-error-bin', Buffer.from(JSON.stringify(wire)));
      call.emit('error', { code: grpcStatus.PERMISSION_DENIED, details: wire.message, metadata });
    });
  },
  renewCertificate: (_, answer) => answer({ code: grpcStatus.UNIMPLEMENTED }),
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-cli-'));
  state = join(folder, 'state');
  controlAddress = '127.0.0.1:1';
  hostNames = [];
  authority = await TestAuthority.create();
  server = await serveSecurely(
    authority,
    await authority.issueServer('control'),
    { clientCertificates: false },
    (each) => {
      each.addService(ControlServiceService, control);
      each.addService(EnrollmentServiceService, {
        enroll: (
          call: { request: { certificateRequest: Buffer; host?: { hostName: string } } },
          answer: (error: null, value: object) => void,
        ) =>
          void authority.issueAgent(call.request.certificateRequest, AGENT_ID).then((certificateChain) =>
            answer(null, {
              agentId: uuidToBytes(AGENT_ID),
              certificateChain,
              caCertificate: authority.pem,
              controlAddress,
              agentName: call.request.host?.hostName ?? '',
            }),
          ),
      });
    },
  );
});

afterEach(() => {
  server.stop();
  rmSync(folder, { recursive: true });
});

const run = (...args: string[]): Promise<number> => runUntil(AbortSignal.timeout(50), ...args);

async function runUntil(stop: AbortSignal, ...args: string[]): Promise<number> {
  out = [];
  errors = [];
  return runProgram(args, {
    defaultState: state,
    uid: process.getuid?.() ?? 0,
    logLevel: 'silent',
    out: (line) => void out.push(line),
    fail: (line) => void errors.push(line),
    stop,
  });
}

const token = (fingerprint = authority.fingerprint) => `hfe1.${'s'.repeat(43)}.${fingerprint}`;
const status = () => JSON.parse(out.join('')) as Record<string, unknown>;

describe('the command line', () => {
  it('enrols, tells its status, and runs until it is stopped', async () => {
    expect(await run('status', '--json')).toBe(1);
    expect(status()).toMatchObject({ enrolled: false, running: false, state });
    expect(await run('enroll', '--server', server.address, '--token', token(), '--name', 'web-1')).toBe(0);
    expect(out.join()).toContain('"web-1"');
    expect(await run('status', '--json')).toBe(1);
    expect(status()).toMatchObject({
      enrolled: true,
      agentId: AGENT_ID,
      agentName: 'web-1',
      running: false,
      connected: false,
      jobs: [],
    });
    expect(await run('run')).toBe(0);
    expect([out, errors]).toEqual([[], []]);
  });

  it('shows the server the host name that was given at enrolment, and of a revoked agent what to do', async () => {
    controlAddress = server.address;
    await run('enroll', '--server', server.address, '--token', token(), '--name', 'shown-host');
    const stop = new AbortController();
    const running = runUntil(stop.signal, 'run');
    const whatToDo = `This agent was revoked: the server will not let it in again. To back up this host again, stop the agent, remove ${state}, and enrol the host anew`;
    const settled = async (): Promise<void> => {
      await run('status', '--json');
      expect(status()['lastError']).toContain(whatToDo);
    };
    await vi.waitFor(settled, { timeout: 20_000, interval: 100 });
    expect(hostNames).toEqual(['shown-host']);
    expect(await run('status')).toBe(1);
    expect(out[1]).toContain(`Running, not connected: ${whatToDo}`);
    stop.abort();
    expect(await running).toBe(0);
    expect(await run('status')).toBe(1);
    expect(out[1]).toContain(`Not running. When it ran last, it was not connected: ${whatToDo}`);
  });

  it('leaves no state folder behind where the enrolment is refused, but one that was there', async () => {
    const nested = join(folder, 'one', 'two');
    const refused = ['enroll', '--server', server.address, '--token', token('A'.repeat(43))];
    expect(await run(...refused, '--state', nested)).toBe(20);
    expect(await run('enroll', '--server', server.address, '--token', 'hfe1.abc', '--state', nested)).toBe(2);
    expect(readdirSync(folder)).toEqual([]);
    mkdirSync(state, { mode: 0o700 });
    expect(await run(...refused)).toBe(20);
    expect(existsSync(state)).toBe(true);
    expect(await run('enroll', '--server', server.address, '--token', token())).toBe(0);
    expect(await run(...refused)).toBe(1);
    expect(await run('status', '--json')).toBe(1);
    expect(status()).toMatchObject({ enrolled: true });
  });

  it('keeps several agents apart by their state folders', async () => {
    expect(await run('enroll', '--server', server.address, '--token', token())).toBe(0);
    expect(await run('enroll', '--server', server.address, '--token', token(), '--state', join(folder, 'second'))).toBe(
      0,
    );
    expect(await run('enroll', '--server', server.address, '--token', token())).toBe(1);
    expect(errors.join()).toContain('already holds agent');
  });

  it('says by its exit code why a command was not carried out, and never repeats a token', async () => {
    expect(await run('run')).toBe(1);
    expect(errors.join()).toContain('not enrolled');
    expect(await run('enroll', '--server', server.address)).toBe(2);
    expect(await run('enroll', '--server', server.address, '--token', 'hfe1.abc')).toBe(2);
    expect(errors.join()).not.toContain('hfe1.abc');
    expect(await run('frobnicate')).toBe(2);
    expect(await run('enroll', '--server', '127.0.0.1:1', '--token', token())).toBe(21);
    expect(await run('enroll', '--server', server.address, '--token', token('A'.repeat(43)))).toBe(20);
    expect(await run('enroll', '--server', server.address, '--token', token())).toBe(0);
    const lock = lockState(stateFolderAt(state));
    expect(await run('run')).toBe(11);
    // It runs, and is not connected.
    expect(await run('status')).toBe(1);
    lock.release();
    expect(await run('--help')).toBe(0);
  });
});
