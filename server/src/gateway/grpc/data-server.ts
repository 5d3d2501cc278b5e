import { DataServiceService, ReadChunksRequest, VaultStoreServiceService } from '@holdfast/proto/v1';
import { boundedMessage } from '../../platform/grpc/bounded-message.js';
import { CERTIFICATE_DOOR, CERTIFICATE_RESETS, DATA_CALLS } from '../../platform/grpc/connection-limits.js';
import { createGrpcServer, type GrpcServer } from '../../platform/grpc/grpc-server.js';
import type { RotatingIdentity } from '../../platform/pki/rotating-identity.js';
import type { GatewayCore } from '../gateway-core.js';
import { createDataService } from './data.service.js';
import { decodeUpload } from './decode-upload.js';
import { encodeRead } from './encode-read.js';
import { createVaultStoreService } from './vault-store.service.js';

/** As many packs to avoid (3) as fit into a message. */
const decodeRead = boundedMessage(ReadChunksRequest, { 3: { most: 65_536 }, 5: { inside: {} } });

const dataService = {
  ...DataServiceService,
  uploadPack: { ...DataServiceService.uploadPack, requestDeserialize: decodeUpload },
  readChunks: { ...DataServiceService.readChunks, requestDeserialize: decodeRead, responseSerialize: encodeRead },
};

/** The gateway's listener: agents and control, each by certificate. */
export function createDataServer(core: GatewayCore, identity: RotatingIdentity): GrpcServer {
  return createGrpcServer({
    identity,
    clientCertificates: true,
    services: [
      { definition: dataService, handlers: createDataService(core), name: 'holdfast.v1.DataService' },
      {
        definition: VaultStoreServiceService,
        handlers: createVaultStoreService(core),
        name: 'holdfast.v1.VaultStoreService',
      },
    ],
    limits: {
      maxMessageBytes: core.limits.maxMessageBytes,
      maxConcurrentCalls: core.limits.maxStreamsPerConnection,
      resets: CERTIFICATE_RESETS,
      windowBytes: core.limits.windowBytes,
      connections: CERTIFICATE_DOOR,
      calls: DATA_CALLS,
    },
    clock: core.clock,
    timers: core.timers,
    log: core.log,
  });
}
