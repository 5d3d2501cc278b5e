import type { Metadata, ServiceError } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import type { WireError } from '@holdfast/core/errors';
import { asHoldfastError, fromWireError, HoldfastError, kindOfGrpcStatus } from '@holdfast/core/errors';

/** The server's trailer with the whole error as JSON: a gRPC status cannot tell all kinds apart. */
const ERROR_TRAILER = 'holdfast-error-bin';

/** What a failed call means. Without the trailer the status decides: the transport failed. */
export function fromGrpcError(thrown: unknown): HoldfastError {
  if (!isServiceError(thrown)) return asHoldfastError(thrown);
  const wire = readTrailer(thrown.metadata);
  if (wire !== undefined) return fromWireError(wire);
  return new HoldfastError({
    kind: kindOfGrpcStatus(thrown.code),
    code: `GRPC_${status[thrown.code] ?? thrown.code}`,
    message: inWords(thrown.details || thrown.message),
    cause: thrown,
  });
}

const NO_CONNECTION = /^No connection established\. Last error: (?:Error: )?(.*?)\.?(?: Resolution note:.*)?$/s;
const OUTSIDE_ITS_TIME = /certificate (?:is not yet valid|has expired)/;

/** What the library says of a connection that it could not make, without its frame, and with what may be behind it. */
function inWords(details: string): string {
  const reason = NO_CONNECTION.exec(details)?.[1];
  if (reason === undefined) return details;
  const clocks = OUTSIDE_ITS_TIME.test(reason)
    ? ` This host's clock says ${new Date().toISOString()}: is it right?`
    : '';
  return `No connection to the server: ${reason}.${clocks}`;
}

/**
 * Disks of the server that are full or may not be written: somebody has to see to them first, and learns of it from a job that has
 * failed, not from one that waits.
 */
const FOR_SOMEBODY_TO_MEND: ReadonlySet<string> = new Set([
  'STORE_FULL',
  'STORE_READ_ONLY',
  'STORE_DENIED',
  'INDEX_DISK_FULL',
  'INDEX_READ_ONLY',
  'DATABASE_FULL',
  'DATABASE_READ_ONLY',
]);

/**
 * The other side may not have seen the call, or its answer was lost, or it has no room just now: the call may be made again. Two statuses stand for that beside UNAVAILABLE: a
 * stream that was cut in the middle ends CANCELLED or INTERNAL (RST_STREAM), without the server's trailer.
 */
export function isWorthRepeating(error: HoldfastError): boolean {
  if (FOR_SOMEBODY_TO_MEND.has(error.code)) return false;
  if (error.kind === 'Unavailable' || error.kind === 'Timeout' || error.kind === 'RateLimited') return true;
  return error.code === 'GRPC_CANCELLED' || error.code === 'GRPC_INTERNAL' || error.code === 'GRPC_UNKNOWN';
}

function isServiceError(thrown: unknown): thrown is ServiceError {
  return thrown instanceof Error && typeof (thrown as Partial<ServiceError>).code === 'number' && 'details' in thrown;
}

function readTrailer(metadata: Metadata | undefined): WireError | undefined {
  const value = metadata?.get(ERROR_TRAILER)[0];
  if (!Buffer.isBuffer(value)) return undefined;
  try {
    const parsed = JSON.parse(value.toString('utf8')) as Partial<Record<keyof WireError, unknown>> | null;
    const { code, message, details } = parsed ?? {};
    if (typeof code !== 'string' || typeof message !== 'string' || typeof details !== 'object' || details === null)
      return undefined;
    if (!Object.values(details).every((each) => typeof each === 'string')) return undefined;
    return { code, message, details: details as Record<string, string> };
  } catch {
    return undefined;
  }
}
