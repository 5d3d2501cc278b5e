import type { ClientDuplexStream } from '@grpc/grpc-js';
import { systemClock } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';
import type { ConnectRequest, ConnectResponse, RenewCertificateResponse } from '@holdfast/proto/v1';
import { ControlServiceClient } from '@holdfast/proto/v1';
import type { Channel } from './channel.js';
import { fromGrpcError } from './grpc-error.js';
import { callUnary } from './unary-call.js';

export type ToServer = NonNullable<ConnectRequest['message']>;
export type FromServer = NonNullable<ConnectResponse['message']>;

const UNARY_TIMEOUT_MS = 30_000;
const GOODBYE_MS = 500;

/** One control stream on a channel of its own. Ends once, with the reason. */
export class ControlConnection {
  private readonly client: ControlServiceClient;
  private readonly stream: ClientDuplexStream<ConnectRequest, ConnectResponse>;
  private congested = false;
  private finish!: (reason: HoldfastError) => void;
  /** Resolves when the stream is over; never rejects. */
  readonly ended: Promise<HoldfastError>;

  constructor(channel: Channel, onMessage: (message: FromServer) => void) {
    this.client = new ControlServiceClient(channel.address, channel.credentials, channel.options);
    this.stream = this.client.connect();
    this.ended = new Promise((resolve) => (this.finish = resolve));
    this.stream.on('data', (response: ConnectResponse) => response.message && onMessage(response.message));
    this.stream.on('drain', () => (this.congested = false));
    this.stream.on('error', (error: Error) => this.end(fromGrpcError(error)));
    this.stream.on('end', () => this.end(lost('The server closed the control stream.')));
  }

  send(message: ToServer): void {
    this.congested = !this.stream.write({ message }) || this.congested;
  }

  /** For what is out of date soon: left out while earlier messages still wait. */
  sendIfFree(message: ToServer): void {
    if (!this.congested) this.send(message);
  }

  renewCertificate(certificateRequest: Buffer): Promise<RenewCertificateResponse> {
    return callUnary(
      this.client.renewCertificate.bind(this.client),
      { certificateRequest },
      { timeoutMs: UNARY_TIMEOUT_MS },
    );
  }

  close(reason: string): void {
    this.end(lost(reason));
  }

  /** For good: the server is told, and has a moment to hear it. */
  leave(reason: string): void {
    this.send({ $case: 'goodbye', value: {} });
    this.stream.end();
    const cancel = systemClock.after(GOODBYE_MS, () => this.close(reason));
    void this.ended.then(cancel);
  }

  private end(reason: HoldfastError): void {
    this.finish(reason);
    this.stream.cancel();
    this.client.close();
  }
}

function lost(message: string): HoldfastError {
  return new HoldfastError({ kind: 'Unavailable', code: 'CONTROL_STREAM_ENDED', message });
}
