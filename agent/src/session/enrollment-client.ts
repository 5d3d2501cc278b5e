import { uuidFromBytes } from '@holdfast/core/ids';
import { EnrollmentServiceClient } from '@holdfast/proto/v1';
import type { SendEnrollment } from '../enrollment/ports.js';
import { formatAddress } from '../enrollment/server-address.js';
import { enrollmentChannel } from './channel.js';
import { callUnary } from './unary-call.js';

const TIMEOUT_MS = 30_000;

export const sendEnrollment: SendEnrollment = async (address, caCertificate, request) => {
  const channel = enrollmentChannel(formatAddress(address), caCertificate);
  const client = new EnrollmentServiceClient(channel.address, channel.credentials, channel.options);
  try {
    const answer = await callUnary(
      client.enroll.bind(client),
      { ...request, host: { ...request.host } },
      { timeoutMs: TIMEOUT_MS },
    );
    return {
      agentId: uuidFromBytes(answer.agentId),
      agentName: answer.agentName,
      controlAddress: answer.controlAddress,
      certificateChain: answer.certificateChain,
      caCertificate: answer.caCertificate,
    };
  } finally {
    client.close();
  }
};
