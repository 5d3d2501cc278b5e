import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { uuidToBytes } from '@holdfast/core/ids';
import { EnrollmentServiceService } from '@holdfast/proto/v1';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
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

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-cli-'));
  state = join(folder, 'state');
  authority = await TestAuthority.create();
  server = await serveSecurely(
    authority,
    await authority.issueServer('control'),
    { clientCertificates: false },
    (each) =>
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
              controlAddress: '127.0.0.1:1',
              agentName: call.request.host?.hostName ?? '',
            }),
          ),
      }),
  );
});

afterEach(() => {
  server.stop();
  rmSync(folder, { recursive: true });
});

async function run(...args: string[]): Promise<number> {
  out = [];
  errors = [];
  return runProgram(args, {
    defaultState: state,
    uid: process.getuid?.() ?? 0,
    logLevel: 'silent',
    out: (line) => void out.push(line),
    fail: (line) => void errors.push(line),
    stop: AbortSignal.timeout(50),
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
