/** What is under way beside this thread: file system calls of node:fs/promises, and the Web Crypto that wraps session keys. */
let crypting = 0;

const { subtle } = globalThis.crypto;
for (const name of ['importKey', 'exportKey', 'generateKey', 'deriveBits', 'sign', 'encrypt', 'decrypt'] as const) {
  const call = subtle[name].bind(subtle) as (...args: unknown[]) => Promise<unknown>;
  Object.defineProperty(subtle, name, {
    configurable: true,
    value: async (...args: unknown[]) => {
      crypting += 1;
      try {
        return await call(...args);
      } finally {
        crypting -= 1;
      }
    },
  });
}

export function threadPoolIsBusy(): boolean {
  return crypting > 0 || process.getActiveResourcesInfo().some((kind) => kind.startsWith('FSReq'));
}
