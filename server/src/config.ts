import { join, resolve } from 'node:path';
import { HoldfastError } from '@holdfast/core/errors';
import type { Command } from 'commander';
import { advertisedAddress, isWildcard } from './platform/advertised-address.js';
import type { DatabaseAddress } from './platform/db/database.js';
import { parseListenAddress } from './platform/listen-address.js';
import { formatAddress, type ListenAddress } from './platform/process-roles.js';

export type ServerRole = 'all' | 'control' | 'gateway';
/** The listeners whose addresses agents are told. */
export type AgentListener = 'grpc' | 'dataGrpc' | 'enrollGrpc';

/** What the operator decided, checked and complete. Holds no secret but the database URL's password. */
export interface ServerConfig {
  readonly role: ServerRole;
  readonly dataDirectory: string;
  readonly http: ListenAddress;
  readonly grpc: ListenAddress;
  readonly dataGrpc: ListenAddress;
  readonly enrollGrpc: ListenAddress;
  /** The host under which agents and browsers reach this server; the bound one if absent. */
  readonly publicAddress?: string;
  /** Where agents reach a listener whose port is forwarded from another. */
  readonly publicListeners: { readonly [L in AgentListener]?: ListenAddress };
  readonly database: DatabaseAddress;
  readonly storeRoots: readonly string[];
  readonly behindProxy: boolean;
  readonly tls?: { readonly certificateFile: string; readonly keyFile: string };
  readonly masterKeyFile: string;
  readonly failureWebhook?: string;
  readonly introspection: boolean;
  readonly logLevel: string;
}

/** As commander collects them. */
export interface RawOptions {
  role: string;
  data: string;
  http: string;
  grpc: string;
  dataGrpc: string;
  enrollGrpc: string;
  publicAddress?: string;
  publicGrpc?: string;
  publicDataGrpc?: string;
  publicEnrollGrpc?: string;
  database?: string;
  storeRoot?: string[];
  behindProxy?: boolean;
  tlsCert?: string;
  tlsKey?: string;
  masterKeyFile?: string;
  failureWebhook?: string;
  introspection?: boolean;
  logLevel: string;
}

const LOG_LEVELS = ['debug', 'info', 'warn', 'error'];

/** Declares the server's options on a command. Every option is a HOLDFAST_* variable too; the command line wins. */
export function declareOptions(command: Command): Command {
  const option = (flags: string, variable: string, description: string, fallback?: string): void => {
    const made = command.createOption(flags, description).env(variable);
    command.addOption(fallback === undefined ? made : made.default(fallback));
  };
  declareDataOption(command);
  option('--http <address>', 'HOLDFAST_HTTP', 'GraphQL and Backup Center', '127.0.0.1:8400');
  option('--grpc <address>', 'HOLDFAST_GRPC', 'agents: control service', '127.0.0.1:8401');
  option('--data-grpc <address>', 'HOLDFAST_DATA_GRPC', 'agents: data service', '127.0.0.1:8402');
  option('--enroll-grpc <address>', 'HOLDFAST_ENROLL_GRPC', 'agents: enrolment', '127.0.0.1:8403');
  option(
    '--public-address <host>',
    'HOLDFAST_PUBLIC_ADDRESS',
    'host name or address that agents and browsers use for this server',
  );
  const forwarded = 'what agents are told instead, where a router or proxy forwards another address to it';
  option('--public-grpc <host:port>', 'HOLDFAST_PUBLIC_GRPC', `--grpc: ${forwarded}`);
  option('--public-data-grpc <host:port>', 'HOLDFAST_PUBLIC_DATA_GRPC', '--data-grpc: the same');
  option('--public-enroll-grpc <host:port>', 'HOLDFAST_PUBLIC_ENROLL_GRPC', '--enroll-grpc: the same');
  command.addOption(
    command
      .createOption(
        '--store-root <folder>',
        'vault stores may lie below this folder; repeatable (default: <data>/stores)',
      )
      .env('HOLDFAST_STORE_ROOT')
      .argParser((value: string, earlier: string[] | undefined) => [
        ...(earlier ?? []),
        ...value.split(',').filter((each) => each !== ''),
      ]),
  );
  option(
    '--behind-proxy',
    'HOLDFAST_BEHIND_PROXY',
    'a proxy in front ends TLS: plain HTTP off loopback, client addresses from X-Forwarded-For',
  );
  option(
    '--tls-cert <file>',
    'HOLDFAST_TLS_CERT',
    "PEM certificate chain for HTTPS (default: one from the server's own CA)",
  );
  option('--tls-key <file>', 'HOLDFAST_TLS_KEY', 'PEM private key of --tls-cert');
  option('--failure-webhook <url>', 'HOLDFAST_FAILURE_WEBHOOK', 'called with each job that failed');
  option(
    '--introspection',
    'HOLDFAST_INTROSPECTION',
    'let anyone read the GraphQL schema, and serve the Apollo sandbox',
  );
  option('--role <role>', 'HOLDFAST_ROLE', 'all (one supervisor, both processes), control or gateway', 'all');
  command.addOption(
    command
      .createOption('--log-level <level>', 'how much to log')
      .env('HOLDFAST_LOG_LEVEL')
      .choices(LOG_LEVELS)
      .default('info'),
  );
  return command;
}

/** The options that commands on the same data share with the server. */
export function declareDataOption(command: Command): Command {
  return command
    .addOption(
      command.createOption('--data <folder>', 'the data folder').env('HOLDFAST_DATA').default('./holdfast-data'),
    )
    .addOption(
      command
        .createOption(
          '--database <url>',
          'postgresql://… instead of SQLite in the data folder (better given as the variable: it may hold a password)',
        )
        .env('HOLDFAST_DATABASE'),
    )
    .addOption(
      command.createOption('--master-key-file <file>', 'default: <data>/master.key').env('HOLDFAST_MASTER_KEY_FILE'),
    );
}

/** Checks what commander collected. Throws Validation with words for the person at the console. */
export function toConfig(raw: RawOptions): ServerConfig {
  const dataDirectory = resolve(raw.data);
  if ((raw.tlsCert === undefined) !== (raw.tlsKey === undefined))
    throw invalid('--tls-cert and --tls-key come together.');
  if (raw.behindProxy === true && raw.tlsCert !== undefined)
    throw invalid('--behind-proxy means plain HTTP: it does not go with --tls-cert.');
  const roots =
    raw.storeRoot === undefined || raw.storeRoot.length === 0 ? [join(dataDirectory, 'stores')] : raw.storeRoot;
  return {
    role: parseRole(raw.role),
    dataDirectory,
    http: parseListenAddress('--http', raw.http),
    grpc: parseListenAddress('--grpc', raw.grpc),
    dataGrpc: parseListenAddress('--data-grpc', raw.dataGrpc),
    enrollGrpc: parseListenAddress('--enroll-grpc', raw.enrollGrpc),
    ...(raw.publicAddress === undefined ? {} : { publicAddress: parsePublicAddress(raw.publicAddress) }),
    publicListeners: {
      ...(raw.publicGrpc === undefined ? {} : { grpc: parseForwarded('--public-grpc', raw.publicGrpc) }),
      ...(raw.publicDataGrpc === undefined
        ? {}
        : { dataGrpc: parseForwarded('--public-data-grpc', raw.publicDataGrpc) }),
      ...(raw.publicEnrollGrpc === undefined
        ? {}
        : { enrollGrpc: parseForwarded('--public-enroll-grpc', raw.publicEnrollGrpc) }),
    },
    database: databaseAddress(dataDirectory, raw.database),
    storeRoots: roots.map((each) => resolve(each)),
    behindProxy: raw.behindProxy === true,
    ...(raw.tlsCert === undefined || raw.tlsKey === undefined
      ? {}
      : { tls: { certificateFile: resolve(raw.tlsCert), keyFile: resolve(raw.tlsKey) } }),
    masterKeyFile: resolve(raw.masterKeyFile ?? join(dataDirectory, 'master.key')),
    ...(raw.failureWebhook === undefined ? {} : { failureWebhook: parseWebhook(raw.failureWebhook) }),
    introspection: raw.introspection === true,
    logLevel: raw.logLevel,
  };
}

export function databaseAddress(dataDirectory: string, url: string | undefined): DatabaseAddress {
  if (url === undefined || url === '') return { dialect: 'sqlite', file: join(dataDirectory, 'catalog.sqlite') };
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url))
    throw invalid('--database takes a postgresql://user:password@host:port/name URL.');
  return { dialect: 'postgresql', url };
}

/** HTTP leaves this machine, so it needs TLS unless a proxy gives it. */
export function needsTls(config: ServerConfig): boolean {
  return config.tls !== undefined || (!config.behindProxy && !isLoopback(config.http.host));
}

/** Where a browser finds Backup Center, given what was bound. What a proxy shows to the world only its operator knows. */
export function webAddress(
  config: Pick<ServerConfig, 'behindProxy' | 'http' | 'publicAddress'>,
  bound: string,
): string {
  return config.behindProxy || isLoopback(config.http.host) ? bound : advertisedAddress(bound, config.publicAddress);
}

/** Where agents reach a listener, given what was bound. */
export function agentAddress(
  config: Pick<ServerConfig, 'publicAddress' | 'publicListeners'>,
  listener: AgentListener,
  bound: string,
): string {
  const forwarded = config.publicListeners[listener];
  return forwarded === undefined ? advertisedAddress(bound, config.publicAddress) : formatAddress(forwarded);
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function parseRole(text: string): ServerRole {
  if (text === 'all' || text === 'control' || text === 'gateway') return text;
  throw invalid('--role is all, control or gateway.');
}

function parsePublicAddress(text: string): string {
  if (!/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(text) && !/^[0-9a-fA-F:]{2,39}$/.test(text)) {
    throw invalid('--public-address takes a host name or an IP address, without a port.');
  }
  return text;
}

/** Somebody has to be able to connect to it, so neither part may be left to chance. */
function parseForwarded(option: string, text: string): ListenAddress {
  const address = parseListenAddress(option, text);
  if (text.startsWith(':') || isWildcard(address.host) || address.port === 0)
    throw invalid(`${option} takes the host and port that agents connect to.`);
  return address;
}

function parseWebhook(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw invalid('--failure-webhook takes an http:// or https:// URL.');
  if (url.username !== '' || url.password !== '')
    throw invalid('--failure-webhook takes no user and password: a secret goes into its path.');
  // Loopback and private addresses are for the operator to choose, who alone sets this; nobody serves webhooks there.
  if (isMetadataAddress(url.hostname))
    throw invalid(
      '--failure-webhook does not go to link-local addresses: cloud machines serve their credentials there.',
    );
  return url.href;
}

/** Link-local addresses, and the one of its own that a cloud has for IPv6; URLs hold addresses in their shortest form. */
function isMetadataAddress(host: string): boolean {
  return host.startsWith('169.254.') || /^\[(fe[89ab]|::ffff:a9fe:|fd00:ec2::254\])/.test(host);
}

function invalid(message: string): HoldfastError {
  return new HoldfastError({ kind: 'Validation', code: 'CONFIGURATION', message });
}

/** A disk that hangs keeps a few of a gateway's threads: enough for several of them, and for those that answer. */
const GATEWAY_THREADS = { UV_THREADPOOL_SIZE: '16' };

/** What a process is started with that the server starts by itself. */
export function environmentOf(role: 'control' | 'gateway'): NodeJS.ProcessEnv {
  return { ...(role === 'gateway' && GATEWAY_THREADS), ...process.env };
}
