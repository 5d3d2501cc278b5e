import type { ServiceError, StatusObject } from '@grpc/grpc-js';
import { Metadata, status } from '@grpc/grpc-js';
import type { WireError } from '@holdfast/core/errors';
import {
  asHoldfastError,
  ERROR_TABLE,
  fromWireError,
  HoldfastError,
  kindOfGrpcStatus,
  toWireError,
} from '@holdfast/core/errors';

/** Trailer with the error as JSON (code, message, details): a gRPC status alone cannot tell all kinds apart. */
export const ERROR_TRAILER = 'holdfast-error-bin';

// Trailers share HTTP/2's header limit (16 KiB by default), and binary ones grow by a third.
const LONGEST_MESSAGE = 1_000;
const LARGEST_TRAILER_BYTES = 6_000;

/** What a handler answers for anything thrown. An Internal error is masked. */
export function toGrpcStatus(thrown: unknown): StatusObject & { name: string; message: string } {
  const error = asHoldfastError(thrown);
  const wire = toWireError(error);
  // Half a character, which a cut or a caller's words may leave, would throw inside grpc-js when it is escaped.
  const message = wire.message.slice(0, LONGEST_MESSAGE).toWellFormed();
  const metadata = new Metadata();
  metadata.set(ERROR_TRAILER, encode({ ...wire, message }));
  return { name: 'HoldfastError', message, code: ERROR_TABLE[error.kind].grpcStatus, details: message, metadata };
}

/** What a client throws for a failed call. Without our trailer the status decides: the transport failed, or a proxy answered. */
export function fromGrpcError(thrown: unknown): HoldfastError {
  if (!isServiceError(thrown)) return asHoldfastError(thrown);
  const wire = readTrailer(thrown.metadata);
  if (wire) return fromWireError(wire);
  return new HoldfastError({
    kind: kindOfGrpcStatus(thrown.code),
    code: `GRPC_${status[thrown.code] ?? thrown.code}`,
    message: thrown.details || thrown.message,
    cause: thrown,
  });
}

function encode(wire: WireError): Buffer {
  const whole = Buffer.from(JSON.stringify(wire));
  if (whole.length <= LARGEST_TRAILER_BYTES) return whole;
  return Buffer.from(JSON.stringify({ ...wire, details: { reason: wire.details.reason ?? '' } }));
}

function isServiceError(thrown: unknown): thrown is ServiceError {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'number' && 'details' in thrown;
}

function readTrailer(metadata: Metadata | undefined): WireError | undefined {
  const value = metadata?.get(ERROR_TRAILER)[0];
  if (!Buffer.isBuffer(value)) return undefined;
  try {
    const parsed: unknown = JSON.parse(value.toString('utf8'));
    return isWireError(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function isWireError(value: unknown): value is WireError {
  if (typeof value !== 'object' || value === null) return false;
  const { code, message, details } = value as Partial<Record<keyof WireError, unknown>>;
  if (typeof code !== 'string' || typeof message !== 'string') return false;
  return (
    typeof details === 'object' && details !== null && Object.values(details).every((each) => typeof each === 'string')
  );
}
