import 'reflect-metadata';
import { EntryType, type TreeEntry, treeEntry } from '@holdfast/core/engine';
import { describe, expect, it } from 'vitest';
import { presentBrowseEntry } from '../graphql/browse.type.js';
import { presentEntry } from './present-entry.js';

const node = { kind: 'node', id: Buffer.alloc(32, 1) } as const;
const directory = (overrides: Partial<TreeEntry>) =>
  presentEntry(
    Buffer.from('/srv'),
    treeEntry({ name: Buffer.from('www'), type: EntryType.ENTRY_TYPE_DIRECTORY, content: node, ...overrides }),
  );

describe('an entry of a recovery point', () => {
  it('has the owner, mode and time that it was backed up with', () => {
    const entry = directory({ mode: 0o750, uid: 4_294_967_294, gid: 100, mtimeSeconds: -1, mtimeNanos: 500_000_000 });
    expect(entry).toMatchObject({
      path: Buffer.from('/srv/www'),
      metadata: { mode: 0o750, uid: 4_294_967_294, gid: 100, modifiedAt: -500 },
    });
    expect(presentBrowseEntry(entry)).toMatchObject({ mode: 0o750, uid: -2, gid: 100, modifiedAt: -500 });
  });

  it('has none of them when it only leads to what was backed up', () => {
    const entry = directory({ mode: 0o755, leadsToRoot: true });
    expect(entry).not.toHaveProperty('metadata');
    expect(presentBrowseEntry(entry)).toMatchObject({ mode: null, uid: null, gid: null, modifiedAt: null });
  });
});
