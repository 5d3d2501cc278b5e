import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadSettings } from './agent-settings.js';
import type { StateFolder } from './state-folder.js';
import { stateFolderAt } from './state-folder.js';

let folder: StateFolder;

beforeEach(() => {
  folder = stateFolderAt(mkdtempSync(join(tmpdir(), 'holdfast-settings-')));
});
afterEach(() => rmSync(folder.path, { recursive: true }));

it('limits nothing without a file', async () => {
  expect(await loadSettings(folder)).toEqual({});
});

it('reads where restores may write', async () => {
  writeFileSync(folder.settingsFile, '{"restoreRoots": ["/srv", "/home"]}');
  expect(await loadSettings(folder)).toEqual({ restoreRoots: ['/srv', '/home'] });
});

it.each(['', '[]', 'null', '{"restoreroots": []}', '{"restoreRoots": "/srv"}', '{"restoreRoots": ["srv"]}'])(
  'refuses %j rather than read a limit as none',
  async (content) => {
    writeFileSync(folder.settingsFile, content);
    await expect(loadSettings(folder)).rejects.toMatchObject({ kind: 'Validation', code: 'SETTINGS_BROKEN' });
  },
);
