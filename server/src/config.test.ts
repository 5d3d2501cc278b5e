import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { agentAddress, declareOptions, needsTls, type ServerConfig, toConfig } from './config.js';

function configure(...args: string[]): ServerConfig {
  const command = declareOptions(new Command('test').exitOverride().configureOutput({ writeErr: () => undefined }));
  command.parse(['--data', '/d', ...args], { from: 'user' });
  return toConfig(command.opts());
}

describe('the configuration', () => {
  it('listens on loopback, keeps everything below the data folder and needs no TLS, unless told otherwise', () => {
    const config = configure();
    expect(
      [config.http, config.grpc, config.dataGrpc, config.enrollGrpc].map((each) => `${each.host}:${each.port}`),
    ).toEqual(['127.0.0.1:8400', '127.0.0.1:8401', '127.0.0.1:8402', '127.0.0.1:8403']);
    expect(config).toMatchObject({
      database: { dialect: 'sqlite', file: '/d/catalog.sqlite' },
      storeRoots: ['/d/stores'],
      masterKeyFile: '/d/master.key',
      behindProxy: false,
      introspection: false,
    });
    expect(needsTls(config)).toBe(false);
  });

  it('takes several store roots, and the last of an option given twice', () => {
    expect(configure('--store-root', '/a', '--store-root', '/b').storeRoots).toEqual(['/a', '/b']);
    expect(configure('--http', '127.0.0.1:0', '--http', '127.0.0.1:1234').http.port).toBe(1234);
  });

  it('wants TLS off loopback, unless a proxy gives it', () => {
    expect(needsTls(configure('--http', '0.0.0.0:8400'))).toBe(true);
    expect(needsTls(configure('--http', '[::]:8400'))).toBe(true);
    expect(needsTls(configure('--http', ':8400'))).toBe(true);
    expect(needsTls(configure('--http', '[::1]:8400'))).toBe(false);
    expect(needsTls(configure('--http', '0.0.0.0:8400', '--behind-proxy'))).toBe(false);
  });

  it('reads HOLDFAST_ variables, and the command line counts more', () => {
    process.env.HOLDFAST_PUBLIC_ADDRESS = 'from-environment';
    process.env.HOLDFAST_MASTER_KEY_FILE = '/elsewhere/master.key';
    try {
      expect(configure().masterKeyFile).toBe('/elsewhere/master.key');
      expect(configure().publicAddress).toBe('from-environment');
      expect(configure('--public-address', 'from-line').publicAddress).toBe('from-line');
    } finally {
      delete process.env.HOLDFAST_PUBLIC_ADDRESS;
      delete process.env.HOLDFAST_MASTER_KEY_FILE;
    }
  });

  it('tells agents the public name with the bound port, or the address that is forwarded', () => {
    const named = configure('--public-address', 'backup.example');
    expect(agentAddress(named, 'dataGrpc', '0.0.0.0:8402')).toBe('backup.example:8402');
    const forwarded = configure('--public-data-grpc', 'gate.example:443', '--public-grpc', '[2001:db8::7]:444');
    expect(agentAddress(forwarded, 'dataGrpc', '0.0.0.0:8402')).toBe('gate.example:443');
    expect(agentAddress(forwarded, 'grpc', '127.0.0.1:8401')).toBe('[2001:db8::7]:444');
    expect(agentAddress(forwarded, 'enrollGrpc', '127.0.0.1:8403')).toBe('127.0.0.1:8403');
  });

  it.each([
    ['--http', '8400'],
    ['--http', '127.0.0.1:70000'],
    ['--grpc', 'host:port'],
    ['--http', '[127.0.0.1]:1'],
    ['--database', 'mysql://x'],
    ['--public-address', 'host:8400'],
    ['--public-grpc', 'backup.example'],
    ['--public-data-grpc', ':8402'],
    ['--public-enroll-grpc', 'backup.example:0'],
    ['--failure-webhook', 'ftp://x'],
    ['--failure-webhook', 'https://user:secret@example.com/hook'],
    ['--failure-webhook', 'http://169.254.169.254/latest'],
    ['--failure-webhook', 'http://0xa9fea9fe/'],
    ['--failure-webhook', 'http://[fe80::1]/'],
    ['--failure-webhook', 'http://[::ffff:169.254.169.254]/'],
    ['--failure-webhook', 'http://[fd00:ec2::254]/'],
    ['--tls-cert', 'only-one'],
    ['--role', 'janitor'],
  ])('refuses %s %s with words for the operator', (option, value) => {
    expect(() => configure(option, value)).toThrowError(
      expect.objectContaining({ kind: 'Validation', code: 'CONFIGURATION' }),
    );
  });

  it('refuses an option that it does not know', () => {
    expect(() => configure('--no-such-option')).toThrow(/unknown option/);
  });
});
