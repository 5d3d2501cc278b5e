import fs from 'node:fs';
import path from 'node:path';

/** The checkout that this kit belongs to, wherever the kit was built to. */
export const repository: string = (() => {
  let folder = import.meta.dirname;
  while (!fs.existsSync(path.join(folder, 'pnpm-workspace.yaml'))) {
    const parent = path.dirname(folder);
    if (parent === folder) throw new Error('not inside a Holdfast checkout');
    folder = parent;
  }
  return folder;
})();

export function programFile(name: 'holdfast' | 'holdfast-server' | 'holdfast-agent'): string {
  const folder = { holdfast: 'cli', 'holdfast-server': 'server', 'holdfast-agent': 'agent' }[name];
  return path.join(repository, folder, 'bin', `${name}.js`);
}
