/** What the CLI reads of the one file that it keeps. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { rootCertificates } from 'node:tls';
import { isHoldfastError } from '@holdfast/core/errors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Decoder, fuzz } from '../../../test/kit/fuzz.js';
import { ApiClient } from '../api/client.js';
import { type Credentials, loadCredentials, saveCredentials } from './credentials-file.js';

const CREDENTIALS: Credentials = {
  server: 'http://127.0.0.1:9',
  token: `hfs_${'a-_9'.repeat(10)}abc`,
  user: 'ann',
  expiresAt: '2027-01-01T00:00:00Z',
};
const PINNED: Credentials = { ...CREDENTIALS, server: 'https://backup.example:8400', ca: rootCertificates[0] ?? '' };

let folder: string;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-credentials-'));
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

const fileIn = (): string => path.join(folder, 'credentials.json');
const asFile = (credentials: object): Buffer => Buffer.from(JSON.stringify(credentials, null, 2));

function load(bytes: Buffer): Credentials {
  fs.writeFileSync(fileIn(), bytes);
  const loaded = loadCredentials(folder);
  if (loaded === undefined) throw new Error('a file that is there was not found');
  return loaded;
}
const refuses = (error: unknown): boolean =>
  isHoldfastError(error, 'Validation') && (error as { code?: string }).code === 'CREDENTIALS_UNREADABLE';

const decoder: Decoder = {
  name: 'loadCredentials',
  samples: [asFile(CREDENTIALS), asFile(PINNED)],
  decode: load,
  refuses,
  flaw: (value) => {
    const { server, token, ca = '' } = value as Credentials;
    if (!URL.canParse(server)) return 'its server is no address';
    if (/[^\w-]/.test(token)) return 'its token would not fit into a header';
    return typeof ca === 'string' ? undefined : 'its CA is no text';
  },
};

describe('the file of credentials', () => {
  it('comes back as it was saved, and is absent where there is none', () => {
    saveCredentials(folder, PINNED);
    expect(loadCredentials(folder)).toEqual(PINNED);
    expect(loadCredentials(path.join(folder, 'elsewhere'))).toBeUndefined();
  });

  it('is read or refused, with whatever bytes', () =>
    fuzz(decoder, process.env.HOLDFAST_TEST_SEED ?? 'every test run', Number(process.env.HOLDFAST_FUZZ_ROUNDS ?? 300)));

  it.each<[string, object]>([
    ['no address', { ...CREDENTIALS, server: 'backup example' }],
    ['an address of another kind', { ...CREDENTIALS, server: 'file:///etc/passwd' }],
    ['a token with the end of a line', { ...CREDENTIALS, token: 'hfs_a\r\nX-Other: b' }],
    ['a CA that is no certificate', { ...PINNED, ca: PINNED.ca?.replace('MII', 'MIX') }],
    ['a CA that is a number', { ...PINNED, ca: 7 }],
    ['nothing at all', []],
  ])('is refused with %s, which would fail later without a word', (_, content) => {
    expect(() => load(asFile(content))).toThrowError('holdfast login');
  });

  it('is refused unread when it is far too long', () => {
    expect(() => load(Buffer.alloc(2 << 20, '{'))).toThrowError('holdfast login');
  });

  it('leads to an answer in words, also where the server in it is gone', async () => {
    const { server, token } = load(asFile(CREDENTIALS));
    const asked = new ApiClient({ server, token }).ask({ toString: () => '{ me { user { name } } }' } as never, {});
    await expect(asked).rejects.toMatchObject({ kind: 'Unavailable', code: 'SERVER_UNREACHABLE' });
  });
});
