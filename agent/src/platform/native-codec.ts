/**
 * Compression and ciphers straight from the libraries that the Node program itself is made with, over koffi: what Node wraps around
 * each call (an object for every frame, a fresh buffer for every output) costs up to ten times what the work does.
 */
import { type FrameCodec, isOneZstdFrame, nodeCodec, TAG_BYTES } from '@holdfast/core/engine';
import koffi from 'koffi';

type Pointer = unknown;
type Bytes = Uint8Array | null;

const KIB = 1024;
const NONCE = Buffer.alloc(12);
/** Of EVP_CIPHER_CTX_ctrl. */
const GET_TAG = 0x10;
const SET_TAG = 0x11;
const LEVEL = 1;

let host: FrameCodec | undefined;

/** The best that this host has, the same in all of its threads. */
export function hostCodec(): FrameCodec {
  host ??= nativeCodec() ?? nodeCodec;
  return host;
}

/** Undefined where the program does not have these libraries, or they are others than they should be. */
export function nativeCodec(): FrameCodec | undefined {
  try {
    const codec = new NativeCodec(bind());
    process.once('exit', () => codec.free());
    return understands(codec) ? codec : undefined;
  } catch {
    return undefined;
  }
}

class NativeCodec implements FrameCodec {
  private readonly encryption: Pointer;
  private readonly decryption: Pointer;
  private readonly compression: Pointer;
  private readonly decompression: Pointer;
  /** For an `int` that calls answer with. */
  private readonly written = Buffer.alloc(4);
  private readonly tag = Buffer.alloc(TAG_BYTES);
  private compressed: Buffer = Buffer.alloc(0);
  private opened: Buffer = Buffer.alloc(0);

  constructor(private readonly library: Library) {
    const { newCipher, aes256Gcm, encryptInit, decryptInit, newCompression, newDecompression } = library;
    this.encryption = there(newCipher());
    this.decryption = there(newCipher());
    succeeded(encryptInit(this.encryption, aes256Gcm(), null, null, null));
    succeeded(decryptInit(this.decryption, aes256Gcm(), null, null, null));
    this.compression = there(newCompression());
    this.decompression = there(newDecompression());
  }

  free(): void {
    const { freeCipher, freeCompression, freeDecompression } = this.library;
    freeCipher(this.encryption);
    freeCipher(this.decryption);
    freeCompression(this.compression);
    freeDecompression(this.decompression);
  }

  compress(plaintext: Uint8Array): Uint8Array {
    // ZSTD_compressBound, and more.
    this.compressed = roomIn(this.compressed, plaintext.length + (plaintext.length >>> 8) + KIB);
    const { compressed } = this;
    const { length } = plaintext;
    const bytes = this.library.compress(this.compression, compressed, compressed.length, plaintext, length, LEVEL);
    if (bytes < 0) throw new Error(`compression failed with ${bytes}`);
    return compressed.subarray(0, bytes);
  }

  decompress(body: Uint8Array, length: number): Buffer | undefined {
    if (!isOneZstdFrame(body, length)) return undefined;
    const plaintext = Buffer.allocUnsafeSlow(length);
    const bytes = this.library.decompress(this.decompression, plaintext, length, body, body.length);
    return bytes === length ? plaintext : undefined;
  }

  seal(key: Uint8Array, binding: Uint8Array, parts: readonly Uint8Array[], out: Buffer): void {
    const { encryptInit, encrypt, encryptFinal, control } = this.library;
    const cipher = this.encryption;
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    if (out.length !== length + TAG_BYTES || key.length !== 32) throw new TypeError('a frame of another length');
    succeeded(encryptInit(cipher, null, null, key, NONCE));
    succeeded(encrypt(cipher, null, this.written, binding, binding.length));
    let at = 0;
    for (const part of parts) {
      succeeded(encrypt(cipher, out.subarray(at), this.written, part, part.length));
      at += part.length;
    }
    succeeded(encryptFinal(cipher, this.tag, this.written));
    succeeded(control(cipher, GET_TAG, TAG_BYTES, out.subarray(at)));
  }

  open(key: Uint8Array, binding: Uint8Array, sealed: Uint8Array, out?: Buffer): Buffer | undefined {
    const { decryptInit, decrypt, decryptFinal, control } = this.library;
    const cipher = this.decryption;
    const length = sealed.length - TAG_BYTES;
    if (length < 1 || (out && out.length !== length) || key.length !== 32)
      throw new TypeError('a frame of another length');
    if (out === undefined) this.opened = roomIn(this.opened, length);
    const opened = out ?? this.opened.subarray(0, length);
    succeeded(decryptInit(cipher, null, null, key, NONCE));
    succeeded(decrypt(cipher, null, this.written, binding, binding.length));
    succeeded(decrypt(cipher, opened, this.written, sealed, length));
    succeeded(control(cipher, SET_TAG, TAG_BYTES, sealed.subarray(length)));
    if (decryptFinal(cipher, this.tag, this.written) > 0) return opened;
    // What was decrypted so far is not authentic, and `out` belongs to the caller.
    opened.fill(0);
    return undefined;
  }
}

type Library = ReturnType<typeof bind>;

function bind() {
  // The program itself, and what it was linked with.
  const program = koffi.load(null);
  const declare = <Call>(name: string, result: string, ...args: string[]) => program.func(name, result, args) as Call;
  const cipherInit = (name: string) =>
    declare<(cipher: Pointer, type: Pointer, engine: null, key: Bytes, nonce: Bytes) => number>(
      name,
      'int',
      ...Array.from({ length: 5 }, () => 'void *'),
    );
  const cipherUpdate = (name: string) =>
    declare<(cipher: Pointer, out: Bytes, written: Buffer, bytes: Bytes, length: number) => number>(
      name,
      'int',
      'void *',
      'void *',
      'void *',
      'void *',
      'int',
    );
  const cipherFinal = (name: string) =>
    declare<(cipher: Pointer, out: Buffer, written: Buffer) => number>(name, 'int', 'void *', 'void *', 'void *');
  return {
    newCipher: declare<() => Pointer>('EVP_CIPHER_CTX_new', 'void *'),
    freeCipher: declare<(cipher: Pointer) => void>('EVP_CIPHER_CTX_free', 'void', 'void *'),
    aes256Gcm: declare<() => Pointer>('EVP_aes_256_gcm', 'void *'),
    control: declare<(cipher: Pointer, what: number, length: number, bytes: Uint8Array) => number>(
      'EVP_CIPHER_CTX_ctrl',
      'int',
      'void *',
      'int',
      'int',
      'void *',
    ),
    encryptInit: cipherInit('EVP_EncryptInit_ex'),
    encrypt: cipherUpdate('EVP_EncryptUpdate'),
    encryptFinal: cipherFinal('EVP_EncryptFinal_ex'),
    decryptInit: cipherInit('EVP_DecryptInit_ex'),
    decrypt: cipherUpdate('EVP_DecryptUpdate'),
    decryptFinal: cipherFinal('EVP_DecryptFinal_ex'),
    newCompression: declare<() => Pointer>('ZSTD_createCCtx', 'void *'),
    freeCompression: declare<(context: Pointer) => void>('ZSTD_freeCCtx', 'void', 'void *'),
    // Errors are the last numbers of size_t: below zero here.
    compress: declare<
      (context: Pointer, out: Buffer, room: number, bytes: Uint8Array, length: number, level: number) => number
    >('ZSTD_compressCCtx', 'int64', 'void *', 'void *', 'size_t', 'void *', 'size_t', 'int'),
    newDecompression: declare<() => Pointer>('ZSTD_createDCtx', 'void *'),
    freeDecompression: declare<(context: Pointer) => void>('ZSTD_freeDCtx', 'void', 'void *'),
    decompress: declare<(context: Pointer, out: Buffer, room: number, bytes: Uint8Array, length: number) => number>(
      'ZSTD_decompressDCtx',
      'int64',
      'void *',
      'void *',
      'size_t',
      'void *',
      'size_t',
    ),
  };
}

/** Whether it is understood by Node's own, and understands it. */
function understands(codec: FrameCodec): boolean {
  const key = Buffer.alloc(32, 7);
  const binding = Buffer.from('binding');
  const plaintext = Buffer.from('the same again and again, '.repeat(40));
  return [codec, nodeCodec].every((from) => {
    const to = from === codec ? nodeCodec : codec;
    const body = Buffer.from(from.compress(plaintext));
    const sealed = Buffer.alloc(body.length + TAG_BYTES);
    from.seal(key, binding, [body], sealed);
    const opened = to.open(key, binding, sealed);
    return opened?.equals(body) === true && to.decompress(opened, plaintext.length)?.equals(plaintext) === true;
  });
}

function roomIn(buffer: Buffer, bytes: number): Buffer {
  return buffer.length >= bytes ? buffer : Buffer.allocUnsafeSlow(Math.max(bytes, 2 * buffer.length));
}

function there(pointer: Pointer): Pointer {
  if (pointer === null) throw new Error('out of memory');
  return pointer;
}

function succeeded(result: number): void {
  if (result !== 1) throw new Error('a cipher failed');
}
