/**
 * Runs something as a user without rights, really: the process's effective ids are changed and changed back. Worker
 * threads cannot do that, so tests that use it need a process of their own, which vitest's default pool gives.
 */
export async function runUnprivileged<T>(action: () => T | Promise<T>, id = 65_534): Promise<T> {
  if (!process.seteuid || !process.setegid || !process.setgroups || !process.getgroups || !process.getegid) {
    throw new Error('effective user ids cannot be changed here');
  }
  const groups = process.getgroups();
  const gid = process.getegid();
  process.setgroups([]);
  process.setegid(id);
  process.seteuid(id);
  try {
    return await action();
  } finally {
    process.seteuid(0);
    process.setegid(gid);
    process.setgroups(groups);
  }
}

export const runsAsRoot = process.geteuid?.() === 0;
