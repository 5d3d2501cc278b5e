import type {
  ServerUnaryCall,
  ServerWritableStream,
  ServiceDefinition,
  sendUnaryData,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { HoldfastError } from '@holdfast/core/errors';
import { toGrpcStatus } from './errors.js';

/** Numbers of grpc.health.v1.HealthCheckResponse.ServingStatus. */
export type ServingStatus = 1 | 2 | 3;
export const SERVING: ServingStatus = 1;
export const NOT_SERVING: ServingStatus = 2;
const SERVICE_UNKNOWN: ServingStatus = 3;

/** grpc.health.v1.HealthCheckRequest and HealthCheckResponse. Objects, for grpc-js takes a falsy message for none. */
export interface HealthQuestion {
  readonly service: string;
}
export interface HealthAnswer {
  readonly status: ServingStatus;
}

// Two messages of one field each do not need generated code: field 1 is a string, or an enum.
const codec = {
  requestSerialize: ({ service }: HealthQuestion) =>
    Buffer.concat([Buffer.from([0x0a, Buffer.byteLength(service)]), Buffer.from(service)]),
  requestDeserialize: readQuestion,
  responseSerialize: ({ status }: HealthAnswer) => Buffer.from([0x08, status]),
  responseDeserialize: (bytes: Buffer): HealthAnswer => ({ status: (bytes[1] ?? 0) as ServingStatus }),
};

export const HealthService = {
  check: { path: '/grpc.health.v1.Health/Check', requestStream: false, responseStream: false, ...codec },
  watch: { path: '/grpc.health.v1.Health/Watch', requestStream: false, responseStream: true, ...codec },
} satisfies ServiceDefinition;

/** State of grpc.health.v1 for a server: `''` stands for the server as a whole. */
export class Health {
  private readonly watchers = new Set<ServerWritableStream<HealthQuestion, HealthAnswer>>();
  private state: ServingStatus = NOT_SERVING;

  constructor(private readonly services: readonly string[]) {}

  set(state: ServingStatus): void {
    if (state === this.state) return;
    this.state = state;
    for (const watcher of this.watchers) watcher.write(this.of(watcher.request));
  }

  /** Watches never end by themselves; a server that drains ends them. */
  endWatches(): void {
    for (const watcher of this.watchers) watcher.end();
    this.watchers.clear();
  }

  readonly handlers: UntypedServiceImplementation = {
    check: (call: ServerUnaryCall<HealthQuestion, HealthAnswer>, answer: sendUnaryData<HealthAnswer>) => {
      const state = this.of(call.request);
      if (state.status === SERVICE_UNKNOWN) {
        answer(
          toGrpcStatus(
            new HoldfastError({
              kind: 'NotFound',
              code: 'NO_SUCH_SERVICE',
              message: 'This server has no such service.',
            }),
          ),
        );
      } else answer(null, state);
    },
    watch: (call: ServerWritableStream<HealthQuestion, HealthAnswer>) => {
      call.write(this.of(call.request));
      this.watchers.add(call);
      call.on('cancelled', () => this.watchers.delete(call));
      call.on('close', () => this.watchers.delete(call));
    },
  };

  private of({ service }: HealthQuestion): HealthAnswer {
    return { status: service === '' || this.services.includes(service) ? this.state : SERVICE_UNKNOWN };
  }
}

function readQuestion(bytes: Buffer): HealthQuestion {
  if (bytes.length === 0) return { service: '' };
  const length = bytes[1] ?? 0;
  // A name of 128 bytes or more would need a longer length; no service here has one.
  if (bytes[0] !== 0x0a || length >= 0x80 || bytes.length !== 2 + length) throw new Error('not a HealthCheckRequest');
  return { service: bytes.toString('utf8', 2) };
}
