import { describe, expect, it } from 'vitest';
import { planRestore, type RestoreRequest } from './restore-plan.js';

const bytes = (...texts: string[]) => texts.map((text) => Buffer.from(text));
const target = (path: string, base = '/', agentId?: string) => ({
  path: Buffer.from(path),
  base: Buffer.from(base),
  ...(agentId && { agentId }),
});

function shown(request: Partial<RestoreRequest>) {
  const plan = planRestore({ mode: 'ORIGINAL_LOCATION', onConflict: 'FAIL', ...request }, 'own-agent');
  return { ...plan, targetPath: String(plan.targetPath), base: String(plan.base), select: plan.select.map(String) };
}

describe('a restore to the original location', () => {
  it('goes to the item’s own agent, root on root', () => {
    expect(shown({})).toEqual({ agentId: 'own-agent', targetPath: '/', base: '/', select: [], onConflict: 'FAIL' });
  });

  it('refuses a target', () => {
    expect(() => shown({ target: target('/mnt') })).toThrow(
      expect.objectContaining({ code: 'TARGET_NOT_ALLOWED', details: { field: 'target' } }),
    );
  });
});

describe('a restore to an alternate location', () => {
  const mode = 'ALTERNATE_LOCATION';

  it('goes to the named agent, or else to the item’s own', () => {
    expect(shown({ mode, target: target('/mnt//x/', '/srv', 'other') })).toMatchObject({
      agentId: 'other',
      targetPath: '/mnt/x',
      base: '/srv',
    });
    expect(shown({ mode, target: target('/mnt') })).toMatchObject({
      agentId: 'own-agent',
      targetPath: '/mnt',
      base: '/',
    });
  });

  it.each([
    [{}, 'TARGET_MISSING', 'target'],
    [{ target: target('mnt') }, 'BAD_PATH', 'target.path'],
    [{ target: target('/mnt', '/a/..') }, 'BAD_PATH', 'target.base'],
    [{ target: target('/mnt', '/srv'), select: bytes('/srv/a', '/srvx') }, 'OUTSIDE_BASE', 'select.1'],
  ])('is refused with the field that is wrong: %#', (request, code, field) => {
    expect(() => shown({ mode, ...request })).toThrow(
      expect.objectContaining({ kind: 'Validation', code, details: { field } }),
    );
  });
});

describe('a selection', () => {
  it('names every entry once and nothing below another', () => {
    expect(shown({ select: bytes('/b/c/d', '/a', '/b/c', '/a', '/b/cd', '/a/x') }).select).toEqual([
      '/a',
      '/b/c',
      '/b/cd',
    ]);
  });

  it('of the base itself is everything', () => {
    expect(shown({ select: bytes('/a', '//') }).select).toEqual([]);
  });

  it.each([
    [[], 'EMPTY_SELECTION'],
    [Array.from({ length: 1_001 }, () => Buffer.from('/a')), 'SELECTION_TOO_LARGE'],
  ])('is refused: %#', (select, code) => {
    expect(() => shown({ select })).toThrow(expect.objectContaining({ code }));
  });
});
