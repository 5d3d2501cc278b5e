import type { WireError } from '@holdfast/core/errors';
import type { NewFileResult } from '../../../workloads/files/new-file.js';
import type { IncomingFrame } from '../../data-transport.js';
import type { OpenedFrame } from '../frame-opener.js';
import type { PackedFiles } from './packed-files.js';

/** What a restore's thread and its helpers say to each other. Contents and frames change hands. */

export type Work =
  | { readonly kind: 'write'; readonly files: PackedFiles }
  | { readonly kind: 'open'; readonly frame: IncomingFrame; readonly wanted: readonly number[] };

export interface Done {
  readonly write: readonly NewFileResult[];
  readonly open: OpenedFrame;
}

export type ToHelper =
  | { readonly kind: 'do'; readonly number: number; readonly work: Work }
  | { readonly kind: 'close' };

export type FromHelper = { readonly number: number } & (
  | { readonly done: Done[keyof Done] }
  | { readonly error: WireError }
);
