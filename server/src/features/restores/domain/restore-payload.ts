import { HoldfastError } from '@holdfast/core/errors';
import type { OnConflict, RestorePlan } from './restore-plan.js';

/** A plan as a job keeps it: JSON, with bytes in base64. */
export interface RestorePayload {
  readonly targetPath: string;
  readonly base: string;
  readonly select: readonly string[];
  readonly onConflict: OnConflict;
}

export type PlannedRestore = Omit<RestorePlan, 'agentId'>;

export function toPayload({ targetPath, base, select, onConflict }: PlannedRestore): RestorePayload {
  return {
    targetPath: targetPath.toString('base64'),
    base: base.toString('base64'),
    select: select.map((path) => path.toString('base64')),
    onConflict,
  };
}

/** Throws Internal for what `toPayload` cannot have made. */
export function fromPayload(payload: unknown): PlannedRestore {
  if (!isPayload(payload))
    throw new HoldfastError({
      kind: 'Internal',
      code: 'RESTORE_PAYLOAD',
      message: 'The payload of a restore job is not one.',
    });
  const bytes = (text: string): Buffer => Buffer.from(text, 'base64');
  return {
    targetPath: bytes(payload.targetPath),
    base: bytes(payload.base),
    select: payload.select.map(bytes),
    onConflict: payload.onConflict,
  };
}

function isPayload(value: unknown): value is RestorePayload {
  if (typeof value !== 'object' || value === null) return false;
  const { targetPath, base, select, onConflict } = value as Partial<Record<keyof RestorePayload, unknown>>;
  const selected: readonly unknown[] = Array.isArray(select) ? select : [undefined];
  const texts = [targetPath, base, onConflict, ...selected];
  return texts.every((each) => typeof each === 'string');
}
