import type { OpenedChunk } from '@holdfast/core/engine';
import { asHoldfastError, type ErrorKind, HoldfastError } from '@holdfast/core/errors';
import type { ClosedFrame, CutFrame, DomainAccess, FrameKeyQuestion, FrameVerdict } from './frame-opening.js';

/** What the opening thread is asked. Carries keys: it passes between threads of one process only. */
export type OpeningRequest =
  | { readonly kind: 'open-nodes'; readonly access: DomainAccess; readonly frame: ClosedFrame }
  | {
      readonly kind: 'release-keys';
      readonly access: DomainAccess;
      readonly transportKey: Uint8Array;
      readonly questions: readonly FrameKeyQuestion[];
    }
  | {
      readonly kind: 'cut-frame';
      readonly access: DomainAccess;
      readonly transportKey: Uint8Array;
      readonly frame: ClosedFrame;
      readonly chunkIds: readonly Uint8Array[];
    }
  | { readonly kind: 'verify-frame'; readonly access: DomainAccess; readonly frame: ClosedFrame };

export interface OpeningAnswers {
  'open-nodes': OpenedChunk[];
  'release-keys': Buffer[];
  'cut-frame': CutFrame | undefined;
  'verify-frame': FrameVerdict;
}

export interface OpeningCall {
  readonly id: number;
  readonly request: OpeningRequest;
}

export type OpeningReply =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly error: PlainError };

export interface PlainError {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, string>>;
}

export function toPlainError(thrown: unknown): PlainError {
  const { kind, code, message, details } = asHoldfastError(thrown);
  return { kind, code, message, details };
}

export function fromPlainError(error: PlainError): HoldfastError {
  return new HoldfastError(error);
}

/** Memory of its own: a view into a pool would carry the pool's other contents, perhaps keys, to the other thread. */
export function own(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

/** What came from another thread is a plain Uint8Array; the same memory as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
