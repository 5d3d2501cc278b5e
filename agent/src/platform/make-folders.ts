import fs from 'node:fs';

const SLASH = 0x2f;

/**
 * Makes a folder, and those above it that are missing; links on the way are followed. Throws what the system says. Node's own
 * recursive mkdir goes round for ever where a file system takes no folders and denies that they are there, as /proc does.
 */
export function makeFolders(path: Buffer, mode: number): void {
  for (let end = nextEnd(path, 0); end > 0; end = nextEnd(path, end)) {
    const folder = path.subarray(0, end);
    if (fs.statSync(folder, { throwIfNoEntry: false })) continue;
    try {
      fs.mkdirSync(folder, { mode });
    } catch (error) {
      // Somebody else made it meanwhile, or a link that leads nowhere has the name: whoever opens it will see.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** Where the next component of an absolute path ends; -1 behind the last. */
function nextEnd(path: Buffer, from: number): number {
  let at = from;
  while (path[at] === SLASH) at++;
  if (at >= path.length) return -1;
  const slash = path.indexOf(SLASH, at);
  return slash < 0 ? path.length : slash;
}
