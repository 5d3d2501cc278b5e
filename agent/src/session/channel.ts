import { isIP } from 'node:net';
import type { PeerCertificate } from 'node:tls';
import { checkServerIdentity } from 'node:tls';
import type { ChannelCredentials, ChannelOptions } from '@grpc/grpc-js';
import { credentials as grpcCredentials } from '@grpc/grpc-js';
import { parseServerAddress } from '../enrollment/server-address.js';
import type { AgentIdentity } from '../state/identity.js';

export type ServerRole = 'control' | 'gateway';

export interface Channel {
  readonly address: string;
  readonly credentials: ChannelCredentials;
  readonly options: ChannelOptions;
}

const KEEPALIVE_MS = 10_000;
const KEEPALIVE_TIMEOUT_MS = 10_000;
/** Per stream and per connection; the default of 64 KiB caps a restore at 1.3 MB/s on a 50 ms link. */
export const DATA_WINDOW_BYTES = 16 * 1024 * 1024;

/** Before enrolment: the CA is known, a certificate is not. */
export function enrollmentChannel(address: string, caCertificate: string): Channel {
  return channel(address, 'control', caCertificate, undefined, {});
}

export function controlChannel(address: string, identity: AgentIdentity): Channel {
  return channel(address, 'control', identity.caCertificate, identity, {});
}

export function dataChannel(address: string, identity: AgentIdentity, windowBytes: number): Channel {
  return channel(address, 'gateway', identity.caCertificate, identity, {
    'grpc-node.flow_control_window': windowBytes,
    'grpc.max_receive_message_length': 4 * 1024 * 1024,
  });
}

function channel(
  address: string,
  role: ServerRole,
  caCertificate: string,
  identity: AgentIdentity | undefined,
  extra: ChannelOptions,
): Channel {
  const { host } = parseServerAddress(address, 0xffff);
  return {
    address,
    credentials: grpcCredentials.createSsl(
      Buffer.from(caCertificate),
      identity && Buffer.from(identity.privateKey),
      identity && Buffer.from(identity.certificateChain),
      { checkServerIdentity: (_, certificate) => refusalOf(host, role, certificate) },
    ),
    options: {
      'grpc.keepalive_time_ms': KEEPALIVE_MS,
      'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
      'grpc.keepalive_permit_without_calls': 1,
      // Reconnecting is decided above, with jitter and with the job's life in view.
      'grpc.enable_retries': 0,
      'grpc.initial_reconnect_backoff_ms': 500,
      'grpc.max_reconnect_backoff_ms': 5_000,
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_channelz': 0,
      // TLS forbids an address as a server name; whom the certificate must name is decided in refusalOf.
      ...(isIP(host) === 0 ? {} : { 'grpc.ssl_target_name_override': 'localhost' }),
      ...extra,
    },
  };
}

/**
 * The CA signs agents too, so a chain to it is not enough: the certificate must name this host, and a server's role. Otherwise an agent
 * could pose as the server towards other agents.
 */
export function refusalOf(host: string, role: ServerRole, certificate: PeerCertificate): Error | undefined {
  const wrongHost = checkServerIdentity(host, certificate);
  if (wrongHost !== undefined) return wrongHost;
  const names = certificate.subjectaltname?.split(', ') ?? [];
  if (names.some((name) => name.startsWith(`URI:holdfast://${role}/`))) return undefined;
  return new Error(`the certificate of ${host} is not one of a ${role}`);
}
