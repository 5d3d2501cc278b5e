import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { printHoldfastSchema } from './print-schema.js';

const target = process.argv[2] ?? fileURLToPath(new URL('../../../../schema/schema.graphql', import.meta.url));
await writeFile(target, await printHoldfastSchema());
