import { isExhaustion } from '../../../platform/posix-error.js';
import type { FileRef } from '../../../workloads/files/file-content.js';
import { hostExhausted } from '../host-exhausted.js';
import type { PipelineStop } from '../pipeline-stop.js';
import type { SealingSetup } from './create-lane.js';
import { type CutChunks, extentAt, type FileResult, type NamedExtent } from './file-result.js';
import type { LaneJob, LaneLink, StartLane } from './lane-link.js';

/** A file, and where what was cut of it goes, in order. */
export interface FileToRead {
  readonly ref: FileRef;
  readonly onExtent: (extent: NamedExtent) => void;
}

/** The lanes of one job, started when the first file is read: a backup that finds nothing changed needs none. */
export class LanePool {
  private readonly lanes: { readonly link: LaneLink; bytesUnderWay: number }[] = [];

  constructor(
    private readonly start: StartLane,
    private readonly most: number,
    private readonly setup: SealingSetup,
    private readonly job: LaneJob,
    private readonly stop: PipelineStop,
  ) {}

  /** One result per file. Extents of all files but the only one of a call come once everything is read. */
  async read(files: readonly FileToRead[]): Promise<readonly FileResult[]> {
    const bytes = files.reduce((sum, { ref }) => sum + ref.stamp.size, 0);
    const lane = this.leastBusy();
    lane.bytesUnderWay += bytes;
    try {
      const [only] = files;
      const result = await this.stop.orStopped(
        lane.link.read(
          files.map(({ ref }) => ref),
          (part) => deliver(part, 0, part.lengths.length, only),
        ),
      );
      let from = 0;
      for (const [index, file] of result.files.entries()) {
        if (file.outcome === 'failed') refuseExhaustion(file);
        else from = deliver(result.chunks, from, file.chunks, files[index]);
      }
      return result.files;
    } finally {
      lane.bytesUnderWay -= bytes;
    }
  }

  /** Everything read so far is sealed and given to the job. */
  async finish(): Promise<void> {
    await this.stop.orStopped(Promise.all(this.lanes.map(({ link }) => link.finish())));
  }

  close(): void {
    for (const { link } of this.lanes) link.close();
  }

  private leastBusy(): { readonly link: LaneLink; bytesUnderWay: number } {
    const idle = this.lanes.find(({ bytesUnderWay }) => bytesUnderWay === 0);
    if (idle) return idle;
    if (this.lanes.length < this.most) {
      const lane = { link: this.start(this.setup, this.job), bytesUnderWay: 0 };
      this.lanes.push(lane);
      return lane;
    }
    return this.lanes.reduce((least, each) => (each.bytesUnderWay < least.bytesUnderWay ? each : least));
  }
}

function deliver(chunks: CutChunks, from: number, count: number, file: FileToRead | undefined): number {
  for (let index = from; index < from + count; index++) file?.onExtent(extentAt(chunks, index));
  return from + count;
}

function refuseExhaustion({ code, message }: FileResult & { outcome: 'failed' }): void {
  if (isExhaustion(code)) throw hostExhausted(message);
}
