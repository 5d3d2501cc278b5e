import { join } from 'node:path';
import express, { type Router } from 'express';

const YEAR_SECONDS = 365 * 24 * 3600;

/** The built Backup Center: files whose name holds a hash for ever, the page itself checked each time, and the page for every other address. */
export function serveWebClient(folder: string): Router {
  const router = express.Router();
  router.use(
    '/assets',
    express.static(join(folder, 'assets'), {
      immutable: true,
      maxAge: YEAR_SECONDS * 1000,
      index: false,
      fallthrough: false,
    }),
  );
  router.use(express.static(folder, { index: false, maxAge: 0 }));
  router.get('/{*path}', (request, response, next) => {
    if (request.accepts('html') === false) return next();
    response.setHeader('Cache-Control', 'no-cache');
    response.sendFile(join(folder, 'index.html'));
  });
  return router;
}
