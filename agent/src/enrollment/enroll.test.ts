import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Metadata } from '@grpc/grpc-js';
import { ERROR_TABLE, HoldfastError } from '@holdfast/core/errors';
import { uuidToBytes } from '@holdfast/core/ids';
import type { EnrollmentServiceServer } from '@holdfast/proto/v1';
import { EnrollmentServiceService } from '@holdfast/proto/v1';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sendEnrollment } from '../session/enrollment-client.js';
import { TestAuthority } from '../session/testing/certificate-authority.js';
import type { SecureServer } from '../session/testing/secure-server.js';
import { serveSecurely } from '../session/testing/secure-server.js';
import { loadIdentity } from '../state/identity.js';
import type { StateFolder } from '../state/state-folder.js';
import { prepareStateFolder } from '../state/state-folder.js';
import { lockState } from '../state/state-lock.js';
import { enroll } from './enroll.js';

const AGENT_ID = '01901234-5678-7abc-8def-00000000000a';
const SECRET = 'a'.repeat(43);
const host = { hostName: 'h', operatingSystem: 'Linux', architecture: 'x64', agentVersion: '0.0.0' };

let authority: TestAuthority;
let server: SecureServer;
let folder: StateFolder;
let tokensSeen: string[];
const used = new Set<string>();

function refuse(error: HoldfastError) {
  const metadata = new Metadata();
  metadata.set(
    'holdfast-error-bin',
    Buffer.from(
      JSON.stringify({
        code: ERROR_TABLE[error.kind].graphqlCode,
        message: error.message,
        details: { reason: error.code },
      }),
    ),
  );
  return { code: ERROR_TABLE[error.kind].grpcStatus, details: error.message, metadata };
}

const service: EnrollmentServiceServer = {
  enroll(call, answer) {
    tokensSeen.push(call.request.token);
    if (used.has(call.request.token)) {
      answer(
        refuse(
          new HoldfastError({ kind: 'Unauthenticated', code: 'TOKEN_USED', message: 'The token was used already.' }),
        ),
      );
      return;
    }
    used.add(call.request.token);
    void authority.issueAgent(call.request.certificateRequest, AGENT_ID).then((certificateChain) =>
      answer(null, {
        agentId: uuidToBytes(AGENT_ID),
        certificateChain,
        caCertificate: authority.pem,
        controlAddress: '127.0.0.1:1',
        agentName: call.request.host?.hostName ?? '',
      }),
    );
  },
};

const serve = async (role: 'control' | 'agent') =>
  serveSecurely(authority, await authority.issueServer(role), { clientCertificates: false }, (each) =>
    each.addService(EnrollmentServiceService, service),
  );

beforeAll(async () => {
  authority = await TestAuthority.create();
  server = await serve('control');
});
afterAll(() => server.stop());

beforeEach(async () => {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-enroll-'));
  folder = await prepareStateFolder(join(path, 'state'), process.getuid?.() ?? 0);
  tokensSeen = [];
  used.clear();
  return () => rm(path, { recursive: true });
});

const tokenOf = (fingerprint: string) => `hfe1.${SECRET}.${fingerprint}`;
const enrollAt = (address: string, token: string) => enroll(folder, { server: address, token, host }, sendEnrollment);

describe('enrolment', () => {
  it('makes a key on this host, has it certified, and keeps both for the owner alone', async () => {
    const identity = await enrollAt(server.address, tokenOf(authority.fingerprint));
    expect(identity).toMatchObject({ agentId: AGENT_ID, agentName: 'h', controlAddress: '127.0.0.1:1' });
    expect(await loadIdentity(folder)).toEqual(identity);
    expect((await stat(folder.identityFile)).mode & 0o777).toBe(0o600);
    expect((await stat(folder.path)).mode & 0o777).toBe(0o700);
    expect(await readFile(folder.identityFile, 'utf8')).not.toContain(SECRET);
  });

  it('does not send the token to a server with another authority', async () => {
    await expect(enrollAt(server.address, tokenOf('A'.repeat(43)))).rejects.toMatchObject({
      kind: 'Unauthenticated',
      code: 'WRONG_FINGERPRINT',
    });
    expect(tokensSeen).toEqual([]);
  });

  it('does not send the token to an agent that poses as the server under the same authority', async () => {
    const impostor = await serve('agent');
    try {
      await expect(enrollAt(impostor.address, tokenOf(authority.fingerprint))).rejects.toMatchObject({
        kind: 'Unavailable',
      });
      expect(tokensSeen).toEqual([]);
    } finally {
      impostor.stop();
    }
  });

  it('says that a used token needs to be replaced', async () => {
    used.add(tokenOf(authority.fingerprint));
    await expect(enrollAt(server.address, tokenOf(authority.fingerprint))).rejects.toMatchObject({
      kind: 'Unauthenticated',
      code: 'TOKEN_USED',
      message: expect.stringContaining('A token works once') as string,
    });
    expect(await loadIdentity(folder)).toBeUndefined();
  });

  it('refuses a folder that holds an agent already, or that a process is using', async () => {
    await enrollAt(server.address, tokenOf(authority.fingerprint));
    await expect(enrollAt(server.address, tokenOf(authority.fingerprint))).rejects.toMatchObject({
      kind: 'Conflict',
      code: 'ALREADY_ENROLLED',
    });
    const lock = lockState(folder);
    await expect(enrollAt(server.address, tokenOf(authority.fingerprint))).rejects.toMatchObject({ kind: 'Locked' });
    lock.release();
  });

  it('tells a server that cannot be reached from a malformed token or address', async () => {
    await expect(enrollAt('127.0.0.1:1', tokenOf(authority.fingerprint))).rejects.toMatchObject({
      kind: 'Unavailable',
      code: 'SERVER_UNREACHABLE',
    });
    await expect(enrollAt(server.address, 'hfe1.short')).rejects.toMatchObject({
      kind: 'Validation',
      code: 'MALFORMED_TOKEN',
    });
    await expect(enrollAt('a:b:c', tokenOf(authority.fingerprint))).rejects.toMatchObject({
      kind: 'Validation',
      code: 'MALFORMED_ADDRESS',
    });
  });
});
