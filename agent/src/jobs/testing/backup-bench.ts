import { createHash } from 'node:crypto';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@holdfast/core/clock';
import { systemRandom, uuidFromBytes } from '@holdfast/core/ids';
import { openFileContent } from '../../workloads/files/file-content.js';
import { FolderSet } from '../../workloads/files/folder-set.js';
import { walkFiles } from '../../workloads/files/walk.js';
import { inlineLanes, type StartLane } from '../backup/lanes/lane-link.js';
import type { PackBuffer } from '../backup/pack-sealer.js';
import type { BackupPorts } from '../backup/run-backup.js';
import { runBackup } from '../backup/run-backup.js';
import { checkSource } from '../check-source.js';
import type { BackupCommand, BackupOutcome, RestoreCommand, RestoreOutcome } from '../job.js';
import { JobRun } from '../job-run.js';
import { RestoreJournals } from '../restore/restore-journals.js';
import { runRestore } from '../restore/run-restore.js';
import { MemoryGateway } from './memory-gateway.js';

const AGENT_ID = '01901234-5678-7abc-8def-00000000000a';
const ITEM_ID = '01901234-5678-7abc-8def-00000000000b';

/** One item of one agent with real files in a temporary folder, against a vault in memory. */
export class BackupBench {
  readonly folder = mkdtempSync(join(tmpdir(), 'holdfast-job-'));
  readonly source = join(this.folder, 'source');
  readonly cacheFolder = join(this.folder, 'cache');
  private last: string | undefined;
  private full: string | undefined;
  readonly journalFolder = mkdtempSync(join(this.folder, 'restores-'));
  readonly journals = new RestoreJournals(this.journalFolder);
  private jobs = 0;
  opened: string[] = [];
  /** What reading a file of this name ends with. */
  failRead: (name: string) => Error | undefined = () => undefined;
  /** Folders that restores do not enter. */
  never: readonly string[] = [];
  paranoid = false;
  /** At most so many. */
  lanes = 2;
  /** The memory of packs that are being filled. */
  readonly buffers: Buffer[] = [];
  /** Called before the lanes seal what they still hold and let their last packs go. */
  beforeLastPacks: () => void = () => undefined;

  private constructor(readonly gateway: MemoryGateway) {}

  static async create(): Promise<BackupBench> {
    return new BackupBench(await MemoryGateway.create(Buffer.from(AGENT_ID.replaceAll('-', ''), 'hex')));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  newRun(): JobRun {
    this.jobs += 1;
    return new JobRun({ jobId: uuidFromBytes(systemRandom.bytes(16)), epoch: BigInt(this.jobs) });
  }

  backupCommand(run: JobRun, over: Partial<BackupCommand> = {}): BackupCommand {
    return {
      kind: 'backup',
      job: run.job,
      vaultId: this.gateway.vaultId,
      itemId: ITEM_ID,
      domain: this.gateway.domain,
      type: 'FULL',
      files: { roots: [Buffer.from(this.source)], include: [], exclude: [], oneFileSystem: false },
      lastPointId: this.last,
      lastFullPointId: this.full,
      cacheGeneration: 1n,
      expectedBytes: 0,
      expectedEntries: 0,
      ...over,
    };
  }

  ports(): BackupPorts {
    this.opened = [];
    const now = () => systemClock.now();
    return {
      transport: this.gateway,
      workload: {
        check: (source) => checkSource(source, { never: [], now }),
        walk: (source, signal, known) => walkFiles(source, { never: [], now, signal, known }),
      },
      lanes: {
        start: this.watched(
          inlineLanes({
            open: (ref) => {
              this.opened.push(ref.name.toString());
              const content = openFileContent(ref, now);
              const failure = this.failRead(ref.name.toString());
              if (failure)
                content.read = () => {
                  throw failure;
                };
              return content;
            },
            random: systemRandom,
          }),
        ),
        most: this.lanes,
      },
      clock: systemClock,
      random: systemRandom,
      agentId: AGENT_ID,
      cacheFolder: this.cacheFolder,
      paranoid: this.paranoid,
    };
  }

  private watched(start: StartLane): StartLane {
    return (setup, job) => {
      const takeBuffer = async (): Promise<PackBuffer> => {
        const buffer = await job.takeBuffer();
        this.buffers.push(buffer.bytes);
        return buffer;
      };
      const lane = start(setup, { ...job, takeBuffer });
      return {
        ...lane,
        finish: () => {
          this.beforeLastPacks();
          return lane.finish();
        },
      };
    };
  }

  async backup(
    over: Partial<BackupCommand> = {},
    run = this.newRun(),
  ): Promise<{ outcome: BackupOutcome; run: JobRun }> {
    const outcome = await runBackup(this.backupCommand(run, over), run, this.ports());
    this.last = outcome.pointId;
    if (outcome.type === 'FULL') this.full = outcome.pointId;
    return { outcome, run };
  }

  restoreCommand(run: JobRun, target: string, over: Partial<RestoreCommand> = {}): RestoreCommand {
    const point = this.gateway.points.at(-1);
    if (point === undefined) throw new Error('nothing was backed up');
    return {
      kind: 'restore',
      job: run.job,
      vaultId: this.gateway.vaultId,
      pointId: point.pointId,
      rootNode: point.rootNode,
      domainId: this.gateway.domain.domainId,
      idKey: this.gateway.domain.idKey,
      transportKey: this.gateway.transportKey,
      select: [],
      targetPath: Buffer.from(target),
      base: Buffer.from(this.source),
      onConflict: 'FAIL',
      chunkMaxBytes: 8 * 1024 * 1024,
      pointEntries: point.counters.entries,
      expectedBytes: 0,
      expectedEntries: 0,
      ...over,
    };
  }

  async restore(
    target: string,
    over: Partial<RestoreCommand> = {},
    restoreRoots?: readonly string[],
    run = this.newRun(),
  ): Promise<{ outcome: RestoreOutcome; run: JobRun }> {
    const outcome = await runRestore(this.restoreCommand(run, target, over), run, {
      transport: this.gateway,
      restoreRoots: async () => restoreRoots,
      ownFolders: () =>
        new FolderSet(
          this.never.map((each) => Buffer.from(each)),
          [],
        ),
      journals: this.journals,
    });
    return { outcome, run };
  }
}

/** Every entry below a folder: what it is, its metadata and content, and which names are one file. */
export function describeFolder(folder: string): Record<string, string> {
  const described: Record<string, string> = {};
  const firstByInode = new Map<bigint, string>();
  const visit = (path: string, name: string): void => {
    const status = lstatSync(path, { bigint: true });
    const parts = [(status.mode & 0o177777n).toString(8), status.uid, status.gid, status.mtimeNs];
    if (status.isFile()) {
      parts.push(status.size, createHash('sha256').update(readFileSync(path)).digest('hex'));
      if (status.nlink > 1n) parts.push(firstByInode.get(status.ino) ?? name);
      if (!firstByInode.has(status.ino)) firstByInode.set(status.ino, name);
    }
    if (status.isSymbolicLink()) parts.push(readlinkSync(path));
    described[name] = parts.join(' ');
    if (status.isDirectory()) for (const child of readdirSync(path).sort()) visit(join(path, child), join(name, child));
  };
  visit(folder, '.');
  return described;
}
