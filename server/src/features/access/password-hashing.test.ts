import { systemRandom } from '@holdfast/core/ids';
import { describe, expect, it } from 'vitest';
import { createPasswordHasher } from './password-hashing.js';

const CHEAP = { memory: 1_024, passes: 1, parallelism: 1 };

describe('a password hash', () => {
  it('is Argon2id with 64 MiB, three passes and four lanes, salted, and knows its password', async () => {
    const passwords = createPasswordHasher(systemRandom);
    const hash = await passwords.hash('correct horse battery');
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=65536,t=3,p=4\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(await passwords.verify('correct horse battery', hash)).toBe(true);
    expect(await passwords.verify('correct horse batterx', hash)).toBe(false);
  });

  it('agrees with the reference implementation', async () => {
    // From the tests of the reference implementation: password `password`, salt `somesalt`, t=2, m=2^16, p=1.
    const reference = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
    expect(await createPasswordHasher(systemRandom).verify('password', reference)).toBe(true);
  });

  it('differs each time, is checked by its own parameters, and is never matched by nobody', async () => {
    const cheap = createPasswordHasher(systemRandom, CHEAP);
    const [a, b] = [await cheap.hash('correct horse battery'), await cheap.hash('correct horse battery')];
    expect(a).not.toBe(b);
    expect(await createPasswordHasher(systemRandom).verify('correct horse battery', a)).toBe(true);
    expect(await cheap.verify('', undefined)).toBe(false);
    expect(await cheap.verify('x', 'not a hash')).toBe(false);
  });

  it('takes composed and decomposed letters for the same', async () => {
    const cheap = createPasswordHasher(systemRandom, CHEAP);
    expect(await cheap.verify('u\u0308ber den Wolken', await cheap.hash('über den Wolken'))).toBe(true);
  });

  it('is not made of what is too short or too long', async () => {
    const cheap = createPasswordHasher(systemRandom, CHEAP);
    for (const password of ['', 'elevenchars', 'x'.repeat(257)])
      await expect(cheap.hash(password)).rejects.toMatchObject({ code: 'PASSWORD_LENGTH' });
  });
});
