import type { FileRef } from '../../../workloads/files/file-content.js';
import type { PackBuffer, SealedPack } from '../pack-sealer.js';
import type { LaneSetup, SealingSetup } from './create-lane.js';
import { createLane } from './create-lane.js';
import type { BatchResult, CutChunks } from './file-result.js';
import type { LaneHost } from './lane.js';

/** A lane, wherever it runs. */
export interface LaneLink {
  /** One after another, in the order of the calls. */
  read(refs: readonly FileRef[], onPart: (chunks: CutChunks) => void): Promise<BatchResult>;
  finish(): Promise<void>;
  /** Lets go of everything. Resolves once what is under way has ended, which a disk that hangs may keep from it. */
  close(): Promise<void>;
}

export interface LaneJob {
  readonly host: LaneHost;
  readonly takeBuffer: () => Promise<PackBuffer>;
  readonly emit: (pack: SealedPack) => void;
  /** A question of the lane could not be answered: the job is over. */
  readonly fail: (error: unknown) => void;
}

/** Starts a lane for one job. */
export type StartLane = (setup: SealingSetup, job: LaneJob) => LaneLink;

/** Lanes in the calling thread: for simulation, where everything has to be injected. */
export function inlineLanes(ports: Pick<LaneSetup, 'open' | 'random'>): StartLane {
  return (setup, job) => {
    const lane = createLane(setup, { ...ports, ...job });
    let last: Promise<unknown> = lane;
    const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
      const done = last.then(work);
      last = done.catch(() => undefined);
      return done;
    };
    return {
      read: (refs, onPart) => inTurn(async () => (await lane).read(refs, onPart)),
      finish: () => inTurn(async () => (await lane).finish()),
      close: async () => {
        await last;
      },
    };
  };
}
