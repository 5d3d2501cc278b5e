#!/usr/bin/env node
import { launch } from '../../launch.mjs';

const isService = process.argv.includes('run');
// Packs of 16 MiB pass through: a heap that may hold some of that before it is collected in full spares processor time.
const flags = isService ? ['--initial-old-space-size=64'] : [];
// Buffers go from thread to thread: with an arena for each thread, what one of them frees is used again by no other. What is free at an arena's end stays,
// and so does what is often asked for, as fresh memory is dear. The C library reads this at its start.
const allocator = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_TRIM_THRESHOLD_: String(64 << 20),
  MALLOC_MMAP_THRESHOLD_: String(8 << 20),
};
if (isService) for (const [name, value] of Object.entries(allocator)) process.env[name] ??= value;
await launch(new URL('../bundle/main.js', import.meta.url), flags);
