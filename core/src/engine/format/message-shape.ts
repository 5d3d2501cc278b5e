/** A field that is repeated, or whose inside is to be looked at as well. Any other field stands at most once in its message. */
export interface FieldShape {
  /** How often it may stand in the whole object, over all messages that hold it. */
  readonly most?: number;
  /** Bytes of one, at most. */
  readonly longest?: number;
  readonly inside?: MessageShape;
}

/** By number of the field. */
export type MessageShape = Readonly<Record<number, FieldShape>>;

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/**
 * Whether the fields stand in the order of their numbers and none more often than it may. Looked at before anything is made of a
 * message: an empty element takes two bytes to send and hundreds to hold, and a megabyte of them a reader's memory and seconds of its time.
 */
export function hasShape(bytes: Uint8Array, shape: MessageShape): boolean {
  return new ShapeReader(bytes, true).read(bytes.length, shape);
}

/** The same for a message on the wire, whose writer may put fields in any order; those with numbers above 31 are not looked at. */
export function holdsNoMore(bytes: Uint8Array, shape: MessageShape): boolean {
  return new ShapeReader(bytes, false).read(bytes.length, shape);
}

class ShapeReader {
  private readonly counts = new Map<FieldShape, number>();
  private at = 0;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly ordered: boolean,
  ) {}

  read(end: number, shape: MessageShape): boolean {
    let last = 0;
    let seen = 0;
    while (this.at < end) {
      const tag = this.varint(end);
      const field = Math.floor(tag / 8);
      const known = shape[field];
      const again = field === last || (field < 32 && (seen & (1 << field)) !== 0);
      if ((this.ordered && field < last) || (again && known?.most === undefined)) return false;
      last = field;
      seen |= field < 32 ? 1 << field : 0;
      if (!this.count(known) || !this.value(tag % 8, end, known)) return false;
    }
    return this.at === end;
  }

  private count(field: FieldShape | undefined): boolean {
    if (field?.most === undefined) return true;
    const count = (this.counts.get(field) ?? 0) + 1;
    this.counts.set(field, count);
    return count <= field.most;
  }

  private value(type: number, end: number, field: FieldShape | undefined): boolean {
    switch (type) {
      case VARINT:
        return this.varint(end) >= 0;
      case FIXED64:
        this.at += 8;
        return this.at <= end;
      case FIXED32:
        this.at += 4;
        return this.at <= end;
      case BYTES: {
        const length = this.varint(end);
        const valueEnd = this.at + length;
        if (length < 0 || valueEnd > end || length > (field?.longest ?? length)) return false;
        if (field?.inside) return this.read(valueEnd, field.inside);
        this.at = valueEnd;
        return true;
      }
      default:
        return false;
    }
  }

  /** Not exact beyond 2^53, which no tag and no length is. −1 for none. */
  private varint(end: number): number {
    let value = 0;
    for (let factor = 1; this.at < end; factor *= 128) {
      const byte = this.bytes[this.at++] as number;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    return -1;
  }
}
