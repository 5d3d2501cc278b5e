/**
 * Throws damaged, cut, invented and hostile bytes at a decoder: whatever they are, it answers with a value or with the error that it
 * documents, soon, and without asking for memory that their length does not justify.
 */
import { SeededChance } from './seeded-chance.js';

export interface Decoder {
  /** What is exported under this name. */
  readonly name: string;
  /** Inputs that decode. */
  readonly samples: readonly Uint8Array[];
  readonly decode: (bytes: Buffer) => unknown;
  /** Whether this is how the decoder refuses. */
  readonly refuses: (error: unknown) => boolean;
  /** What is wrong with a value that came of these bytes; undefined when it is one that a valid input could have. */
  readonly flaw?: (value: unknown, bytes: Buffer) => string | undefined;
  /** The most that it may ask for in one piece, above what a few copies of the input take. */
  readonly mostBytes?: number;
}

/** Processor time of one call; what grows with a length that the input only states takes far longer. */
const MOST_MS = 2_000;
const FEW_COPIES = 8;
const SMALL_BYTES = 64 * 1024;

/** Throws with the seed and the input of the first call that did not answer as it must. */
export async function fuzz(decoder: Decoder, seed: string, times: number): Promise<void> {
  for (const [index, sample] of decoder.samples.entries()) {
    const failure = await failureOf(decoder, Buffer.from(sample));
    if (failure !== undefined || (await isRefused(decoder, Buffer.from(sample))))
      throw new Error(`${decoder.name} does not take its sample ${index}: ${failure ?? 'it is refused'}`);
  }
  const chance = new SeededChance(`${seed}:${decoder.name}`);
  for (let round = 0; round < times; round += 1) {
    const bytes = mutated(decoder.samples, chance);
    const failure = await failureOf(decoder, bytes);
    if (failure !== undefined)
      throw new Error(
        `${decoder.name}, seed ${seed}, round ${round}: ${failure}, for ${bytes.length} bytes ${bytes.subarray(0, 2_000).toString('hex')}`,
      );
  }
}

async function failureOf(decoder: Decoder, input: Buffer): Promise<string | undefined> {
  const { decode, refuses, flaw, mostBytes = SMALL_BYTES } = decoder;
  const given = Buffer.from(input);
  const started = process.cpuUsage();
  const memory = watchAllocations();
  let failure: string | undefined;
  try {
    const value: unknown = await decode(given);
    failure = flaw?.(value, input);
  } catch (error) {
    if (!refuses(error))
      failure = `it threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  } finally {
    memory.stop();
  }
  const took = process.cpuUsage(started).user / 1_000;
  if (took > MOST_MS) return `it took ${Math.round(took)} ms`;
  if (memory.largest > mostBytes + FEW_COPIES * input.length)
    return `it asked for ${memory.largest} bytes in one piece`;
  return failure;
}

async function isRefused({ decode }: Decoder, bytes: Buffer): Promise<boolean> {
  try {
    await decode(bytes);
    return false;
  } catch {
    return true;
  }
}

/** Buffers that are asked for, by whoever, until it is stopped. */
function watchAllocations(): { readonly largest: number; stop(): void } {
  const makers = ['alloc', 'allocUnsafe', 'allocUnsafeSlow'] as const;
  const own = makers.map((name) => Buffer[name]);
  const watch = {
    largest: 0,
    stop: () => {
      for (const [index, name] of makers.entries()) Object.assign(Buffer, { [name]: own[index] });
    },
  };
  for (const [index, name] of makers.entries()) {
    const make = own[index] as (size: number, ...rest: unknown[]) => Buffer;
    const watched = (size: number, ...rest: unknown[]): Buffer => {
      watch.largest = Math.max(watch.largest, size);
      return make.call(Buffer, size, ...rest);
    };
    Object.assign(Buffer, { [name]: watched });
  }
  return watch;
}

type Mutation = (bytes: Buffer, chance: SeededChance, others: readonly Uint8Array[]) => Buffer;

const MUTATIONS: readonly Mutation[] = [
  (_, chance) => randomBytes(chance, chance.below(300)),
  (bytes, chance) => bytes.subarray(0, chance.below(bytes.length + 1)),
  (bytes, chance) => Buffer.concat([bytes, randomBytes(chance, 1 + chance.below(40))]),
  flipBits,
  (bytes, chance) => overwrite(bytes, chance.below(bytes.length + 1), length(chance)),
  (bytes, chance) => insert(bytes, chance.below(bytes.length + 1), length(chance)),
  (bytes, chance) => repeat(bytes, chance),
  (bytes, chance, others) => {
    const other = Buffer.from(chance.pick(others));
    return Buffer.concat([
      bytes.subarray(0, chance.below(bytes.length + 1)),
      other.subarray(chance.below(other.length + 1)),
    ]);
  },
];

function mutated(samples: readonly Uint8Array[], chance: SeededChance): Buffer {
  let bytes: Buffer = Buffer.from(chance.pick(samples));
  for (let times = 1 + chance.below(3); times > 0; times -= 1) bytes = chance.pick(MUTATIONS)(bytes, chance, samples);
  return Buffer.from(bytes);
}

function flipBits(bytes: Buffer, chance: SeededChance): Buffer {
  const flipped = Buffer.from(bytes);
  for (let flips = 1 + chance.below(3); flips > 0 && flipped.length > 0; flips -= 1) {
    const at = chance.below(flipped.length);
    flipped[at] = (flipped[at] as number) ^ (1 << chance.below(8));
  }
  return flipped;
}

/** A number as lengths are written, of the kind that nobody expects. */
function length(chance: SeededChance): Buffer {
  const value = chance.pick([
    0,
    1,
    0x7f,
    0xff,
    0x7fff,
    0xffff,
    0x7fffffff,
    0x80000000,
    0xffffffff,
    chance.below(2 ** 31),
  ]);
  const bytes = Buffer.alloc(4);
  switch (chance.below(5)) {
    case 0:
      bytes.writeUInt32LE(value);
      return bytes;
    case 1:
      bytes.writeUInt32BE(value);
      return bytes;
    case 2:
      return Buffer.of(value & 0xff);
    case 3:
      return Buffer.from('ffffffffffffffffff01', 'hex');
    default:
      return varint(value);
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}

function overwrite(bytes: Buffer, at: number, what: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), what, bytes.subarray(at + what.length)]);
}

function insert(bytes: Buffer, at: number, what: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), what, bytes.subarray(at)]);
}

function repeat(bytes: Buffer, chance: SeededChance): Buffer {
  const from = chance.below(bytes.length + 1);
  const piece = bytes.subarray(from, from + 1 + chance.below(64));
  return insert(bytes, chance.below(bytes.length + 1), Buffer.concat(Array<Buffer>(1 + chance.below(20)).fill(piece)));
}

function randomBytes(chance: SeededChance, count: number): Buffer {
  return Buffer.from(Array.from({ length: count }, () => chance.below(256)));
}
