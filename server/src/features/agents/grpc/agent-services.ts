import { uuidToBytes } from '@holdfast/core/ids';
import type { ControlServiceServer, EnrollmentServiceServer } from '@holdfast/proto/v1';
import { ControlServiceService, EnrollmentServiceService } from '@holdfast/proto/v1';
import type { ContextFor } from '../../../platform/context.js';
import { requireRole } from '../../../platform/grpc/caller.js';
import { toGrpcStatus } from '../../../platform/grpc/errors.js';
import type { GrpcService } from '../../../platform/grpc/grpc-server.js';
import { peerAddress } from '../../../platform/grpc/peer-address.js';
import { unary } from '../../../platform/grpc/unary.js';
import type { Log } from '../../../platform/telemetry/log.js';
import { enrollAgent } from '../use-cases/enroll-agent.js';
import { renewCertificate } from '../use-cases/renew-certificate.js';
import type { ControlStreamPorts } from './control-stream.js';
import { ControlStream } from './control-stream.js';
import { decodeFromAgent } from './decode-from-agent.js';
import { emptyHostFacts } from './host-facts.js';

export function enrollmentService(contextFor: ContextFor, log: Log): GrpcService {
  const handlers: EnrollmentServiceServer = {
    enroll: unary(log, async (request, call) => {
      const ctx = contextFor({ kind: 'anonymous' }, peerAddress(call));
      const { token, certificateRequest, host } = request;
      const enrolled = await enrollAgent(ctx, { token, certificateRequest, host: host ?? emptyHostFacts() });
      return {
        agentId: uuidToBytes(enrolled.agent.id),
        certificateChain: enrolled.certificateChain,
        caCertificate: enrolled.caCertificate,
        controlAddress: enrolled.controlAddress,
        agentName: enrolled.agent.name,
      };
    }),
  };
  return { name: 'holdfast.v1.EnrollmentService', definition: EnrollmentServiceService, handlers };
}

export function controlService(contextFor: ContextFor, log: Log, ports: ControlStreamPorts): GrpcService {
  const handlers: ControlServiceServer = {
    connect: (call) => {
      try {
        const { id } = requireRole(call, 'agent');
        new ControlStream(call, id, contextFor({ kind: 'agent', agentId: id }, peerAddress(call)), ports).open();
      } catch (error) {
        call.emit('error', toGrpcStatus(error));
      }
    },
    renewCertificate: unary(log, async ({ certificateRequest }, call) => {
      const { id } = requireRole(call, 'agent');
      return renewCertificate(contextFor({ kind: 'agent', agentId: id }, peerAddress(call)), { certificateRequest });
    }),
  };
  const definition = {
    ...ControlServiceService,
    connect: { ...ControlServiceService.connect, requestDeserialize: decodeFromAgent },
  };
  return { name: 'holdfast.v1.ControlService', definition, handlers };
}
