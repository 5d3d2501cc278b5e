import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { printHoldfastSchema } from './print-schema.js';

it('the committed SDL is what the resolvers say; otherwise run `pnpm --filter @holdfast/server schema:emit`', async () => {
  const committed = readFileSync(new URL('../../../../schema/schema.graphql', import.meta.url), 'utf8');
  expect(await printHoldfastSchema()).toBe(committed);
});
