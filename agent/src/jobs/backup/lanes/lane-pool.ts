import { isExhaustion } from '../../../platform/posix-error.js';
import type { FileRef } from '../../../workloads/files/file-content.js';
import { hostExhausted } from '../host-exhausted.js';
import type { PipelineStop } from '../pipeline-stop.js';
import type { SealingSetup } from './create-lane.js';
import { asFailed, type CutChunks, extentAt, type FileResult, type NamedExtent } from './file-result.js';
import type { LaneJob, LaneLink, StartLane } from './lane-link.js';
import { type ReadPart, readInSections } from './sections.js';

/** A file, and where what was cut of it goes, in order. */
export interface FileToRead {
  readonly ref: FileRef;
  readonly onExtent: (extent: NamedExtent) => void;
}

/** One is worked at, and the next is there when it is done. */
const CALLS_PER_LANE = 2;

interface RunningLane {
  readonly link: LaneLink;
  calls: number;
  bytesUnderWay: number;
}

interface Call {
  /** What was asked for first is read first, to its end. */
  readonly ticket: number;
  readonly bytes: number;
  /** Settles once the lane is done with it, whatever came of it. */
  readonly make: (link: LaneLink) => Promise<void>;
  readonly fail: (error: unknown) => void;
}

/** The lanes of one job, started when the first file is read: a backup that finds nothing changed needs none. */
export class LanePool {
  private readonly lanes: RunningLane[] = [];
  private readonly waiting: Call[] = [];
  private tickets = 0;

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
    return await this.stop.orStopped(this.inLine(this.tickets++, bytes, () => files));
  }

  /** The same for one file that is long: lanes share its sections. */
  async readLong(file: FileToRead): Promise<FileResult> {
    const ticket = this.tickets++;
    const read: ReadPart = async (bytes, begin) => (await this.inLine(ticket, bytes, () => [begin()]))[0] as FileResult;
    return await this.stop.orStopped(readInSections(file, read, this.most));
  }

  /** Everything read so far is sealed and given to the job. */
  async finish(): Promise<void> {
    await this.stop.orStopped(Promise.all(this.lanes.map(({ link }) => link.finish())));
  }

  /** Resolves once no lane opens or reads a file any more. */
  async close(): Promise<void> {
    await Promise.all(this.lanes.map(({ link }) => link.close()));
  }

  private inLine(ticket: number, bytes: number, begin: () => readonly FileToRead[]): Promise<readonly FileResult[]> {
    return new Promise((resolve, reject) => {
      const make = (link: LaneLink): Promise<void> => readBy(link, begin).then(resolve, reject);
      const place = this.waiting.findLastIndex((other) => other.ticket <= ticket) + 1;
      this.waiting.splice(place, 0, { ticket, bytes, make, fail: reject });
      this.handOut();
    });
  }

  private handOut(): void {
    if (this.stop.stopped) for (const { fail } of this.waiting.splice(0)) fail(new Error('the backup was stopped'));
    for (let lane = this.freeLane(); lane !== undefined && this.waiting.length > 0; lane = this.freeLane())
      this.hand(lane, this.waiting.shift() as Call);
  }

  private hand(lane: RunningLane, { bytes, make }: Call): void {
    lane.calls += 1;
    lane.bytesUnderWay += bytes;
    void make(lane.link).then(() => {
      lane.calls -= 1;
      lane.bytesUnderWay -= bytes;
      this.handOut();
    });
  }

  /** One that does nothing, or a new one, or that with the least to do. */
  private freeLane(): RunningLane | undefined {
    if (this.waiting.length === 0) return undefined;
    const idle = this.lanes.find(({ calls }) => calls === 0);
    if (idle) return idle;
    if (this.lanes.length < this.most) {
      const lane = { link: this.start(this.setup, this.job), calls: 0, bytesUnderWay: 0 };
      this.lanes.push(lane);
      return lane;
    }
    const free = this.lanes.filter(({ calls }) => calls < CALLS_PER_LANE);
    return free.toSorted((a, b) => a.bytesUnderWay - b.bytesUnderWay)[0];
  }
}

async function readBy(link: LaneLink, begin: () => readonly FileToRead[]): Promise<readonly FileResult[]> {
  let files: readonly FileToRead[];
  try {
    files = begin();
  } catch (error) {
    const failed = asFailed(error);
    refuseExhaustion(failed);
    return [failed];
  }
  const [only] = files;
  const result = await link.read(
    files.map(({ ref }) => ref),
    (part) => deliver(part, 0, part.lengths.length, only),
  );
  let from = 0;
  for (const [index, file] of result.files.entries()) {
    if (file.outcome === 'failed') refuseExhaustion(file);
    else from = deliver(result.chunks, from, file.chunks, files[index]);
  }
  return result.files;
}

function deliver(chunks: CutChunks, from: number, count: number, file: FileToRead | undefined): number {
  for (let index = from; index < from + count; index++) file?.onExtent(extentAt(chunks, index));
  return from + count;
}

function refuseExhaustion({ code, message }: FileResult & { outcome: 'failed' }): void {
  if (isExhaustion(code)) throw hostExhausted(message);
}
