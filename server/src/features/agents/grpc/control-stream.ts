import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { Timers } from '@holdfast/core/clock';
import { asHoldfastError, HoldfastError } from '@holdfast/core/errors';
import { reached } from '@holdfast/core/moments';
import type { BandwidthLimits } from '@holdfast/core/policy';
import type { ConnectRequest, ConnectResponse, Hello, JobProgress, JobRef as WireRef } from '@holdfast/proto/v1';
import type { Context } from '../../../platform/context.js';
import { toGrpcStatus } from '../../../platform/grpc/errors.js';
import type { IncidentRelay } from '../../../platform/incidents/incident-relay.js';
import { Pace } from '../../../platform/pace.js';
import type { Job, JobRef } from '../../jobs/domain/job.js';
import {
  fromJobFinished,
  fromJobProgress,
  fromSourceChecked,
  fromWireRef,
  toCheckSource,
  toWireCommand,
  toWireRef,
} from '../../jobs/grpc/job-messages.js';
import { acceptJob } from '../../jobs/use-cases/accept-job.js';
import { finishJob } from '../../jobs/use-cases/finish-job.js';
import { renewLeases } from '../../jobs/use-cases/renew-leases.js';
import type { LinkRegistry } from '../link-registry.js';
import type { AgentLink, AgentMessage } from '../services.js';
import { connectAgent, noteAgentSeen, requireNotRevoked, type Welcomed } from '../use-cases/connect-agent.js';
import { toWireBandwidth } from './bandwidth-message.js';
import { emptyHostFacts } from './host-facts.js';

export const HEARTBEAT_MS = 5_000;
export const SILENCE_MS = 20_000;
// Last-seen times are in memory while the agent is connected; the row is for after a restart.
const SEEN_WRITE_MS = 60_000;
const INSTANCE_BYTES = 16;
const NONE = Buffer.alloc(0);
const MOST_NAMED_JOBS = 1_000;
/** Most messages cost a transaction. After it was away an agent repeats what was not settled, and then says little. */
const MESSAGES = { burst: 2 * MOST_NAMED_JOBS, perSecond: 50 };
// Agents report twice a second. Whoever watches is not told more often: each time costs a read and a message per watcher.
const QUICKEST_NEWS_MS = 200;

type Call = ServerDuplexStream<ConnectRequest, ConnectResponse>;
type FromAgent = NonNullable<ConnectRequest['message']>;
type FromServer = NonNullable<ConnectResponse['message']>;

export interface ControlStreamPorts {
  readonly links: LinkRegistry;
  readonly timers: Timers;
  readonly incidents: Pick<IncidentRelay, 'report'>;
}

/**
 * One agent's control stream, from Hello to its end. Messages are handled one after the other; the next is read
 * when the one before is done, so an agent cannot fill this process's memory. Any failure ends the stream: the
 * agent comes back and says what it still works on.
 */
export class ControlStream implements AgentLink {
  readonly agentId: string;
  /** Jobs that the agent holds as far as this stream knows; what it may report on. */
  private readonly held = new Map<
    string,
    { readonly job: Pick<Job, 'id' | 'kind' | 'subscriptionId'>; readonly epoch: number; toldAt?: number }
  >();
  private greeted = false;
  private welcomed = false;
  /** Set while the agent is not welcomed yet: newer than what Hello found. */
  private newBandwidth: BandwidthLimits | undefined;
  private ended = false;
  private saidGoodbye = false;
  private seenWrittenAt = 0;
  private renewedAt = 0;
  private handled: Promise<void> = Promise.resolve();
  private stopWatchdog = (): void => undefined;
  private readonly pace: Pace;

  constructor(
    private readonly call: Call,
    agentId: string,
    private readonly ctx: Context,
    private readonly ports: ControlStreamPorts,
  ) {
    this.agentId = agentId;
    this.pace = new Pace(MESSAGES, ctx.clock);
  }

  open(): void {
    const { call } = this;
    this.ports.links.opened(this);
    this.watch();
    call.on('data', (request: ConnectRequest) => {
      // It is there, however long what it says has to wait.
      this.watch();
      this.ports.links.heard(this, this.ctx.clock.now());
      call.pause();
      this.handled = this.handled.then(() => this.take(request));
    });
    call.on('end', () => this.close(() => call.end()));
    call.on('cancelled', () => this.close(() => undefined));
    call.on('error', () => this.close(() => undefined));
  }

  send(message: AgentMessage): boolean {
    switch (message.kind) {
      case 'start':
        return this.write(toWireCommand(message.job, message.command));
      case 'cancel':
        return this.write({ $case: 'cancelJob', value: { job: toWireRef(message.job) } });
      case 'check':
        return this.write(toCheckSource(message.checkId, message.files));
      case 'bandwidth':
        if (this.welcomed) return this.write({ $case: 'bandwidthLimits', value: toWireBandwidth(message.limits) });
        this.newBandwidth = message.limits;
        return true;
    }
  }

  end(reason: HoldfastError): void {
    this.close(() => this.call.emit('error', toGrpcStatus(reason)));
  }

  private async take(request: ConnectRequest): Promise<void> {
    if (this.ended) return;
    // The next message is read when this one is done: whoever says too much is read slowly.
    const waitMs = this.pace.delay(this.agentId);
    if (waitMs > 0) await this.ports.timers.sleep(waitMs);
    if (this.ended) return;
    try {
      await this.handle(request.message);
    } catch (thrown) {
      const error = asHoldfastError(thrown);
      if (error.kind === 'Internal') this.ctx.log.error({ err: thrown, agentId: this.agentId }, 'agent.stream-defect');
      this.end(error);
    }
    if (!this.ended) this.call.resume();
  }

  private async handle(message: FromAgent | undefined): Promise<void> {
    if (message?.$case === 'hello') return this.greet(message.value);
    if (!this.greeted) throw outOfTurn('Hello comes first.');
    switch (message?.$case) {
      case 'heartbeat':
        this.write({ $case: 'heartbeatAck', value: { sequence: message.value.sequence } });
        return this.renew();
      case 'jobAccepted':
        return this.accepted(fromWireRef(message.value.job));
      case 'jobProgress':
        return this.progressed(message.value);
      case 'jobFinished': {
        const ref = fromWireRef(message.value.job);
        reached('control.outcome-received');
        await finishJob(this.ctx, ref, fromJobFinished(message.value));
        reached('control.outcome-recorded');
        this.held.delete(ref.jobId);
        this.write({ $case: 'jobSettled', value: { job: toWireRef(ref) } });
        return;
      }
      case 'sourceChecked': {
        const { checkId, troubles } = fromSourceChecked(message.value);
        this.ctx.services.agents.sourceChecks.answered(this.agentId, checkId, troubles);
        return;
      }
      case 'goodbye':
        this.saidGoodbye = true;
        return;
      case undefined:
        // A newer agent's message that this server does not know.
        return;
    }
  }

  private async greet(hello: Hello): Promise<void> {
    if (this.greeted) throw outOfTurn('Hello comes once.');
    if (hello.running.length > MOST_NAMED_JOBS) throw outOfTurn('Too many jobs are named.');
    const named = hello.running.map((ref: WireRef) => fromWireRef(ref));
    const place = await this.findPlace(hello);
    if (this.ended) return;
    // First: without a gateway there is nothing to connect for, and the agent tries again.
    const dataAddress = this.ctx.services.agents.addresses.data();
    const { held, fenced, bandwidth } = await this.takePlace(hello, named, place);
    if (this.ended) return;
    this.greeted = true;
    this.seenWrittenAt = this.ctx.clock.monotonic();
    for (const job of held) this.held.set(job.id, { job, epoch: job.epoch });
    const { bootIdSha256, folders } = this.ctx.services.agents.ownHost;
    const serverFolders = (await folders()).map((folder) => ({ ...folder }));
    this.welcomed = true;
    this.write({
      $case: 'welcome',
      value: {
        dataAddress,
        heartbeatIntervalMs: HEARTBEAT_MS,
        fenced: fenced.map(toWireRef),
        serverBootId: bootIdSha256 ?? NONE,
        serverFolders,
        bandwidthLimits: toWireBandwidth(this.newBandwidth ?? bandwidth),
      },
    });
    for (const job of held) {
      if (job.cancelRequestedAt !== undefined) this.send({ kind: 'cancel', job: { jobId: job.id, epoch: job.epoch } });
    }
    if (!this.ports.links.markReady(this)) return;
    this.ctx.log.info({ agentId: this.agentId, held: held.length, fenced: fenced.length }, 'agent.connected');
    this.ctx.services.jobs.dispatcher.wake();
    this.ctx.services.jobs.outbox.wake();
  }

  private async takePlace(hello: Hello, running: readonly JobRef[], place: 'isFree' | 'isOfLast'): Promise<Welcomed> {
    const { ctx } = this;
    const instance = hello.instance.toString('hex');
    const attach = (): void => this.ports.links.attach(this, instance, ctx.clock.now());
    if (place === 'isFree') attach();
    const welcomed = await connectAgent(ctx, {
      host: hello.host ?? emptyHostFacts(),
      capabilities: hello.capabilities,
      running,
      instance,
      mayReplace: place === 'isFree',
    });
    if (welcomed === undefined) throw mayReturn();
    if (place === 'isOfLast' && !this.ended) attach();
    return welcomed;
  }

  /** Throws Locked while another instance, which shows the same certificate, is there or may come back. */
  private async findPlace({ instance }: Hello): Promise<'isFree' | 'isOfLast'> {
    if (instance.length !== INSTANCE_BYTES) throw outOfTurn('Hello names no instance of the agent.');
    const { agentId, ctx } = this;
    const { links, timers, incidents } = this.ports;
    const claim = { agentId, instance: instance.toString('hex'), now: () => ctx.clock.now(), timers };
    const place = await links.placeFor(claim);
    switch (place) {
      case 'isFree':
      case 'isOfLast':
        return place;
      case 'isThere':
        await requireNotRevoked(ctx);
        incidents.report({ agentId, kind: 'connectAgent', reason: 'IDENTITY_SHARED' });
        throw refusal(
          'IDENTITY_SHARED',
          'Another running agent is connected with the identity of this one. If this host is a copy of another, give it an identity of its own: stop this agent, remove its state folder, and enrol it under another name. If there is no copy that you know of, its certificate may have been stolen: revoke the agent, and enrol the host anew.',
        );
      case 'mayReturn':
        await requireNotRevoked(ctx);
        throw mayReturn();
    }
  }

  private async accepted(ref: JobRef): Promise<void> {
    const job = await acceptJob(this.ctx, ref);
    if (job === undefined) this.fence(ref);
    else this.held.set(job.id, { job, epoch: ref.epoch });
  }

  private async progressed(message: JobProgress): Promise<void> {
    const ref = fromWireRef(message.job);
    const mine = this.held.get(ref.jobId);
    if (mine?.epoch !== ref.epoch) {
      this.fence(ref);
      return;
    }
    this.ctx.services.jobs.progress.report(mine.job, fromJobProgress(message));
    const now = this.ctx.clock.monotonic();
    if (mine.toldAt === undefined || now - mine.toldAt >= QUICKEST_NEWS_MS) {
      mine.toldAt = now;
      this.ctx.services.jobs.events.changed(mine.job);
    }
    if (now - this.renewedAt >= HEARTBEAT_MS) await this.renew();
  }

  private async renew(): Promise<void> {
    this.renewedAt = this.ctx.clock.monotonic();
    const refs = [...this.held.values()].map(({ job, epoch }) => ({ jobId: job.id, epoch }));
    for (const lost of await renewLeases(this.ctx, refs)) {
      this.held.delete(lost.jobId);
      this.fence(lost);
    }
    const now = this.ctx.clock.monotonic();
    if (now - this.seenWrittenAt < SEEN_WRITE_MS) return;
    this.seenWrittenAt = now;
    await noteAgentSeen(this.ctx, this.agentId, this.ctx.clock.now());
  }

  /** The job is not this agent's any more under that epoch: it has to stop and commit nothing. */
  private fence(ref: JobRef): void {
    this.send({ kind: 'cancel', job: ref });
  }

  private write(message: FromServer): boolean {
    if (this.ended) return false;
    this.call.write({ message });
    return true;
  }

  private watch(): void {
    this.stopWatchdog();
    this.stopWatchdog = this.ports.timers.after(SILENCE_MS, () => {
      this.end(
        new HoldfastError({ kind: 'Timeout', code: 'AGENT_SILENT', message: 'The agent was not heard for too long.' }),
      );
    });
  }

  private close(finish: () => void): void {
    if (this.ended) return;
    this.ended = true;
    this.stopWatchdog();
    this.ports.links.closed(this, this.saidGoodbye);
    finish();
    if (this.greeted) this.ctx.log.info({ agentId: this.agentId }, 'agent.disconnected');
    const now = this.ctx.clock.now();
    if (this.greeted)
      noteAgentSeen(this.ctx, this.agentId, now).catch((error: unknown) =>
        this.ctx.log.warn({ err: error, agentId: this.agentId }, 'agent.seen-not-written'),
      );
  }
}

function refusal(code: 'IDENTITY_SHARED' | 'IDENTITY_RECENT', message: string): HoldfastError {
  return new HoldfastError({ kind: 'Locked', code, message });
}

function mayReturn(): HoldfastError {
  return refusal(
    'IDENTITY_RECENT',
    'This agent was connected until a moment ago from another host, or before this one was started: it is let in within two minutes unless the other comes back.',
  );
}

function outOfTurn(message: string): HoldfastError {
  return new HoldfastError({ kind: 'Validation', code: 'PROTOCOL', message });
}
