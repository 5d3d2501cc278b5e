import { describe, expect, it } from 'vitest';
import { describeNextStep, describePreCheck, itemName } from './protect.js';

/** The rule of the server's item names. */
const ACCEPTED = /^[\p{L}\p{N}][\p{L}\p{N} ._()-]{0,62}$/u;

describe('the name of an item that was given none', () => {
  it.each([
    ['/home', 'web-1 home'],
    ['/home/', 'web-1 home'],
    ['/', 'web-1 root'],
    ['/srv/a:b\\xff', 'web-1 a-b-xff'],
  ])('is for %s: %s', (folder, name) => {
    expect(itemName('web-1', folder)).toBe(name);
  });

  it('is always one that the server takes', () => {
    for (const folder of ['/', '/*', `/${'x'.repeat(200)}`, '/a b ', '/…'])
      expect(itemName('web-1', folder)).toMatch(ACCEPTED);
  });
});

describe('what a pre-check found', () => {
  const agent = { name: 'web-1', status: 'ONLINE' } as const;
  const checkedAt = '2026-01-02T03:04:05.000Z';
  const problems = [{ path: '/no/such', message: 'no such file or directory (ENOENT)' }];

  it('is said with the folders it is about', () => {
    expect(describePreCheck({ agent, preCheck: { status: 'PASSED', checkedAt, problems: [] } })).toEqual([
      'Pre-check PASSED: web-1 can read what is to be backed up.',
    ]);
    expect(describePreCheck({ agent, preCheck: { status: 'WARNING', checkedAt, problems } })).toEqual([
      'Pre-check WARNING on web-1: a part of it cannot be backed up as things are.',
      '  /no/such: no such file or directory (ENOENT)',
    ]);
    expect(describePreCheck({ agent, preCheck: { status: 'CRITICAL', checkedAt, problems } })[0]).toBe(
      'Pre-check CRITICAL on web-1: nothing of it can be backed up as things are, and a backup would fail.',
    );
  });

  it('is followed by a backup only where that can work', () => {
    const item = (status: 'PASSED' | 'CRITICAL') => ({ name: 'nope', preCheck: { status, checkedAt, problems } });
    expect(describeNextStep({ name: 'nope', preCheck: null })).toBe('First backup now: holdfast backup "nope"');
    expect(describeNextStep(item('PASSED'))).toBe('First backup now: holdfast backup "nope"');
    expect(describeNextStep(item('CRITICAL')).split('\n')).toEqual([
      'Once the agent can read them: holdfast backup "nope"',
      'If the path is wrong, add the right one after: holdfast protect stop "nope"',
    ]);
  });

  it('is owed when the agent is not there', () => {
    expect(describePreCheck({ agent: { ...agent, status: 'OFFLINE' }, preCheck: null })).toEqual([
      'The agent web-1 is not connected: whether the folders are there shows at the first backup.',
    ]);
  });
});
