/** An enrolled agent that says what a test tells it to say, over the real wire. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import {
  type ChannelCredentials,
  type ClientDuplexStream,
  credentials,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import {
  type ConnectRequest,
  type ConnectResponse,
  ControlServiceClient,
  type Counters,
  DataServiceClient,
} from '@holdfast/proto/v1';
import type { AgentProcess } from './agent-process.js';
import type { ServerProcess } from './server-process.js';

type FromServer = NonNullable<ConnectResponse['message']>;
type ToServer = NonNullable<ConnectRequest['message']>;

const PATIENCE_MS = 20_000;
const HEARTBEAT_MS = 5_000;

export const NO_COUNTERS: Counters = {
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

/** The server's certificate names localhost; each client has a connection of its own. */
export const CHANNEL = { 'grpc.ssl_target_name_override': 'localhost', 'grpc.use_local_subchannel_pool': 1 };

export interface StolenIdentity {
  readonly caCertificate: string;
  readonly privateKey: string;
  readonly certificateChain: string;
}

export function readIdentity(agent: AgentProcess): StolenIdentity {
  return JSON.parse(fs.readFileSync(path.join(agent.stateFolder, 'identity.json'), 'utf8'));
}

export function credentialsOf({ caCertificate, privateKey, certificateChain }: StolenIdentity): ChannelCredentials {
  return credentials.createSsl(Buffer.from(caCertificate), Buffer.from(privateKey), Buffer.from(certificateChain));
}

/** A unary call as a promise; rejects with the status, and the code of the error that the server named. */
export function answerOf<Response>(
  start: (done: (error: ServiceError | null, response: Response) => void) => unknown,
): Promise<Response> {
  return new Promise((resolve, reject) =>
    start((error, response) => (error ? reject(new Refusal(error)) : resolve(response))),
  );
}

/** How a call was refused: the gRPC status, and what the error in its trailer names. */
export class Refusal extends Error {
  readonly status: string;
  readonly code: string | undefined;
  readonly reason: string | undefined;

  constructor(error: ServiceError) {
    super(error.message);
    const [trailer] = error.metadata?.get('holdfast-error-bin') ?? [];
    const named = Buffer.isBuffer(trailer) ? JSON.parse(trailer.toString('utf8')) : undefined;
    this.status = status[error.code] ?? String(error.code);
    this.code = named?.code;
    this.reason = named?.details?.reason;
  }
}

export class HostileAgent {
  readonly control: ControlServiceClient;
  readonly #stream: ClientDuplexStream<ConnectRequest, ConnectResponse>;
  readonly data: DataServiceClient;
  readonly #received: FromServer[] = [];
  readonly #beats = new Map<bigint, () => void>();
  readonly #instance = randomBytes(16);
  #sequence = 0n;
  #ended: Error | undefined;
  #beating: NodeJS.Timeout | undefined;

  /** Takes the identity of an agent that was enrolled and is not running. */
  constructor(server: ServerProcess, agent: AgentProcess) {
    const secured = credentialsOf(readIdentity(agent));
    this.control = new ControlServiceClient(server.addresses.grpc, secured, CHANNEL);
    this.data = new DataServiceClient(server.addresses.dataGrpc, secured, CHANNEL);
    this.#stream = this.control.connect();
    this.#stream.on('data', ({ message }: ConnectResponse) => {
      if (message?.$case === 'heartbeatAck') this.#beats.get(message.value.sequence)?.();
      else if (message) this.#received.push(message);
    });
    this.#stream.on('error', (error) => {
      this.#ended = error;
    });
    this.#stream.on('end', () => {
      this.#ended ??= new Error('the server ended the stream');
    });
  }

  say(message: ToServer): void {
    this.#stream.write({ message });
  }

  async connect(hostName = 'box'): Promise<void> {
    const host = { hostName, operatingSystem: 'Linux', architecture: 'x64', agentVersion: '1' };
    const capabilities = ['workload.files', 'restore.files'];
    this.say({ $case: 'hello', value: { host, capabilities, running: [], instance: this.#instance } });
    await this.hear('welcome');
    // On a busy machine a test may say nothing for longer than the server waits.
    this.#beating = setInterval(() => this.say({ $case: 'heartbeat', value: { sequence: 0n } }), HEARTBEAT_MS);
  }

  /** The next message of this kind; others before it are passed over. */
  async hear<Case extends FromServer['$case']>(kind: Case): Promise<Extract<FromServer, { $case: Case }>['value']> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const found = this.#received.findIndex(({ $case }) => $case === kind);
      if (found >= 0) return this.#received.splice(0, found + 1)[found]?.value as never;
      if (this.#ended) throw this.#ended;
      if (performance.now() > deadline) throw new Error(`the server sent no ${kind}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Milliseconds until the server has answered a heartbeat. */
  async beat(): Promise<number> {
    const sequence = ++this.#sequence;
    const started = performance.now();
    const answered = new Promise<void>((resolve) => this.#beats.set(sequence, resolve));
    this.say({ $case: 'heartbeat', value: { sequence } });
    await answered;
    this.#beats.delete(sequence);
    return performance.now() - started;
  }

  close(): void {
    clearInterval(this.#beating);
    this.#stream.cancel();
    this.control.close();
    this.data.close();
  }
}
