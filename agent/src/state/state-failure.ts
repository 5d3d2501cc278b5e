import { HoldfastError } from '@holdfast/core/errors';
import { errorCode, reasonOf } from '../platform/posix-error.js';

/** What is wrong with the disk that the state folder is on: said of "The agent's state folder PATH". */
const PROBLEMS: Readonly<Record<string, readonly [code: string, problem: string]>> = {
  ENOSPC: ['STATE_FULL', 'is on a disk that is full: make room there.'],
  EDQUOT: ['STATE_FULL', "has no room left: the quota of the agent's user is used up."],
  EROFS: ['STATE_READ_ONLY', 'cannot be written: its file system is mounted read-only.'],
  EACCES: ['STATE_DENIED', "may not be written by the agent's user."],
  EPERM: ['STATE_DENIED', "may not be written by the agent's user."],
  EIO: ['STATE_IO', 'is on a disk that reports an input/output error.'],
};

/** A failed system call in the state folder, as what a job ends with; anything else as it is. */
export function stateFailure(folder: string, thrown: unknown): unknown {
  const code = errorCode(thrown);
  if (code === undefined) return thrown;
  const [reason, problem] = PROBLEMS[code] ?? ['STATE_UNUSABLE', `cannot be used: ${reasonOf(thrown)}.`];
  return new HoldfastError({
    kind: 'Unavailable',
    code: reason,
    message: `The agent's state folder ${folder} ${problem}`,
    cause: thrown,
  });
}
