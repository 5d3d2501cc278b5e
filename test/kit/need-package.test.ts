import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NOT_RUN_FILE, needPackage } from './need-package.js';

describe('a Debian package that a test needs and is not there', () => {
  const needed = { what: 'Flying', packages: ['wings', 'tail'], isThere: () => false };
  const line = 'NOT RUN: Flying — install with: sudo apt-get install -y --no-install-recommends wings tail';
  let folder: string;
  let told: string;

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-need-'));
    told = path.join(folder, 'not-run');
    vi.stubEnv(NOT_RUN_FILE, told);
    vi.spyOn(process, 'getuid').mockReturnValue(1000);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
    fs.rmSync(folder, { recursive: true });
  });

  it('is reported without root, with the command to type', () => {
    vi.stubEnv('CI', undefined);
    expect(needPackage(needed)).toBe(false);
    expect(fs.readFileSync(told, 'utf8')).toBe(`${line}\n`);
  });

  it('is a failure with CI=true', () => {
    vi.stubEnv('CI', 'true');
    expect(() => needPackage(needed)).toThrow(`${line} (needs root)`);
  });

  it('is nothing to speak of once it is there', () => {
    expect(needPackage({ ...needed, isThere: () => true })).toBe(true);
    expect(fs.existsSync(told)).toBe(false);
  });
});
