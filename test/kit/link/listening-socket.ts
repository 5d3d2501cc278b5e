/**
 * A listening socket whose buffers are those of a link's edge. What the kernel would give a connection over loopback is
 * megabytes: a sender would see its bytes taken long before they enter the link. Linux with glibc.
 */
import koffi from 'koffi';

const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const IPPROTO_TCP = 6;
const TCP_MAXSEG = 2;
const LOOPBACK = [127, 0, 0, 1];

/** As on Ethernet: a sender's first window and buffer are counted in segments, and a segment of loopback has 64 KiB. */
const SEGMENT_BYTES = 1448;

function bind() {
  const libc = koffi.load('libc.so.6');
  return {
    socket: libc.func('int socket(int domain, int type, int protocol)'),
    setsockopt: libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)'),
    bind: libc.func('int bind(int fd, const void *address, uint32_t length)'),
  };
}

const libc = bind();

/** A file descriptor for `server.listen({ fd })`, bound to a free port of 127.0.0.1. The kernel takes up to twice the buffer's size. */
export function openListeningSocket(receiveBufferBytes: number): number {
  const fd = ok('socket', libc.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const option = (level: number, name: number, value: number): void => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    ok('setsockopt', libc.setsockopt(fd, level, name, bytes, bytes.length));
  };
  // Before listen: an accepted socket has them from its first segment on.
  option(SOL_SOCKET, SO_RCVBUF, receiveBufferBytes);
  option(IPPROTO_TCP, TCP_MAXSEG, SEGMENT_BYTES);
  const address = Buffer.from([AF_INET, 0, 0, 0, ...LOOPBACK, 0, 0, 0, 0, 0, 0, 0, 0]);
  ok('bind', libc.bind(fd, address, address.length));
  return fd;
}

function ok(call: string, result: number): number {
  if (result < 0) throw new Error(`${call} failed: errno ${koffi.errno()}`);
  return result;
}
