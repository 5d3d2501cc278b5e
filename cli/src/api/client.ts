/** GraphQL over HTTP. A refusal comes back as the HoldfastError that the server meant. */
import http from 'node:http';
import https from 'node:https';
import { fromWireError, HoldfastError } from '@holdfast/core/errors';
import type { TypedDocumentString } from '../gql/graphql.js';

export interface Endpoint {
  /** e.g. https://backup.example:8400 */
  readonly server: string;
  readonly token?: string;
  /** It came from the environment, not from a login. */
  readonly tokenGiven?: true;
  /** PEM. */
  readonly ca?: string;
}

const TIMEOUT_MS = 60_000;
const MAX_ANSWER_BYTES = 64 << 20;

interface Answer {
  readonly data?: unknown;
  readonly errors?: ReadonlyArray<{ message: string; path?: readonly unknown[]; extensions?: Record<string, unknown> }>;
}

export class ApiClient {
  readonly endpoint: Endpoint;

  constructor(endpoint: Endpoint) {
    this.endpoint = endpoint;
  }

  async ask<Result, Variables>(
    document: TypedDocumentString<Result, Variables>,
    variables: Variables,
  ): Promise<Result> {
    const answer = await this.#post(JSON.stringify({ query: document.toString(), variables }));
    const [error] = answer.errors ?? [];
    if (error !== undefined) {
      const { code, reason, field } = error.extensions ?? {};
      const details: Record<string, string> = {};
      if (typeof reason === 'string') details.reason = reason;
      if (typeof field === 'string') details.field = field;
      const unknownToken = this.endpoint.tokenGiven === true && reason === 'NOT_SIGNED_IN';
      throw fromWireError({
        code: typeof code === 'string' ? code : 'INTERNAL_SERVER_ERROR',
        message: unknownToken
          ? 'the server does not know the token in HOLDFAST_TOKEN, or it has expired'
          : error.message,
        details,
      });
    }
    return answer.data as Result;
  }

  #post(body: string): Promise<Answer> {
    const { server, token, ca } = this.endpoint;
    const url = new URL('/graphql', server);
    const options: https.RequestOptions = {
      method: 'POST',
      timeout: TIMEOUT_MS,
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(ca === undefined ? {} : { ca }),
    };
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => reject(unreachable(server, error));
      const request = (url.protocol === 'https:' ? https : http).request(url, options, (response) => {
        const pieces: Buffer[] = [];
        let size = 0;
        response.on('data', (piece: Buffer) => {
          size += piece.length;
          if (size > MAX_ANSWER_BYTES) request.destroy(new Error('the answer is too large'));
          else pieces.push(piece);
        });
        response.on('error', fail);
        response.on('end', () => {
          try {
            resolve(JSON.parse(Buffer.concat(pieces).toString('utf8')) as Answer);
          } catch {
            fail(new Error(`it answered ${response.statusCode} and no JSON`));
          }
        });
      });
      request.on('timeout', () => request.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
      request.on('error', fail);
      request.end(body);
    });
  }
}

const TLS_CODES = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]);

function unreachable(server: string, error: NodeJS.ErrnoException): HoldfastError {
  const untrusted = error.code !== undefined && TLS_CODES.has(error.code);
  return new HoldfastError({
    kind: 'Unavailable',
    code: untrusted ? 'SERVER_UNTRUSTED' : 'SERVER_UNREACHABLE',
    message: untrusted
      ? `${server} shows a certificate of a CA that is not trusted here: pass the server's CA with --ca-file (the server keeps it in its data folder)`
      : `cannot reach ${server}: ${reasonOf(server, error)}`,
    cause: error,
  });
}

function reasonOf(server: string, error: NodeJS.ErrnoException): string {
  if (error.code === 'ECONNRESET' && server.startsWith('http:'))
    return 'it ended the connection; off loopback the server speaks https';
  if (error.code?.startsWith('ERR_SSL_')) return 'it does not speak HTTPS as a Holdfast server does; check the port';
  return error.message || error.code || 'no connection';
}
