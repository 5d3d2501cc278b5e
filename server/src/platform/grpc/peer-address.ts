/** The caller's address without its port. */
export function peerAddress(call: { getPeer(): string }): string {
  const peer = call.getPeer();
  const colon = peer.lastIndexOf(':');
  return (colon < 0 ? peer : peer.slice(0, colon)).replace(/^\[(.*)\]$/, '$1');
}
