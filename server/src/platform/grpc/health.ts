import type { sendUnaryData, ServerUnaryCall, ServerWritableStream, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import { HoldfastError } from '@holdfast/core/errors';
import { toGrpcStatus } from './errors.js';

/** Numbers of grpc.health.v1.HealthCheckResponse.ServingStatus. */
export type ServingStatus = 1 | 2 | 3;
export const SERVING: ServingStatus = 1;
export const NOT_SERVING: ServingStatus = 2;
const SERVICE_UNKNOWN: ServingStatus = 3;

const LONGEST_SERVICE_NAME = 256;

// Two messages of one field each do not need generated code: field 1 is a string, or an enum.
const codec = {
  requestSerialize: (service: string) => Buffer.concat([Buffer.from([0x0a, Buffer.byteLength(service)]), Buffer.from(service)]),
  requestDeserialize: readService,
  responseSerialize: (answer: ServingStatus) => Buffer.from([0x08, answer]),
  responseDeserialize: (bytes: Buffer) => (bytes[1] ?? 0) as ServingStatus,
};

export const HealthService = {
  check: { path: '/grpc.health.v1.Health/Check', requestStream: false, responseStream: false, ...codec },
  watch: { path: '/grpc.health.v1.Health/Watch', requestStream: false, responseStream: true, ...codec },
} satisfies ServiceDefinition;

/** State of grpc.health.v1 for a server: `''` stands for the server as a whole. */
export class Health {
  private readonly watchers = new Set<ServerWritableStream<string, ServingStatus>>();
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
    check: (call: ServerUnaryCall<string, ServingStatus>, answer: sendUnaryData<ServingStatus>) => {
      const state = this.of(call.request);
      if (state === SERVICE_UNKNOWN) {
        answer(toGrpcStatus(new HoldfastError({ kind: 'NotFound', code: 'NO_SUCH_SERVICE', message: 'This server has no such service.' })));
      } else answer(null, state);
    },
    watch: (call: ServerWritableStream<string, ServingStatus>) => {
      call.write(this.of(call.request));
      this.watchers.add(call);
      call.on('cancelled', () => this.watchers.delete(call));
      call.on('close', () => this.watchers.delete(call));
    },
  };

  private of(service: string): ServingStatus {
    return service === '' || this.services.includes(service) ? this.state : SERVICE_UNKNOWN;
  }
}

function readService(bytes: Buffer): string {
  if (bytes.length === 0) return '';
  const length = bytes[1] ?? 0;
  if (bytes[0] !== 0x0a || length >= 0x80 || bytes.length !== 2 + length || bytes.length > LONGEST_SERVICE_NAME) {
    throw Object.assign(new Error('not a HealthCheckRequest'), { code: status.INVALID_ARGUMENT });
  }
  return bytes.toString('utf8', 2);
}
