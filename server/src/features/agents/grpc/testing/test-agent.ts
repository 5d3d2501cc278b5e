import { randomBytes } from 'node:crypto';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import { credentials } from '@grpc/grpc-js';
import { HoldfastError } from '@holdfast/core/errors';
import type { ConnectRequest, ConnectResponse, Counters, JobFinished } from '@holdfast/proto/v1';
import { ControlServiceClient } from '@holdfast/proto/v1';
import { fromGrpcError } from '../../../../platform/grpc/errors.js';
import type { JobRef } from '../../../jobs/domain/job.js';
import { fromWireRef, toWireRef } from '../../../jobs/grpc/job-messages.js';

type FromServer = NonNullable<ConnectResponse['message']>;
type ToServer = NonNullable<ConnectRequest['message']>;
type Outcome = NonNullable<JobFinished['outcome']>;

const PATIENCE_MS = 20_000;
const zero: Counters = {
  entries: 0n,
  files: 0n,
  bytesTotal: 0n,
  bytesRead: 0n,
  bytesChanged: 0n,
  bytesSent: 0n,
  bytesStored: 0n,
  bytesWritten: 0n,
  warnings: 0n,
  entriesSkipped: 0n,
};

/** An agent that does only what a test tells it, over a real stream. */
export class TestAgent {
  private readonly streams: TestStream[] = [];
  private instance = randomBytes(16);

  constructor(
    readonly id: string,
    private readonly address: string,
    readonly identity: { readonly ca: string; readonly certificateChain: string; readonly key: string },
  ) {}

  stream(): TestStream {
    const { ca, key, certificateChain } = this.identity;
    const client = new ControlServiceClient(
      this.address,
      credentials.createSsl(Buffer.from(ca), Buffer.from(key), Buffer.from(certificateChain)),
    );
    const stream = new TestStream(client.connect(), () => client.close(), this.instance);
    this.streams.push(stream);
    return stream;
  }

  /** The program was started anew, or this is a copy of its host. */
  startAnew(): this {
    this.instance = randomBytes(16);
    return this;
  }

  /** The same program, at another server. */
  resumeAs(other: TestAgent): TestAgent {
    other.instance = this.instance;
    return other;
  }

  /** A stream after its Welcome. */
  async connect(running: readonly JobRef[] = []): Promise<TestStream> {
    const stream = this.stream();
    stream.hello(running);
    stream.fenced = (await stream.next('welcome')).fenced.map(fromWireRef);
    return stream;
  }

  close(): void {
    for (const stream of this.streams) stream.close();
  }
}

export class TestStream {
  fenced: JobRef[] = [];
  /** Why the stream ended. */
  readonly ended: Promise<HoldfastError>;
  private readonly received: FromServer[] = [];
  private notify = (): void => undefined;
  private over = false;

  constructor(
    private readonly call: ClientDuplexStream<ConnectRequest, ConnectResponse>,
    private readonly closeClient: () => void,
    private readonly instance: Buffer,
  ) {
    call.on('data', ({ message }: ConnectResponse) => {
      if (message) this.received.push(message);
      this.notify();
    });
    this.ended = new Promise((resolve) => {
      const finish = (error: HoldfastError): void => {
        this.over = true;
        this.notify();
        resolve(error);
      };
      call.on('error', (error) => finish(fromGrpcError(error)));
      call.on('end', () =>
        finish(new HoldfastError({ kind: 'Cancelled', code: 'ENDED', message: 'The server ended the stream.' })),
      );
    });
  }

  send(message: ToServer): void {
    this.call.write({ message });
  }

  hello(running: readonly JobRef[] = []): void {
    const host = { hostName: 'box', operatingSystem: 'Linux', architecture: 'x64', agentVersion: '2' };
    const { instance } = this;
    const capabilities = ['workload.files'];
    this.send({ $case: 'hello', value: { host, capabilities, running: running.map(toWireRef), instance } });
  }

  halfClose(): void {
    this.call.end();
  }

  accept(job: JobRef): void {
    this.send({ $case: 'jobAccepted', value: { job: toWireRef(job) } });
  }

  finish(job: JobRef, outcome: Outcome, extra: Partial<JobFinished> = {}): void {
    this.send({
      $case: 'jobFinished',
      value: {
        job: toWireRef(job),
        counters: { ...zero, bytesRead: 5n },
        notices: [],
        noticesTotal: 0n,
        ...extra,
        outcome,
      },
    });
  }

  /** The next message of this kind; those before it are passed over. */
  async next<Case extends FromServer['$case']>(kind: Case): Promise<Extract<FromServer, { $case: Case }>['value']> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const found = this.received.findIndex(({ $case }) => $case === kind);
      if (found >= 0) return this.received.splice(0, found + 1)[found]?.value as never;
      if (this.over || Date.now() > deadline) throw new Error(`no ${kind} came`);
      await new Promise<void>((resolve) => {
        this.notify = resolve;
        setTimeout(resolve, 100);
      });
    }
  }

  /** Messages that came and were not asked for. */
  get left(): readonly FromServer['$case'][] {
    return this.received.map(({ $case }) => $case);
  }

  close(): void {
    this.call.cancel();
    this.closeClient();
  }
}
