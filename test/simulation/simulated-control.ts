import { peekPoint, pointName } from '@holdfast/core/engine';
import { uuidToBytes } from '@holdfast/core/ids';
import { reached } from '@holdfast/core/moments';
import type { JobFinished } from '@holdfast/proto/v1';
import type { BackupCommand, BackupType, JobRef } from '../../agent/src/jobs/job.js';
import { fromJobFinished, fromWireRef } from '../../server/src/features/jobs/grpc/job-messages.js';
import type { Coordination, FoundPoint, PreparedPoint } from '../../server/src/gateway/coordination/coordination.js';
import { TestControl } from '../../server/src/gateway/testing/control.fixture.js';
import { Life } from './life.js';

/** What control has in its database: it outlives the process. */
export class SimulatedCatalog extends TestControl {
  readonly queue: SimulatedJob[] = [];
  private readonly facts = new Map<string, PointFacts>();

  override async preparePoint(request: Parameters<Coordination['preparePoint']>[0]): Promise<PreparedPoint> {
    const prepared = await super.preparePoint(request);
    const { job, type, counters } = request;
    this.facts.set(prepared.pointId, { jobId: job.jobId, type, entries: Number(counters?.entries ?? 0n) });
    return prepared;
  }

  /** A point in the store that control signed and does not list was committed: its end was not heard. */
  override async reconcilePoints(
    _vaultId: string,
    found: readonly FoundPoint[],
  ): Promise<{ adopted: string[]; quarantined: string[] }> {
    const result = { adopted: [] as string[], quarantined: [] as string[] };
    for (const { signed, complete } of found) {
      const id = this.idOf(signed);
      const point = id === undefined ? undefined : this.points.get(id);
      if (id === undefined || point === undefined || !complete) result.quarantined.push(id ?? 'unknown');
      else if (!point.recorded) {
        point.recorded = true;
        result.adopted.push(id);
      }
    }
    return result;
  }

  recorded(): string[] {
    return [...this.points.values()].filter(({ recorded }) => recorded).map(({ pointId }) => pointId);
  }

  rootOf(pointId: string): Buffer {
    const signed = this.points.get(pointId)?.signed ?? Buffer.alloc(0);
    return peekPoint({ name: pointName(uuidToBytes(pointId)), bytes: signed }).rootNode;
  }

  factsOf(pointId: string): PointFacts {
    const facts = this.facts.get(pointId);
    if (facts === undefined) throw new Error(`control never signed ${pointId}`);
    return facts;
  }

  private idOf(signed: Buffer): string | undefined {
    return [...this.points.values()].find((point) => point.signed.equals(signed))?.pointId;
  }
}

export interface PointFacts {
  readonly jobId: string;
  readonly type: BackupType;
  readonly entries: number;
}

export interface SimulatedJob {
  readonly jobId: string;
  readonly type: BackupType;
  lease: JobRef | undefined;
  /** Set when it is over: well, or with a reason. */
  pointId: string | undefined;
  failure: string | undefined;
}

/** The agent's end of the control stream. */
export interface AgentLine {
  start(command: BackupCommand): void;
  settled(job: JobRef): void;
}

export interface ControlPorts {
  readonly agentId: string;
  readonly commandFor: (job: SimulatedJob, lease: JobRef) => BackupCommand;
  /** Says something to the agent; it may be gone. */
  readonly tell: (say: (agent: AgentLine) => void) => void;
}

/**
 * A control process as far as the write path goes: it leases jobs, hears their ends, and answers gateways. The rules are control's: one
 * epoch counts, a job that a returning agent does not name is given out anew, a result is recorded once.
 */
export class SimulatedControl {
  readonly life = new Life('control');

  constructor(
    private readonly catalog: SimulatedCatalog,
    private readonly ports: ControlPorts,
  ) {}

  enqueue(type: BackupType): SimulatedJob {
    const { jobId } = this.catalog.addJob(this.ports.agentId, 'backup');
    const job: SimulatedJob = { jobId, type, lease: undefined, pointId: undefined, failure: undefined };
    this.catalog.queue.push(job);
    return job;
  }

  dispatch(): void {
    for (const job of this.unfinished()) {
      if (job.lease !== undefined) continue;
      job.lease = { jobId: job.jobId, epoch: 1n };
      reached('control.job-leased');
      if (!this.life.alive) return;
      this.start(job, job.lease);
    }
  }

  /** The agent came back and names what it works on. Returns what it has to stop. */
  hello(named: readonly JobRef[]): JobRef[] {
    for (const job of this.unfinished()) {
      const { lease } = job;
      if (lease === undefined || named.some((ref) => ref.jobId === job.jobId && ref.epoch === lease.epoch)) continue;
      if (this.completeByPoint(job)) continue;
      const { epoch } = this.catalog.takeOver({ jobId: job.jobId, epoch: Number(lease.epoch) });
      job.lease = { jobId: job.jobId, epoch: BigInt(epoch) };
      reached('control.job-leased');
      this.life.check();
      this.start(job, job.lease);
    }
    return named.filter(
      (ref) => !this.unfinished().some(({ lease }) => lease?.jobId === ref.jobId && lease.epoch === ref.epoch),
    );
  }

  async finished(message: JobFinished): Promise<void> {
    const { jobId, epoch } = fromWireRef(message.job);
    reached('control.outcome-received');
    this.life.check();
    const job = this.catalog.queue.find((each) => each.jobId === jobId);
    if (job !== undefined && !isOver(job) && job.lease?.epoch === BigInt(epoch)) {
      const { outcome } = fromJobFinished(message);
      if (outcome.kind === 'backup') job.pointId = outcome.pointId;
      else job.failure = outcome.kind === 'failure' ? `${outcome.code}: ${outcome.message}` : outcome.kind;
    }
    reached('control.outcome-recorded');
    this.life.check();
    this.ports.tell((agent) => agent.settled({ jobId, epoch: BigInt(epoch) }));
  }

  /** Control's service for gateways. */
  coordination(): Coordination {
    const { catalog } = this;
    return {
      authorizeSession: (...asked) => catalog.authorizeSession(...asked),
      async preparePoint(request) {
        const prepared = await catalog.preparePoint(request);
        reached('control.point-signed');
        return prepared;
      },
      async recordPoint(...asked) {
        await catalog.recordPoint(...asked);
        reached('control.point-recorded');
      },
      releaseFrameKeys: (...asked) => catalog.releaseFrameKeys(...asked),
      cutFrame: (...asked) => catalog.cutFrame(...asked),
      verifyFrames: (...asked) => catalog.verifyFrames(...asked),
      listVaultStores: () => catalog.listVaultStores(),
      reportIncident: (incident) => catalog.reportIncident(incident),
      reconcilePoints: (...asked) => catalog.reconcilePoints(...asked),
    };
  }

  /** A job whose point is recorded was done, whatever became of its holder. */
  private completeByPoint(job: SimulatedJob): boolean {
    const pointId = this.catalog.recorded().find((id) => this.catalog.factsOf(id).jobId === job.jobId);
    if (pointId !== undefined) job.pointId = pointId;
    return pointId !== undefined;
  }

  private unfinished(): SimulatedJob[] {
    return this.catalog.queue.filter((job) => !isOver(job));
  }

  private start(job: SimulatedJob, lease: JobRef): void {
    const command = this.ports.commandFor(job, lease);
    this.ports.tell((agent) => agent.start(command));
  }
}

export function isOver({ pointId, failure }: SimulatedJob): boolean {
  return pointId !== undefined || failure !== undefined;
}
