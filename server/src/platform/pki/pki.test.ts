import 'reflect-metadata';
import { createHash, generateKeyPairSync, webcrypto, X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock, systemClock } from '@holdfast/core/clock';
import { seededRandom, systemRandom } from '@holdfast/core/ids';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAuthority } from './authority-file.js';
import type { Authority } from './certificate-authority.js';
import { createAuthority, EC, generateAuthority } from './certificate-authority.js';
import { rotateIdentity } from './rotating-identity.js';

const AGENT = '01901234-5678-7abc-8def-0123456789ab';
const ports = { clock: systemClock, random: systemRandom };
const leafOf = (chain: string): X509Certificate => new X509Certificate(chain);
const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent } as never;

async function request(algorithm: webcrypto.EcKeyGenParams & { hash: string } = EC): Promise<Buffer> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const made = await Pkcs10CertificateRequestGenerator.create(
    { name: 'CN=holdfast://control/me', keys, signingAlgorithm: algorithm },
    webcrypto,
  );
  return Buffer.from(made.rawData);
}

let folder: string;
let authority: Authority;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-pki-'));
  authority = createAuthority(await generateAuthority(ports.clock, ports.random), ports);
});
afterAll(() => rm(folder, { recursive: true }));

describe('the CA', () => {
  it('certifies the key of a request under the name that the server chose, not the one asked for', async () => {
    const { certificateChain } = await authority.certify(await request(), { identity: { role: 'agent', id: AGENT } });
    const leaf = leafOf(certificateChain);
    const ca = new X509Certificate(authority.certificate);
    expect(leaf.subjectAltName).toBe(`URI:holdfast://agent/${AGENT}`);
    expect(leaf.subject).toBe('CN=Holdfast');
    expect([leaf.verify(ca.publicKey), leaf.checkIssued(ca), leaf.ca, ca.ca]).toEqual([true, true, false, true]);
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(certificateChain.endsWith(authority.certificate)).toBe(true);
    expect((Date.parse(leaf.validTo) - systemClock.now()) / 86_400_000).toBeCloseTo(30, 1);
  });

  it('gives servers their names and addresses and 90 days', async () => {
    const { certificateChain, key } = await authority.issue({ hosts: ['localhost', '127.0.0.1', '::1'] });
    const leaf = leafOf(certificateChain);
    expect([leaf.checkHost('localhost'), leaf.checkIP('127.0.0.1'), leaf.checkIP('::1')]).toEqual([
      'localhost',
      '127.0.0.1',
      '::1',
    ]);
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(leaf.checkPrivateKey((await import('node:crypto')).createPrivateKey(key))).toBe(true);
    expect((Date.parse(leaf.validTo) - systemClock.now()) / 86_400_000).toBeCloseTo(90, 1);
  });

  it('tells its fingerprint as the SHA-256 of its DER', () => {
    expect(authority.fingerprint).toEqual(
      createHash('sha256').update(new X509Certificate(authority.certificate).raw).digest(),
    );
  });

  it('refuses requests that are garbage, too large, changed, or of another kind of key', async () => {
    const good = await request();
    const changed = Buffer.from(good);
    changed.writeUInt8(changed.readUInt8(changed.length - 1) ^ 1, changed.length - 1);
    const p384 = await request({ name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' });
    const notARequest = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({
      type: 'spki',
      format: 'der',
    });
    for (const bad of [Buffer.alloc(0), Buffer.from('x'), Buffer.alloc(5_000, 0x30), changed, p384, notARequest]) {
      await expect(authority.certify(bad, { identity: { role: 'agent', id: AGENT } })).rejects.toMatchObject({
        kind: 'Validation',
        code: 'BAD_CERTIFICATE_REQUEST',
      });
    }
  });
});

describe("the CA's file", () => {
  it('is made once, readable by its owner only, and opens with the same master key only', async () => {
    const at = join(folder, 'pki');
    const master = systemRandom.bytes(32);
    const [first, second] = await Promise.all([openAuthority(at, master, ports), openAuthority(at, master, ports)]);
    const again = await openAuthority(at, master, ports);
    expect(first.certificate).toBe(again.certificate);
    expect(second.certificate).toBe(again.certificate);
    expect((await stat(join(at, 'ca.json'))).mode & 0o777).toBe(0o600);
    expect((await stat(at)).mode & 0o777).toBe(0o700);
    expect(await readdir(at)).toEqual(['ca.json']);
    await expect(openAuthority(at, systemRandom.bytes(32), ports)).rejects.toMatchObject({ kind: 'WrongKey' });
    const { certificateChain } = await again.issue({ hosts: ['localhost'] });
    expect(leafOf(certificateChain).verify(new X509Certificate(first.certificate).publicKey)).toBe(true);
  });

  it('does not open with a certificate that was swapped, and says when it is broken', async () => {
    const at = join(folder, 'swapped');
    const other = join(folder, 'other');
    const master = seededRandom('m').bytes(32);
    await openAuthority(at, master, ports);
    await openAuthority(other, master, ports);
    const mine = JSON.parse(await readFile(join(at, 'ca.json'), 'utf8')) as object;
    const theirs = JSON.parse(await readFile(join(other, 'ca.json'), 'utf8')) as { certificate: string };
    await writeFile(join(at, 'ca.json'), JSON.stringify({ ...mine, certificate: theirs.certificate }));
    await expect(openAuthority(at, master, ports)).rejects.toMatchObject({ kind: 'WrongKey' });
    await writeFile(join(at, 'ca.json'), '{');
    await expect(openAuthority(at, master, ports)).rejects.toMatchObject({ kind: 'Integrity' });
  });
});

describe('an identity of the server', () => {
  it('is renewed after two thirds of its time, and whoever serves with it hears of it', async () => {
    const clock = new ManualClock(systemClock.now());
    const timed = createAuthority(await generateAuthority(clock, systemRandom), { clock, random: systemRandom });
    const identity = await rotateIdentity(timed, { hosts: ['localhost'] }, { clock, timers: clock, log: silent });
    const first = identity.current();
    const served: string[] = [];
    identity.addIdentityCertificateListener((update) => void served.push(update?.certificate.toString() ?? ''));
    const renewed = new Promise<string>((resolve) => identity.onRenewed((fresh) => resolve(fresh.certificateChain)));
    await clock.advance(59 * 86_400_000);
    expect(identity.current()).toBe(first);
    await clock.advance(2 * 86_400_000);
    const second = await renewed;
    expect(served).toEqual([first.certificateChain, second]);
    expect(second).not.toBe(first.certificateChain);
    identity.stop();
    expect(clock.waiting).toBe(0);
  });
});
