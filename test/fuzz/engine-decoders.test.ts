import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { fuzz } from '../kit/fuzz.js';
import { repository } from '../kit/holdfast/repository.js';
import { ENGINE_DECODERS, NO_DECODERS } from './engine-decoders.js';

const TIMES = 400;
const DECODER = /^export (?:async )?function\*? ((?:decode|decompress|open|parse|peek|read|split|unwrap)[A-Z]?\w*)/gm;

describe('a decoder of the engine', () => {
  it.each(ENGINE_DECODERS.map((decoder, row) => [decoder.name, row, decoder] as const))(
    '%s (row %i) answers whatever it is given with a value or a refusal',
    (_, __, decoder) => fuzz(decoder, 'every test run', TIMES),
  );

  it('is in the table, or has a reason not to be', () => {
    const folder = path.join(repository, 'core/src/engine');
    const sources = fs
      .readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !/\.(test|fixture)\.ts$/.test(name));
    const exported = sources.flatMap((name) =>
      [...fs.readFileSync(path.join(folder, name), 'utf8').matchAll(DECODER)].map(([, each]) => each ?? ''),
    );
    const covered = new Set([...ENGINE_DECODERS.map(({ name }) => name), ...Object.keys(NO_DECODERS)]);
    expect(exported.length).toBeGreaterThan(25);
    expect(exported.filter((name) => !covered.has(name))).toEqual([]);
  });
});
