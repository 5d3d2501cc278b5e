import { HoldfastError } from '@holdfast/core/errors';
import { errorCode, reasonOf } from '../../platform/posix-error.js';
import { UntrustedLinkError } from '../../platform/target-folder.js';

const NO_FOLDER =
  'cannot be used, because something at its path is no folder. Restore to another folder, or move that away.';
const NOT_ALLOWED =
  "may not be written by the agent's user. Restore to a folder that it may write to, or run the agent as root.";

/** What is wrong with the folder that a restore shall write to, and what to do about it: said of "The folder PATH". */
const PROBLEMS: Readonly<Record<string, string>> = {
  EEXIST: NO_FOLDER,
  ENOTDIR: NO_FOLDER,
  ENOENT:
    'cannot be made: a link on the way to it leads nowhere, or nobody can make folders there. Restore to another folder.',
  ELOOP: 'cannot be reached, because links on the way to it lead in a circle. Restore to another folder.',
  ENAMETOOLONG: 'cannot be made, because its path is too long. Restore to another folder.',
  EACCES: NOT_ALLOWED,
  EPERM: NOT_ALLOWED,
  EROFS:
    'cannot be written: its file system is mounted read-only there. Restore to another folder, or mount it writable.',
  ENOSPC: 'cannot be written: its file system is full. Make room there, or restore to another folder.',
  EDQUOT: "cannot be written: the quota of the agent's user is used up there. Make room, or restore to another folder.",
};

/** A failed system call at the target, or a link on the way to it that is not followed, as the job's failure; undefined for what is none. */
export function targetFailure(target: Buffer, error: unknown): HoldfastError | undefined {
  if (error instanceof UntrustedLinkError) {
    return new HoldfastError({
      kind: 'Forbidden',
      code: 'TARGET_LINK_NOT_TRUSTED',
      message: `The way to ${target.toString()} on this host leads over the symbolic link ${error.link.toString()}, which another user can have put there: restores do not follow it. Nothing was written. Name the folder itself instead of the link.`,
      cause: error,
    });
  }
  const code = errorCode(error);
  if (code === undefined) return undefined;
  const problem = PROBLEMS[code] ?? `cannot be used: ${reasonOf(error)}.`;
  return new HoldfastError({
    kind: 'IllegalState',
    code: 'TARGET_UNUSABLE',
    message: `The folder ${target.toString()} on this host ${problem}`,
    cause: error,
  });
}
