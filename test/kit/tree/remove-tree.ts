import { execFileSync } from 'node:child_process';

/** Removes a folder with all in it, however deep: Node's own `rm` goes by whole paths, which the kernel cuts off at 4,096 bytes. */
export function removeTree(folder: string): void {
  execFileSync('rm', ['-rf', '--', folder], { stdio: ['ignore', 'ignore', 'pipe'] });
}
