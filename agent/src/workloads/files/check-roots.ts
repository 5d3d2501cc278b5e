import type { Notice } from '../notice.js';
import type { FilesDatasource } from './root-tree.js';
import { type WalkOptions, walkFiles } from './walk.js';

/**
 * The roots that could not be backed up as things are on the host, each with the first reason; empty when all could. Nothing
 * below a root is looked at. Throws as a walk does.
 */
export async function checkRoots(datasource: FilesDatasource, options: WalkOptions): Promise<Notice[]> {
  const roots = new Set(datasource.roots.map(spelled));
  const troubles = new Map<string, Notice>();
  for await (const { events, done } of walkFiles(datasource, { ...options, rootsOnly: true })) {
    for (const event of events) {
      if (event.kind !== 'notice') continue;
      const root = spelled(event.notice.path);
      if (roots.has(root) && !troubles.has(root)) troubles.set(root, event.notice);
    }
    done();
  }
  return [...troubles.values()];
}

function spelled(path: Buffer): string {
  return path.toString('latin1');
}
