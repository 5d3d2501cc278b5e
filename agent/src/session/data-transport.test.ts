import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, systemClock, type Timers } from '@holdfast/core/clock';
import { encodeFrameEntry } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import { systemRandom } from '@holdfast/core/ids';
import { DataServiceService, PackKind, type ReadChunksResponse } from '@holdfast/proto/v1';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAgentKey } from '../enrollment/agent-key.js';
import { runBackup } from '../jobs/backup/run-backup.js';
import type { OutgoingPack } from '../jobs/data-transport.js';
import { idKey } from '../jobs/ids.js';
import { runRestore } from '../jobs/restore/run-restore.js';
import { BackupBench, describeFolder } from '../jobs/testing/backup-bench.js';
import { silentLog } from '../log.js';
import { stateFolderAt } from '../state/state-folder.js';
import { FolderSet } from '../workloads/files/folder-set.js';
import { Bandwidth } from './bandwidth.js';
import { GrpcDataTransport } from './data-transport.js';
import { ServerAccess } from './server-access.js';
import { TestAuthority } from './testing/certificate-authority.js';
import { CuttableLink } from './testing/cuttable-link.js';
import { TestDataService } from './testing/data-service.js';
import type { SecureServer } from './testing/secure-server.js';
import { serveSecurely } from './testing/secure-server.js';

const AGENT_ID = '01901234-5678-7abc-8def-00000000000a';
const MIB = 1024 * 1024;

let bench: BackupBench;
let service: TestDataService;
let server: SecureServer;
let link: CuttableLink;
let transport: GrpcDataTransport;
let bandwidth: Bandwidth;
let clock: Clock & Timers;

beforeEach(async () => {
  bench = await BackupBench.create();
  mkdirSync(bench.source);
  service = new TestDataService(bench.gateway);
  const authority = await TestAuthority.create();
  server = await serveSecurely(
    authority,
    await authority.issueServer('gateway'),
    { clientCertificates: true },
    (each) => each.addService(DataServiceService, service.service),
  );
  link = await CuttableLink.to(server.port);
  const key = await createAgentKey();
  const certificateChain = await authority.issueAgent(key.certificateRequest, AGENT_ID);
  const identity = {
    agentId: AGENT_ID,
    agentName: 'a',
    controlAddress: 'localhost:1',
    privateKey: key.privateKey,
    certificateChain,
    caCertificate: authority.pem,
  };
  const access = new ServerAccess(stateFolderAt(bench.folder), identity);
  access.dataAddress = link.address;
  bandwidth = new Bandwidth(systemClock);
  clock = {
    now: () => systemClock.now(),
    monotonic: () => systemClock.monotonic(),
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
    after: (ms, run) => systemClock.after(ms, run),
  };
  transport = new GrpcDataTransport({
    clock,
    random: { bytes: (length) => Buffer.alloc(length, 0x10) },
    access,
    bandwidth,
    log: silentLog,
  });
});

afterEach(() => {
  link.close();
  server.stop();
  bench.remove();
});

function fill(): void {
  for (let index = 0; index < 30; index++)
    writeFileSync(join(bench.source, `small-${index}`), systemRandom.bytes(5_000 + index));
  for (let index = 0; index < 3; index++)
    writeFileSync(join(bench.source, `large-${index}`), systemRandom.bytes(7 * MIB));
}

function unreachable(): never {
  throw new Error('nothing was stored');
}

const backup = (run = bench.newRun()) => runBackup(bench.backupCommand(run), run, { ...bench.ports(), transport });
const restore = (target: string, run = bench.newRun()) =>
  runRestore(bench.restoreCommand(run, target), run, {
    transport,
    restoreRoots: async () => undefined,
    ownFolders: () => new FolderSet([], []),
    journals: bench.journals,
  });

describe('the data client over mutual TLS', () => {
  it('backs up and restores', async () => {
    fill();
    await backup();
    const target = join(bench.folder, 'target');
    await restore(target);
    expect(describeFolder(target)).toEqual(describeFolder(bench.source));
    expect(bench.gateway.openSessions).toBe(0);
  });

  it('counts what it has sent of a pack that is still on its way', async () => {
    writeFileSync(join(bench.source, 'large'), systemRandom.bytes(7 * MIB));
    const run = bench.newRun();
    const sent: number[] = [];
    bench.gateway.faults.beforeUpload = () => void sent.push(run.counters.bytesSent);
    await backup(run);
    expect(sent[0]).toBeGreaterThan(MIB / 2);
    // Each pack once; a head and an end of a few bytes are not of its frames.
    expect(run.counters.bytesSent).toBeGreaterThanOrEqual(run.counters.bytesStored);
    expect(run.counters.bytesSent).toBeLessThan(run.counters.bytesStored + 1_000);
  });

  it('sends a pack again that the link lost in its middle, under the same id, and no other', async () => {
    fill();
    link.cutAfter(12 * MIB);
    const stored: OutgoingPack[] = [];
    bench.gateway.faults.beforeUpload = (pack) => void stored.push(pack);
    await backup();
    expect(link.cuts).toBe(1);
    expect(service.calls['uploadPack']).toBeGreaterThan(stored.length);
    expect(new Set(stored.map(({ packId }) => packId.toString('hex'))).size).toBe(stored.length);
    const target = join(bench.folder, 'target');
    await restore(target);
    expect(describeFolder(target)).toEqual(describeFolder(bench.source));
  });

  it('sends nothing of a pack again whose answer alone was lost', async () => {
    writeFileSync(join(bench.source, 'large'), systemRandom.bytes(7 * MIB));
    const stored: OutgoingPack[] = [];
    bench.gateway.faults.beforeUpload = (pack) => {
      if (stored.push(pack) === 1) link.cutAfter(1);
    };
    await backup();
    expect(link.cuts).toBe(1);
    expect(service.calls['uploadPack']).toBeGreaterThan(stored.length);
    const [{ packId, frames } = unreachable()] = stored;
    expect(service.arrived.get(idKey(packId))).toBe(frames.reduce((sum, frame) => sum + frame.length, 0));
  });

  it('goes on where it had to give way to others, with packs and with frames, and sends and reads nothing twice', async () => {
    fill();
    service.givesWayAfter = 2 * MIB;
    const stored: OutgoingPack[] = [];
    bench.gateway.faults.beforeUpload = (pack) => void stored.push(pack);
    await backup();
    const lengthOf = ({ frames }: OutgoingPack) => frames.reduce((sum, frame) => sum + frame.length, 0);
    expect(stored.map(({ packId }) => service.arrived.get(idKey(packId)))).toEqual(stored.map(lengthOf));
    expect(service.calls['uploadPack']).toBeGreaterThan(2 * stored.length);
    const target = join(bench.folder, 'target');
    await restore(target);
    expect(describeFolder(target)).toEqual(describeFolder(bench.source));
    expect(service.calls['readChunks']).toBeGreaterThan(10);
    expect(service.served).toBeLessThan(1.1 * stored.map(lengthOf).reduce((sum, each) => sum + each, 0));
  });

  it('goes on also where a turn is too short for a piece of the usual length', async () => {
    writeFileSync(join(bench.source, 'file'), systemRandom.bytes(MIB));
    service.givesWayAfter = 100 * 1024;
    await backup();
    const target = join(bench.folder, 'target');
    await restore(target);
    expect(describeFolder(target)).toEqual(describeFolder(bench.source));
  });

  it('reads for as long as each turn brings a frame forward, however long others keep it waiting in between', async () => {
    fill();
    await backup();
    let waited = 0;
    clock.monotonic = () => systemClock.monotonic() + waited;
    clock.sleep = async () => {
      waited += 100_000;
    };
    // Little in a turn, of frames that have much more; four frames come at a time.
    service.givesWayAfter = 300 * 1024;
    const target = join(bench.folder, 'target');
    await restore(target);
    expect(describeFolder(target)).toEqual(describeFolder(bench.source));
  });

  it('opens another session when the gateway has lost its own, and claims everything anew', async () => {
    fill();
    let uploads = 0;
    bench.gateway.faults.beforeUpload = () => {
      if (++uploads === 2) service.forgetSessions();
    };
    await backup();
    expect(service.calls['openSession']).toBe(2);
    expect(bench.gateway.points).toHaveLength(1);
    const target = join(bench.folder, 'target');
    await restore(target);
    expect(describeFolder(target)).toEqual(describeFolder(bench.source));
  });

  it('reads on where the link was cut during a restore', async () => {
    fill();
    await backup();
    const target = join(bench.folder, 'target');
    link.cutAfter(12 * MIB);
    await restore(target);
    expect(link.cuts).toBe(1);
    expect(describeFolder(target)).toEqual(describeFolder(bench.source));
  });

  it('reads no more at a time than a gateway serves, however many files are restored beside each other', async () => {
    for (let file = 0; file < 12; file++) writeFileSync(join(bench.source, `${file}`), systemRandom.bytes(2 * MIB));
    await backup();
    const target = join(bench.folder, 'target');
    await restore(target);
    expect(describeFolder(target)).toEqual(describeFolder(bench.source));
    expect(service.mostReadsAtOnce).toBeGreaterThan(1);
    expect(service.mostReadsAtOnce).toBeLessThanOrEqual(4);
  });

  it('reads no faster than its limit', async () => {
    writeFileSync(join(bench.source, 'large'), systemRandom.bytes(6 * MIB));
    await backup();
    bandwidth.apply({ downloadBytesPerSecond: 3 * MIB, windows: [] });
    const target = join(bench.folder, 'target');
    const startedAt = systemClock.monotonic();
    await restore(target);
    expect(systemClock.monotonic() - startedAt).toBeGreaterThan(1_800);
    expect(describeFolder(target)).toEqual(describeFolder(bench.source));
  });

  describe('under a gateway in strange hands', () => {
    const read = async (...parts: NonNullable<ReadChunksResponse['part']>[]) => {
      service.readsAnswered = parts;
      const session = await transport.openSession(bench.newRun().job, new AbortController().signal, () => undefined);
      return Array.fromAsync(session.readChunks([systemRandom.bytes(32)], [], new AbortController().signal));
    };
    const head = (frame: Buffer) => ({
      $case: 'head' as const,
      value: {
        packId: systemRandom.bytes(16),
        kind: PackKind.PACK_KIND_NODE,
        frame,
        sealedFrameKey: Buffer.alloc(60),
        domainId: systemRandom.bytes(16),
        heldBytes: 0,
      },
    });

    it.each(['100000000', '-1', 'all'])('leaves out nothing of a pack that is not there: %s', async (received) => {
      fill();
      service.givesWayAfter = MIB;
      service.saysReceived = received;
      await expect(backup()).rejects.toMatchObject({ code: 'UPLOAD_MALFORMED' });
    });

    it('goes on with no frame of which it has nothing', async () => {
      fill();
      await backup();
      const entry = bench.gateway.packs.find(({ kind }) => kind === 'NODE')?.footer.frames[0] ?? unreachable();
      const { value } = head(encodeFrameEntry(entry));
      await expect(read({ $case: 'head', value: { ...value, heldBytes: 100 } })).rejects.toMatchObject({
        code: 'READ_MALFORMED',
      });
    });

    it('takes no entry of a frame apart that breaks the format', async () => {
      const emptyEdges = Buffer.alloc(3_800_000, Buffer.of(8 * 8 + 2, 0));
      await expect(read(head(emptyEdges))).rejects.toMatchObject({ kind: 'Integrity' });
    });

    it('keeps no empty pieces of a frame', async () => {
      fill();
      await backup();
      const entry = bench.gateway.packs.find(({ kind }) => kind === 'NODE')?.footer.frames[0] ?? unreachable();
      const empty = { $case: 'piece' as const, value: Buffer.alloc(0) };
      await expect(read(head(encodeFrameEntry(entry)), empty)).rejects.toMatchObject({ code: 'READ_MALFORMED' });
    });
  });

  it('ends a job at once with a refusal, whatever it is in the middle of', async () => {
    fill();
    const refusal = { kind: 'IllegalState', code: 'EPOCH_PASSED', message: 'The job was taken over.' } as const;
    bench.gateway.faults.beforeUpload = () => {
      throw new HoldfastError(refusal);
    };
    await expect(backup()).rejects.toMatchObject(refusal);
    expect(bench.gateway.points).toEqual([]);
  });

  it('ends a job at once when the store is full: waiting makes no room', async () => {
    fill();
    const full = { kind: 'Unavailable', code: 'STORE_FULL', message: 'The store is full.' } as const;
    bench.gateway.faults.beforeUpload = () => {
      throw new HoldfastError(full);
    };
    await expect(backup()).rejects.toMatchObject(full);
    expect(bench.gateway.points).toEqual([]);
  });

  it('stops when the job is stopped while the gateway does not answer', async () => {
    fill();
    const run = bench.newRun();
    bench.gateway.faults.beforeUpload = () => {
      run.stop('cancelled');
      return new Promise(() => undefined);
    };
    await expect(backup(run)).rejects.toMatchObject({ kind: 'Cancelled' });
  });
});
