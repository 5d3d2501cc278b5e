/**
 * What is known of one stored copy of a chunk, as bits of one integer.
 *
 * The two lowest bits are the collector's: 0 LIVE, 1 CONDEMNED, 2 DOOMED (final). A copy that is
 * condemned or doomed does not exist for a new backup; a condemned one is still readable.
 */
export const GC_BITS = 0b11;
export const DOOMED = 0b10;

/** Node: its uploader could name every edge, and every node among them is closed too. Only then may anything refer to it. */
export const CLOSED = 1 << 2;
/** Control opened the frame: the content is what the id says. */
export const CONTENT_GOOD = 1 << 3;
/** Content is good, and for a node every edge has a verified copy: counts for every agent of the domain. */
export const VERIFIED = 1 << 4;
/** Control opened the frame: the content is not what the id says. Counts for nobody and is never read. */
export const BAD = 1 << 5;
/**
 * Its stored bytes were found damaged or gone: counts for nobody, so that a new backup heals it; read only when nothing else is left.
 * Until its stored bytes were all found to be what came: all else that is known of it is known of these bytes, and holds again.
 */
export const SUSPECT = 1 << 6;
/** Its stored bytes are what came, and of no use to who asked for them: they did not open, or are too large to be cut. As suspect ones, but for good. */
export const UNFIT = 1 << 7;

/** May count as existing, for whom its owner and its verification allow. */
export function stands(state: number): boolean {
  return (state & (GC_BITS | BAD | SUSPECT | UNFIT)) === 0;
}

/** May be read when somebody is entitled to the chunk. */
export function isReadable(state: number): boolean {
  return (state & GC_BITS) !== DOOMED && (state & BAD) === 0;
}

export function isSuspect(state: number): boolean {
  return (state & SUSPECT) !== 0;
}

export function isVerified(state: number): boolean {
  return (state & VERIFIED) !== 0;
}

/** The node's edges may be followed: they were known to whoever uploaded it, or checked by control. */
export function hasTrustedEdges(state: number): boolean {
  return (state & (CLOSED | VERIFIED)) !== 0;
}
