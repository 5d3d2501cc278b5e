import type { Context } from '../../../../platform/context.js';
import type { Job, JobKind } from '../../../jobs/domain/job.js';
import { type JobCommand, NOTHING_EXPECTED } from '../../../jobs/domain/job-command.js';
import type { JobResult } from '../../../jobs/domain/job-result.js';
import type { JobKindHandler, RecordedPoint, SessionScope } from '../../../jobs/ports.js';
import type { Stores } from '../../../stores.js';

const ID = '01901234-5678-7abc-8def-00000000c001';
export const ID_KEY = Buffer.alloc(32, 7);

/** A kind of job whose commands are literals, and that remembers what it was told. */
export class RecordingHandler implements JobKindHandler {
  readonly finished: { readonly job: Job; readonly result: JobResult }[] = [];
  readonly recorded = new Map<string, RecordedPoint>();
  /** Thrown by the next calls of buildCommand. */
  commandFailure: Error | undefined;
  /** Thrown by the next calls of onFinished. */
  finishFailure: Error | undefined;

  constructor(readonly kind: JobKind) {}

  async buildCommand(_ctx: Context, job: Job): Promise<JobCommand> {
    if (this.commandFailure) throw this.commandFailure;
    if (this.kind === 'RESTORE') {
      const empty = Buffer.alloc(0);
      return {
        kind: 'RESTORE',
        ...NOTHING_EXPECTED,
        vaultId: job.vaultId,
        itemId: job.protectedItemId,
        pointId: ID,
        rootNode: ID_KEY,
        domainId: ID,
        idKey: ID_KEY,
        transportKey: Buffer.alloc(32, 9),
        select: [empty],
        targetPath: Buffer.from('/to'),
        base: Buffer.from('/'),
        onConflict: 'SKIP',
        chunkMaxBytes: 4,
        pointEntries: 5n,
      };
    }
    return {
      kind: 'BACKUP',
      ...NOTHING_EXPECTED,
      vaultId: job.vaultId,
      itemId: job.protectedItemId,
      type: job.requestedBackupType ?? 'FULL',
      cacheGeneration: 3,
      lastPointId: ID,
      domain: {
        domainId: ID,
        kemId: 32,
        publicKey: ID_KEY,
        idKey: ID_KEY,
        chunkerKey: ID_KEY,
        chunkMinBytes: 1,
        chunkNormalBytes: 2,
        chunkMaxBytes: 4,
      },
      files: { roots: [Buffer.from([0x2f, 0xff])], include: [], exclude: [], oneFileSystem: true },
    };
  }

  async onFinished(_ctx: Context, _stores: Stores, job: Job, result: JobResult): Promise<void> {
    if (this.finishFailure) throw this.finishFailure;
    this.finished.push({ job, result });
  }

  async recordedPoint(_stores: Stores, job: Job): Promise<RecordedPoint | undefined> {
    return this.recorded.get(job.id);
  }

  async sessionScope(_ctx: Context, _stores: Stores, job: Job): Promise<SessionScope> {
    return {
      kind: this.kind,
      vault: { vaultId: job.vaultId, storeUrl: 'local:/srv/v' },
      itemId: job.protectedItemId,
      domainId: ID,
      ...(this.kind === 'RESTORE' && { rootNode: ID_KEY }),
    };
  }
}
