import type { RequestHandler } from 'express';
import helmet from 'helmet';

/** Only what the server itself serves may run in its pages; the sandbox, where switched on, loads from its maker. */
export function securityHeaders(settings: { readonly introspection: boolean }): RequestHandler {
  const strict = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        // Component libraries set style attributes and insert style elements.
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:'],
        fontSrc: ["'self'"],
        connectSrc: ["'self'"],
        manifestSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    // A browser that has seen this server by its own CA must still be able to get past a certificate warning.
    strictTransportSecurity: false,
    referrerPolicy: { policy: 'no-referrer' },
    xFrameOptions: { action: 'deny' },
  });
  if (!settings.introspection) return strict;
  const open = helmet({
    contentSecurityPolicy: false,
    crossOriginEmbedderPolicy: false,
    strictTransportSecurity: false,
  });
  return (request, response, next) =>
    (request.path === '/graphql' && request.method === 'GET' ? open : strict)(request, response, next);
}
