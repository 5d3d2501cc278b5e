import { describe, expect, it } from 'vitest';
import type { PathNotice } from '../job.js';
import { requireReadableRoot } from './require-readable-root.js';

const roots = [Buffer.from('/srv/a'), Buffer.from('/srv/b')];
const vanished = (path: string): PathNotice => ({ path: Buffer.from(path), kind: 'VANISHED', message: 'no such file' });

describe('requireReadableRoot', () => {
  it('refuses a point in which every root is missing, and names the first', () => {
    expect(() => requireReadableRoot(roots, [vanished('/srv/a'), vanished('/srv/b')])).toThrow(
      /\/srv\/a: no such file \(and 1 more\)/,
    );
  });

  it('accepts a point in which one root was read, and trouble below a root', () => {
    requireReadableRoot(roots, [vanished('/srv/b')]);
    requireReadableRoot(roots, [vanished('/srv/a/file'), vanished('/srv/b/file')]);
    requireReadableRoot(roots, []);
  });
});
