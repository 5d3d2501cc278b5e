/** One path with what went wrong there; the job goes on. */
export interface Notice {
  readonly kind: NoticeKind;
  /** Absolute, raw bytes: on the host for a backup, below the target for a restore. */
  readonly path: Buffer;
  readonly message: string;
}

export type NoticeKind =
  /** Backup: it could not be read. */
  | 'unreadable'
  /** Backup: it was listed or named, and is not there. */
  | 'vanished'
  /** Backup: it was stored, but changed while it was read. */
  | 'changedWhileRead'
  /** Restore: an owner, attribute, time or device that the running user or the file system does not allow. */
  | 'notRestorable'
  /** Restore: something else has the name and stays, so that this was not restored, or nothing in it. */
  | 'skipped'
  /** Restore: its stored bytes are damaged; it was left absent. */
  | 'damaged'
  /** Restore: it could not be written. */
  | 'unwritable';
