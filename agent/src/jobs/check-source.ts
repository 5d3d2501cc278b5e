import { checkRoots } from '../workloads/files/check-roots.js';
import type { WalkOptions } from '../workloads/files/walk.js';
import type { FilesSource, PathNotice } from './job.js';
import { NOTICE_KINDS } from './notices.js';

/** The roots of a datasource that could not be backed up as things are, as the server is told of them. */
export async function checkSource(source: FilesSource, options: WalkOptions): Promise<readonly PathNotice[]> {
  const troubles = await checkRoots(source, options);
  return troubles.map(({ path, kind, message }) => ({ path, kind: NOTICE_KINDS[kind], message }));
}
