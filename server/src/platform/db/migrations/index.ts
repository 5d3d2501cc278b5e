import type { Migration } from '@mikro-orm/migrations';
import { Migration0001Initial } from './0001-initial.js';

type MigrationEntry = {
  readonly name: string;
  readonly class: new (...args: ConstructorParameters<typeof Migration>) => Migration;
};

/** In the order they run. The name is what the database remembers: it never changes after a release. */
export const MIGRATIONS: MigrationEntry[] = [{ name: '0001-initial', class: Migration0001Initial }];
