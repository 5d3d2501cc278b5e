import fs from 'node:fs';
import path from 'node:path';
import { credentials, type ServiceError } from '@grpc/grpc-js';
import {
  ChunkHasher,
  decodeFrameEntry,
  frameDigest,
  nodeCodec,
  openFrame,
  openReleasedKey,
  PackKind,
} from '@holdfast/core/engine';
import { decodeGlobalId, encodeGlobalId, systemRandom, uuidFromBytes, uuidToBytes } from '@holdfast/core/ids';
import {
  BackupType,
  ControlServiceClient,
  CoordinationServiceClient,
  DataServiceClient,
  type FrameHead,
  type JobRef,
  VaultStoreServiceClient,
} from '@holdfast/proto/v1';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentProcess } from '../kit/holdfast/agent-process.js';
import type { Data } from '../kit/holdfast/api.js';
import { Fleet } from '../kit/holdfast/fleet.js';
import {
  answerOf,
  CHANNEL,
  credentialsOf,
  HostileAgent,
  NO_COUNTERS,
  Refusal,
  readIdentity,
} from '../kit/holdfast/hostile-agent.js';
import { PackMaker, uploadPack } from '../kit/holdfast/hostile-packs.js';
import { restoreTo } from '../kit/holdfast/jobs.js';

const NONE = Buffer.alloc(0);

let fleet: Fleet;
let vaultId: string;
/** Certificates and keys of enrolled agents in the hands of somebody who speaks the wire. */
let mallory: HostileAgent;
let eve: HostileAgent;
let malloryProcess: AgentProcess;
let eveProcess: AgentProcess;

beforeAll(async () => {
  fleet = await Fleet.start({ agents: 1 });
  vaultId = (await fleet.createVault('vault')).id;
  [malloryProcess, mallory] = await hostile('mallory');
  [eveProcess, eve] = await hostile('eve');
});

afterAll(async () => {
  mallory?.close();
  eve?.close();
  await fleet?.stop();
});

async function hostile(name: string): Promise<[AgentProcess, HostileAgent]> {
  const { folder, server, api, subscriptionId } = fleet;
  const enrolled = await AgentProcess.enroll(server, api, { folder, name, subscriptionId });
  const agent = new HostileAgent(server, enrolled);
  await agent.connect();
  return [enrolled, agent];
}

const idOf = (agent: AgentProcess): string => decodeGlobalId(agent.id).uuid;

/** A backup that the hostile agent was given, and accepted. */
async function startBackup(agent: HostileAgent, process: AgentProcess, name: string) {
  const itemId = await fleet.protect({ name, vaultId, root: '/srv', agent: process });
  await fleet.api.mutate('backupNow', { protectedItemId: itemId, type: 'FULL' }, 'job { id }');
  const start = await agent.hear('startBackup');
  agent.say({ $case: 'jobAccepted', value: { job: start.job } });
  return { start, job: start.job as JobRef };
}

async function startRestore(agent: HostileAgent, process: AgentProcess, recoveryPointId: string) {
  await restoreTo(fleet.api, { recoveryPointId, agentId: process.id, path: '/nowhere' });
  const start = await agent.hear('startRestore');
  agent.say({ $case: 'jobAccepted', value: { job: start.job } });
  return { start, job: start.job as JobRef };
}

/** The session may be asked for before the server has seen that the job was accepted; it may not matter. */
const openSession = ({ data }: HostileAgent, job: JobRef) => answerOf<Data>((done) => data.openSession({ job }, done));

async function framesOf(
  { data }: HostileAgent,
  sessionId: Buffer,
  chunkIds: Buffer,
): Promise<{ head: FrameHead; stored: Buffer }[]> {
  const frames: { head: FrameHead; stored: Buffer }[] = [];
  try {
    for await (const { part } of data.readChunks({
      sessionId,
      chunkIds,
      avoidPacks: [],
      pieceBytes: 0,
    }) as AsyncIterable<Data>)
      if (part?.$case === 'head') frames.push({ head: part.value, stored: NONE });
      else if (part?.$case === 'piece') {
        const frame = frames.at(-1);
        if (frame) frame.stored = Buffer.concat([frame.stored, part.value]);
      }
  } catch (error) {
    throw new Refusal(error as ServiceError);
  }
  return frames;
}

const readOf = async (agent: HostileAgent, sessionId: Buffer, chunkIds: Buffer): Promise<number> =>
  (await framesOf(agent, sessionId, chunkIds)).length;

/** What the audit log has of an agent, as [action, outcome, reason]. */
async function auditOf(agent: AgentProcess): Promise<string[][]> {
  const data = await fleet.api.ask(
    'query A($filter: AuditEventFilter) { auditEvents(first: 200, filter: $filter) { edges { node { action outcome reason } } } }',
    { filter: { actor: `agent:${idOf(agent)}` } },
  );
  return data.auditEvents.edges.map(({ node }: Data) => [node.action, node.outcome, node.reason]);
}

const expectAudited = async (agent: AgentProcess, ...event: string[]): Promise<void> => {
  await expect.poll(() => auditOf(agent), { timeout: 15_000 }).toContainEqual(event);
};

async function pointOf(name: string, content: Buffer): Promise<{ pointId: string; source: string }> {
  const source = fleet.newFolder(name);
  fs.writeFileSync(path.join(source, 'file'), content);
  const itemId = await fleet.protect({ name, vaultId, root: source });
  const job = await fleet.backUp(itemId);
  expect(job.state).toBe('COMPLETED');
  return { pointId: job.recoveryPoint.id, source };
}

describe('an enrolled agent in hostile hands', () => {
  it('reads nothing but what the point of its restore leads to', async () => {
    const mine = await pointOf('granted', Buffer.from('what the restore is for'));
    const other = await pointOf('secret', Buffer.from('what it is not for'));
    const granted = await startRestore(mallory, malloryProcess, mine.pointId);
    const secret = await startRestore(eve, eveProcess, other.pointId);
    const { sessionId } = await openSession(mallory, granted.job);

    expect(await readOf(mallory, sessionId, granted.start.rootNode)).toBe(1);
    const notReachable = { status: 'PERMISSION_DENIED', code: 'FORBIDDEN', reason: 'CHUNK_NOT_REACHABLE' };
    await expect(readOf(mallory, sessionId, secret.start.rootNode)).rejects.toMatchObject(notReachable);
    // Whether a guessed id exists is not told either.
    await expect(readOf(mallory, sessionId, systemRandom.bytes(32))).rejects.toMatchObject(notReachable);
    await expectAudited(malloryProcess, 'readChunks', 'REFUSED', 'CHUNK_NOT_REACHABLE');
  });

  it("opens no session for another agent's job, and uses none of another", async () => {
    const { job } = await startBackup(eve, eveProcess, 'backup of eve');
    await expect(openSession(mallory, job)).rejects.toMatchObject({
      status: 'PERMISSION_DENIED',
      code: 'FORBIDDEN',
      reason: 'NOT_THIS_AGENTS_JOB',
    });
    await expectAudited(malloryProcess, 'openSession', 'REFUSED', 'NOT_THIS_AGENTS_JOB');
    const { sessionId } = await openSession(eve, job);
    await expect(answerOf((done) => mallory.data.hasChunks({ sessionId, claims: NONE }, done))).rejects.toMatchObject({
      status: 'NOT_FOUND',
      reason: 'SESSION_UNKNOWN',
    });
    await expectAudited(malloryProcess, 'hasChunks', 'REFUSED', 'SESSION_OF_ANOTHER_AGENT');
  });

  it('can neither refer to what it never proved to have, nor upload in the name of another, nor plant garbage', async () => {
    const { start, job } = await startBackup(mallory, malloryProcess, 'backup of mallory');
    const maker = await PackMaker.create(start);
    const { sessionId } = await openSession(mallory, job);
    const own = idOf(malloryProcess);

    // A file of another host that was backed up already: its id is known, its content is not.
    const stolen = Buffer.from('the content of a file that only the victim has');
    await pointOf('stolen', stolen);
    const thief = maker.node(Buffer.from('a directory'), maker.data(stolen).id);
    await uploadPack(mallory.data, sessionId, maker.pack(thief, own));
    const commit = { type: BackupType.BACKUP_TYPE_FULL, basePointId: NONE, counters: NO_COUNTERS };
    const answer = await answerOf<Data>((done) =>
      mallory.data.commit({ sessionId, rootNode: thief.id, ...commit }, done),
    );
    expect(answer).toMatchObject({ pointId: NONE, missing: maker.data(stolen).id });
    await expectAudited(malloryProcess, 'commit', 'REFUSED', 'CHUNKS_NOT_PROVED');

    const pack = maker.pack(maker.data(Buffer.from('x')), idOf(fleet.agent()));
    await expect(
      uploadPack(mallory.data, sessionId, pack).catch((error) => Promise.reject(new Refusal(error))),
    ).rejects.toMatchObject({ status: 'DATA_LOSS', reason: 'PACK_IDENTITY' });
    await expectAudited(malloryProcess, 'uploadPack', 'REFUSED', 'PACK_IDENTITY');

    // Garbage under the id of a file that the victim backs up later.
    const content = systemRandom.bytes(100_000);
    const planted = { id: maker.data(content).id, content: Buffer.alloc(content.length, 'garbage') };
    await uploadPack(mallory.data, sessionId, maker.pack(planted, own));
    const { pointId, source } = await pointOf('victim', content);
    await expectAudited(malloryProcess, 'verifyCopy', 'FAILED', 'CONTENT_IS_NOT_ITS_ID');
    const target = path.join(fleet.folder, 'restored');
    const restore = await fleet.restore({ recoveryPointId: pointId, path: target, base: source });
    expect(restore.state).toBe('COMPLETED');
    expect(fs.readFileSync(path.join(target, 'file')).equals(content)).toBe(true);
  });

  it('takes no file that it guesses from others by a copy that one decoder opens and another does not', async () => {
    const { start, job } = await startBackup(mallory, malloryProcess, 'guesses of mallory');
    const maker = await PackMaker.create(start);
    const { sessionId } = await openSession(mallory, job);
    const guessed = Buffer.from('on\n'.repeat(20));
    const compress = (plaintext: Uint8Array): Buffer => Buffer.concat([nodeCodec.compress(plaintext), Buffer.of(42)]);
    const pack = maker.pack(maker.data(guessed), idOf(malloryProcess), { ...nodeCodec, compress });
    await uploadPack(mallory.data, sessionId, pack);

    const { pointId, source } = await pointOf('guessed', guessed);
    const target = path.join(fleet.folder, 'guessed restored');
    expect(await fleet.restore({ recoveryPointId: pointId, path: target, base: source })).toMatchObject({
      state: 'COMPLETED',
    });
    expect(fs.readFileSync(path.join(target, 'file')).equals(guessed)).toBe(true);
  });

  it('is handed nothing of what lies beside a file that it knows', async () => {
    const known = Buffer.from('a licence that everybody has, and that every host keeps a copy of');
    const source = fleet.newFolder('beside');
    fs.writeFileSync(path.join(source, 'licence'), known);
    for (let file = 0; file < 5; file += 1) fs.writeFileSync(path.join(source, `secret-${file}`), `secret ${file}`);
    expect((await fleet.backUp(await fleet.protect({ name: 'beside', vaultId, root: source }))).state).toBe(
      'COMPLETED',
    );

    const { start, job } = await startBackup(mallory, malloryProcess, 'bait');
    const itemId = encodeGlobalId('ProtectedItem', uuidFromBytes(start.itemId));
    const { sessionId } = await openSession(mallory, job);
    const hasher = new ChunkHasher(start.domain?.idKey ?? NONE);
    const { id, claim } = hasher.name(PackKind.PACK_KIND_DATA, NONE, known);
    await expect
      .poll(
        async () =>
          (await answerOf<Data>((done) => mallory.data.hasChunks({ sessionId, claims: claim }, done))).present,
      )
      .toEqual(Buffer.of(1));
    const maker = await PackMaker.create(start);
    const root = maker.node(Buffer.from('root'), id);
    await uploadPack(mallory.data, sessionId, maker.pack(root, idOf(malloryProcess)));
    const type = BackupType.BACKUP_TYPE_FULL;
    const asked = { sessionId, rootNode: root.id, type, basePointId: NONE, counters: NO_COUNTERS };
    const { pointId } = await answerOf<Data>((done) => mallory.data.commit(asked, done));
    const backup = { pointId, type, basePointId: NONE, typeReason: '' };
    const ended = { job, counters: NO_COUNTERS, notices: [], noticesTotal: 0n };
    mallory.say({ $case: 'jobFinished', value: { ...ended, outcome: { $case: 'backup', value: backup } } });
    const QUERY = 'query P($f: RecoveryPointFilter) { recoveryPoints(filter: $f) { edges { node { id } } } }';
    const points = async (): Promise<Data[]> =>
      (await fleet.api.ask(QUERY, { f: { protectedItemId: itemId } })).recoveryPoints.edges;
    await expect.poll(async () => (await points()).length).toBe(1);

    const restore = await startRestore(mallory, malloryProcess, (await points())[0]?.node.id);
    const session = await openSession(mallory, restore.job);
    await framesOf(mallory, session.sessionId, root.id);
    const [frame] = await framesOf(mallory, session.sessionId, id);
    if (frame === undefined) throw new Error('no frame came');
    const { vaultId: vault, transportKey } = restore.start;
    const entry = decodeFrameEntry(frame.head.frame, PackKind.PACK_KIND_DATA);
    const place = { vaultId: vault, domainId: frame.head.domainId };
    const key = openReleasedKey(transportKey, place, frameDigest(entry), frame.head.sealedFrameKey);
    const plaintext = openFrame(key, { ...place, kind: PackKind.PACK_KIND_DATA }, entry, frame.stored);
    expect(plaintext.toString()).toBe(known.toString());
  });

  it('is let in by no service but its own', async () => {
    const secured = credentialsOf(readIdentity(malloryProcess));
    const { grpc, dataGrpc } = fleet.server.addresses;
    const coordination = new CoordinationServiceClient(grpc, secured, CHANNEL);
    const store = new VaultStoreServiceClient(dataGrpc, secured, CHANNEL);
    const wrongRole = { status: 'PERMISSION_DENIED', code: 'FORBIDDEN', reason: 'WRONG_CERTIFICATE_ROLE' };
    await expect(answerOf((done) => coordination.listVaultStores({}, done))).rejects.toMatchObject(wrongRole);
    await expect(
      answerOf((done) =>
        coordination.verifyFrames(
          { vaultId: systemRandom.bytes(16), packId: systemRandom.bytes(16), offsets: [] },
          done,
        ),
      ),
    ).rejects.toMatchObject(wrongRole);
    await expectAudited(malloryProcess, 'callForeignService', 'REFUSED', 'WRONG_CERTIFICATE_ROLE');
    const victim = uuidToBytes(idOf(fleet.agent()));
    await expect(answerOf((done) => store.voidAgent({ agentId: victim }, done))).rejects.toMatchObject(wrongRole);
    await expect(
      answerOf((done) => store.getObject({ vault: undefined, name: 'descriptor/0000000000000001' }, done)),
    ).rejects.toMatchObject(wrongRole);
    await expect
      .poll(async () => (await auditOf(malloryProcess)).filter(([action]) => action === 'callForeignService').length)
      .toBe(2);
    coordination.close();
    store.close();
  });

  it('is refused at every door once it is revoked', async () => {
    const { job } = await startBackup(eve, eveProcess, 'second backup of eve');
    const { sessionId } = await openSession(eve, job);
    await fleet.api.mutate('revokeAgent', { agentId: eveProcess.id }, 'agent { status }');
    const revoked = { status: 'PERMISSION_DENIED', reason: 'AGENT_REVOKED' };

    const again = new HostileAgent(fleet.server, eveProcess);
    await expect(again.connect().catch((error) => Promise.reject(new Refusal(error)))).rejects.toMatchObject(revoked);
    await expectAudited(eveProcess, 'connectAgent', 'REFUSED', 'AGENT_REVOKED');
    await expect(
      answerOf((done) => again.control.renewCertificate({ certificateRequest: NONE }, done)),
    ).rejects.toMatchObject(revoked);
    await expectAudited(eveProcess, 'renewCertificate', 'REFUSED', 'AGENT_REVOKED');
    // Its session ends with its job or with itself, whichever the gateway hears of first.
    await expect
      .poll(() => answerOf((done) => again.data.hasChunks({ sessionId, claims: NONE }, done)).catch((error) => error))
      .toMatchObject({ reason: expect.stringMatching(/^(JOB_OVER|AGENT_REVOKED)$/) });
    await expect(openSession(again, job)).rejects.toMatchObject({ status: 'PERMISSION_DENIED' });
    await expectAudited(eveProcess, 'openSession', 'REFUSED', 'NOT_THIS_AGENTS_JOB');
    again.close();
  });

  it('cannot harm whoever restores or browses a point that goes on without end', async () => {
    const [bomberProcess, bomber] = await hostile('bomber');
    const { start, job } = await startBackup(bomber, bomberProcess, 'a bomb');
    const maker = await PackMaker.create(start);
    const { sessionId } = await openSession(bomber, job);
    const { root, nodes } = maker.repeated(30, 500);
    for (const node of nodes) await uploadPack(bomber.data, sessionId, maker.pack(node, idOf(bomberProcess)));
    const counters = { ...NO_COUNTERS, entries: 30n };
    const commit = { type: BackupType.BACKUP_TYPE_FULL, basePointId: NONE, counters };
    const answer = await answerOf<Data>((done) => bomber.data.commit({ sessionId, rootNode: root, ...commit }, done));
    bomber.close();
    const recoveryPointId = encodeGlobalId('RecoveryPoint', uuidFromBytes(answer.pointId));

    const { browseRecoveryPoint } = await fleet.api.ask(
      'query B($id: ID!) { browseRecoveryPoint(id: $id, path: "/d2/d0/d1") { edges { node { name } } } }',
      { id: recoveryPointId },
    );
    expect(browseRecoveryPoint.edges.length).toBeGreaterThan(0);
    const target = { agentId: fleet.agent().id, path: path.join(fleet.folder, 'bomb') };
    expect(await fleet.restore({ recoveryPointId, ...target })).toMatchObject({
      state: 'FAILED',
      error: { code: 'DATA_CORRUPTED', message: expect.stringContaining('says that it has 30 entries') },
    });
    // The agent is there for the next job.
    const { pointId, source } = await pointOf('after the bomb', Buffer.from('x'));
    const next = await fleet.restore({
      recoveryPointId: pointId,
      path: path.join(fleet.folder, 'after'),
      base: source,
    });
    expect(next.state).toBe('COMPLETED');
  });
});

describe('somebody without a certificate of the server', () => {
  it('does not get past the handshake, with the certificate of another server or with none', async () => {
    const { caCertificate } = readIdentity(malloryProcess);
    const elsewhere = await Fleet.start({ agents: 0 });
    const { folder, server, api, subscriptionId } = elsewhere;
    const stranger = await AgentProcess.enroll(server, api, { folder, name: 'stranger', subscriptionId });
    const foreign = { ...readIdentity(stranger), caCertificate };
    await elsewhere.stop();
    const before = await auditCount();
    const { grpc, dataGrpc } = fleet.server.addresses;
    for (const secured of [credentialsOf(foreign), credentials.createSsl(Buffer.from(caCertificate))]) {
      const control = new ControlServiceClient(grpc, secured, CHANNEL);
      const data = new DataServiceClient(dataGrpc, secured, CHANNEL);
      const job = { jobId: systemRandom.bytes(16), epoch: 1n };
      // No trailer: no handler of the server ever saw the call.
      const atTheDoor = { status: 'UNAVAILABLE', code: undefined, reason: undefined };
      await expect(
        answerOf((done) => control.renewCertificate({ certificateRequest: NONE }, done)),
      ).rejects.toMatchObject(atTheDoor);
      await expect(answerOf((done) => data.openSession({ job }, done))).rejects.toMatchObject(atTheDoor);
      control.close();
      data.close();
    }
    // Nobody is known at that point, so a flood of strangers writes nothing.
    expect(await auditCount()).toBe(before);
  });
});

async function auditCount(): Promise<number> {
  const { auditEvents } = await fleet.api.ask('{ auditEvents(first: 200) { edges { node { id } } } }');
  return auditEvents.edges.length;
}
