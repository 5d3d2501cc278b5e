import { describe, expect, it } from 'vitest';
import { choose, commonParent, isCovered, isPartly, leaveOut, liesIn, mapPath, plainPath, stepsTo } from './selection';

describe('choosing in a recovery point', () => {
  it('takes in what lies below a directory once the directory is chosen', () => {
    expect(choose(['/a/b', '/a/b/c', '/ab'], ['/a'])).toEqual(['/ab', '/a']);
    expect(choose(['/a'], ['/a/b'])).toEqual(['/a']);
  });

  it('knows what is chosen with its directory, and which directory is chosen in part', () => {
    expect([isCovered(['/a'], '/a/b'), isCovered(['/a'], '/ab'), isCovered(['/a'], '/a')]).toEqual([
      true,
      false,
      false,
    ]);
    expect([isPartly(['/a/b'], '/a'), isPartly(['/a/b'], '/a/b')]).toEqual([true, false]);
  });

  it('leaves out exactly what was named', () => {
    expect(leaveOut(['/a', '/a/b', '/c'], ['/a'])).toEqual(['/a/b', '/c']);
  });
});

describe('restoring to another place', () => {
  it('offers the directory that all of the chosen lie in', () => {
    expect(commonParent(['/srv/data/a.txt'])).toBe('/srv/data');
    expect(commonParent(['/srv/data/a.txt', '/srv/data/b/c'])).toBe('/srv/data');
    expect(commonParent(['/srv/data/a', '/srv/database/b'])).toBe('/srv');
    expect(commonParent(['/a', '/b/c'])).toBe('/');
    expect(commonParent([])).toBe('/');
  });

  it('maps an entry from its base to the target', () => {
    expect(mapPath('/srv/data/a/b', '/srv/data', '/mnt/x')).toBe('/mnt/x/a/b');
    expect(mapPath('/srv/data', '/srv/data', '/mnt/x/')).toBe('/mnt/x');
    expect(mapPath('/srv/a', '/', '/')).toBe('/srv/a');
    expect(mapPath('/', '/', '/')).toBe('/');
  });

  it('lists the steps to a directory', () => {
    expect(stepsTo('/srv/data')).toEqual([
      { name: 'srv', path: '/srv' },
      { name: 'data', path: '/srv/data' },
    ]);
    expect(stepsTo('/')).toEqual([]);
  });
});

it('reads a typed path as the server does', () => {
  expect(['/', '//srv/', '/srv//www', '/srv'].map(plainPath)).toEqual(['/', '/srv', '/srv/www', '/srv']);
  expect([liesIn('/srv', '/srv'), liesIn('/srv', '/srv/www'), liesIn('/srv', '/srv2')]).toEqual([true, true, false]);
});
