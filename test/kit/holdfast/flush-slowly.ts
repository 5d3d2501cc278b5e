/** Loaded into Holdfast's programs with `--import`: files are flushed as on a disk that takes its time, as long as a file says so. */
import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const told = process.env.HOLDFAST_TEST_FLUSH_MS_FILE;

if (told !== undefined) {
  const file = await open('/dev/null');
  const handle = Object.getPrototypeOf(file) as { sync: () => Promise<void> };
  const { sync } = handle;
  handle.sync = async function () {
    await sleep(toldMs(told));
    return sync.call(this);
  };
  await file.close();
}

function toldMs(path: string): number {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    return 0;
  }
}
