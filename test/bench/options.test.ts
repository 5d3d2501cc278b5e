import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { PEERS, parseBenchOptions, UsageError } from './options.js';

function parsed(...argv: string[]) {
  const options = parseBenchOptions(argv);
  if (options === 'help') throw new Error('asked for help');
  return options;
}

describe('the options of the benchmark', () => {
  it('run every case that needs no folder, against every peer, in three rounds', () => {
    const { cases, peers, rounds, json } = parsed();
    expect([...cases]).toEqual([
      'big-random',
      'restore-big-random',
      'full-reread',
      'restore-full-reread',
      'sdk-tree',
      'restore-sdk-tree',
      'unchanged',
      'restore-unchanged',
      'small-files',
      'restore-small-files',
      'one-percent',
      'restore-one-percent',
    ]);
    expect(peers).toEqual(PEERS);
    expect(rounds).toBe(3);
    expect(json).toBeUndefined();
  });

  it('add three cases for a folder, whose path is made absolute', () => {
    const folder = fs.realpathSync(os.tmpdir());
    const options = parsed('--dataset', path.relative(process.cwd(), folder));
    expect(options.dataset).toBe(folder);
    expect([...options.cases].slice(-3)).toEqual(['dataset-first', 'dataset-unchanged', 'dataset-restore']);
  });

  it('take several cases, repeated or in a list', () => {
    expect([...parsed('--only', 'big-random,unchanged', '--only', 'small-files').cases]).toEqual([
      'big-random',
      'unchanged',
      'small-files',
    ]);
  });

  it('take peers in any order, or none', () => {
    expect(parsed('--peers', 'borg,restic').peers).toEqual(['restic', 'borg']);
    expect(parsed('--peers', 'none').peers).toEqual([]);
  });

  it('run one round when it is to be quick, unless told otherwise', () => {
    expect(parsed('--quick').rounds).toBe(1);
    expect(parsed('--quick', '--rounds', '2').rounds).toBe(2);
  });

  it.each([
    [['--only', 'big'], /there is no case big/],
    [['--only', 'dataset-first'], /needs --dataset/],
    [['--peers', 'restic,tar'], /there is no peer tar/],
    [['--peers', ''], /there is no peer/],
    [['--rounds', '0'], /--rounds/],
    [['--dataset', '/does/not/exist'], /does not exist/],
    [['--json', '/does/not/exist/file.json'], /does not exist/],
    [['--json', os.tmpdir()], /is a directory/],
    [['--fast'], /fast/],
    [['stray'], /stray/],
  ])('refuse %j', (argv, message) => {
    expect(() => parseBenchOptions(argv)).toThrow(UsageError);
    expect(() => parseBenchOptions(argv)).toThrow(message);
  });
});
