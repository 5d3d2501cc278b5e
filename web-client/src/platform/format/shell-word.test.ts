import { describe, expect, it } from 'vitest';
import { shellWord } from './shell-word';

describe('a word of a command', () => {
  it('stands as it is where a shell leaves it alone', () => {
    expect(['web-1', 'web-1#3', '/srv/www'].map(shellWord)).toEqual(['web-1', 'web-1#3', '/srv/www']);
  });

  it('is quoted where a shell would take it apart', () => {
    expect(['Team files#3', 'db (old)', "it's", 'Büro', ''].map(shellWord)).toEqual([
      "'Team files#3'",
      "'db (old)'",
      "'it'\\''s'",
      "'Büro'",
      "''",
    ]);
  });
});
