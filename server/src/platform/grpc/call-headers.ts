import type { IncomingHttpHeaders } from 'node:http2';

/** What grpc-js reads of a call beside what HTTP/2 demands. Nothing here reads metadata of a caller. */
const READ = new Set(['content-type', 'te', 'grpc-timeout', 'grpc-encoding', 'grpc-accept-encoding']);
const READABLE = /^[\x20-\x7e]{0,128}$/;

/**
 * Takes away what nobody reads before grpc-js makes metadata of it: that takes 45 ms for a header of commas, of which HPACK
 * makes a few bytes, and values that it cannot use it writes to the standard error in full.
 */
export function keepWhatIsRead(headers: IncomingHttpHeaders): void {
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(':')) continue;
    if (!READ.has(name) || typeof value !== 'string' || !READABLE.test(value)) delete headers[name];
  }
}
