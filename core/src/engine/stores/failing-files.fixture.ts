import systemFiles, { type FileHandle } from 'node:fs/promises';
import type { FileCalls } from './file-calls.js';

/** What a call of the store does before the system sees it: throws, waits, or nothing. */
export type BeforeCall = (call: string, path?: string) => void | Promise<void>;

const OF_A_HANDLE = new Set(['write', 'read', 'sync', 'stat', 'close']);

/** The system's calls with something before each, also before those on an open file (`handle.write`, `handle.sync`, …). */
export function filesWith(before: BeforeCall): FileCalls {
  return guarded(systemFiles, (name, work) => async (...args) => {
    await before(name, String(args[0]));
    const result = await work(...args);
    return name === 'open' ? guardedHandle(result as FileHandle, before) : result;
  });
}

/** A failed system call as Node reports it. */
export function failedCall(code: string, call: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: injected, ${call} '/secret/path'`), { code, errno: -1, syscall: call });
}

function guardedHandle(handle: FileHandle, before: BeforeCall): FileHandle {
  return guarded(handle, (name, work) => async (...args) => {
    if (OF_A_HANDLE.has(name)) {
      try {
        await before(`handle.${name}`);
      } catch (error) {
        // The descriptor is gone also when its closing fails.
        if (name === 'close') await work(...args);
        throw error;
      }
    }
    return work(...args);
  });
}

type Call = (...args: unknown[]) => Promise<unknown>;

function guarded<T extends object>(target: T, wrap: (name: string, work: Call) => Call): T {
  return new Proxy(target, {
    get(of, name) {
      const value: unknown = Reflect.get(of, name, of);
      return typeof value === 'function' ? wrap(String(name), value.bind(of) as Call) : value;
    },
  });
}
