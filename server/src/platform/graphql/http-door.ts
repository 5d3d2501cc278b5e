import { existsSync } from 'node:fs';
import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginLandingPageDisabled } from '@apollo/server/plugin/disabled';
import { ApolloServerPluginLandingPageLocalDefault } from '@apollo/server/plugin/landingPage/default';
import { expressMiddleware } from '@as-integrations/express5';
import express, { type ErrorRequestHandler, type Express, type Request, type Response } from 'express';
import type { GraphQLSchema } from 'graphql';
import { authenticate } from '../../features/access/use-cases/authenticate.js';
import { formatSessionCookie, readBearer, readSessionCookie } from '../http/cookies.js';
import { securityHeaders } from '../http/security-headers.js';
import { serveWebClient } from '../http/web-client.js';
import { formatError } from './format-error.js';
import type { GraphqlContext } from './graphql-context.js';
import { checkOperation, LIMITS, limitRules } from './limits.js';
import { type BaseContext, graphqlContext } from './request-context.js';

export interface HttpDoorSettings {
  readonly schema: GraphQLSchema;
  readonly base: BaseContext;
  /** Browsers reach the door by HTTPS, here or at the proxy in front. */
  readonly secure: boolean;
  readonly behindProxy: boolean;
  readonly introspection: boolean;
  /** Folder of the built Backup Center. */
  readonly webClient: string;
  /** What `/readyz` asks. */
  readonly readiness: () => Promise<Readiness>;
}

/** Names of components: without what is `missing` nothing can be done here, and of what is `degraded` a part does not work. */
export interface Readiness {
  readonly missing: readonly string[];
  readonly degraded: readonly string[];
}

export interface HttpDoor {
  readonly app: Express;
  stop(): Promise<void>;
}

/** GraphQL, Backup Center and health over an HTTP server that the caller listens with. */
export async function createHttpDoor(settings: HttpDoorSettings): Promise<HttpDoor> {
  const { schema, base, introspection } = settings;
  const apollo = new ApolloServer<GraphqlContext>({
    schema,
    introspection,
    csrfPrevention: true,
    allowBatchedHttpRequests: false,
    stopOnTerminationSignals: false,
    includeStacktraceInErrorResponses: false,
    logger: {
      debug: () => undefined,
      info: () => undefined,
      warn: (message) => base.log.warn({ message }, 'graphql.warning'),
      error: (message) => base.log.error({ message }, 'graphql.error'),
    },
    parseOptions: { maxTokens: LIMITS.tokens },
    validationRules: limitRules(introspection),
    // They would tell piece by piece what introspection does not.
    validationOptions: { hideSuggestions: !introspection },
    formatError: (given, error) => formatError(error, base.log, given),
    plugins: [
      introspection
        ? ApolloServerPluginLandingPageLocalDefault({ embed: false })
        : ApolloServerPluginLandingPageDisabled(),
      {
        requestDidStart: async () => ({
          didResolveOperation: async ({ document, request: { operationName, variables } }) =>
            checkOperation(schema, { document, operationName, variables }, introspection),
        }),
      },
    ],
  });
  await apollo.start();
  const app = express();
  app.disable('x-powered-by');
  app.set('trust proxy', settings.behindProxy ? 1 : false);
  app.get('/livez', (_, response) => void response.type('text/plain').send('ok\n'));
  app.get('/readyz', async (_, response) => {
    const { missing, degraded } = await settings.readiness();
    const ready = missing.length === 0;
    response.status(ready ? 200 : 503).json({ ready, missing, degraded });
  });
  app.use(securityHeaders(settings));
  app.use(
    '/graphql',
    (_, response, next) => {
      response.setHeader('Cache-Control', 'no-store');
      next();
    },
    express.json({ limit: LIMITS.bodyBytes }),
    expressMiddleware(apollo, { context: async ({ req, res }) => requestContext(settings, req, res) }),
  );
  if (existsSync(settings.webClient)) app.use(serveWebClient(settings.webClient));
  app.use(answerErrors(base));
  return { app, stop: () => apollo.stop() };
}

async function requestContext(
  { base, secure }: HttpDoorSettings,
  request: Request,
  response: Response,
): Promise<GraphqlContext> {
  // A token that is sent on purpose counts more than the cookie that a browser adds by itself.
  const token =
    request.headers.authorization === undefined
      ? readSessionCookie(secure, request.headers.cookie)
      : readBearer(request.headers.authorization);
  const who = await authenticate(base, token);
  return graphqlContext(base, who, request.ip, {
    setToken: (fresh, endsAt) =>
      response.append('Set-Cookie', formatSessionCookie(secure, fresh, endsAt - base.clock.now())),
    clearToken: () => response.append('Set-Cookie', formatSessionCookie(secure, '', 0)),
  });
}

/** What express and its body parser refuse, in the same form as every other refusal. */
function answerErrors(base: BaseContext): ErrorRequestHandler {
  return (error: { status?: number; type?: string }, _request, response, next) => {
    if (response.headersSent) return next(error);
    const status = error.status !== undefined && error.status >= 400 && error.status < 500 ? error.status : 500;
    if (status === 500) base.log.error({ err: error }, 'http.defect');
    const code = status === 500 ? 'INTERNAL_SERVER_ERROR' : 'BAD_USER_INPUT';
    const reason = status === 413 ? 'BODY_TOO_LARGE' : status === 500 ? 'INTERNAL' : 'BAD_REQUEST';
    response.status(status).json({
      errors: [
        {
          message: status === 413 ? `A request has at most ${LIMITS.bodyBytes} bytes.` : 'The request cannot be read.',
          extensions: { code, reason },
        },
      ],
    });
  };
}
