/** One place that writes to stdout: tables for people, one JSON document for scripts. */

export type Row = ReadonlyArray<string | number | null | undefined>;

export interface Printer {
  readonly json: boolean;
  /** What the command found or made. People see `table` or `lines`, scripts see `value`. */
  result(value: unknown, human: () => void): void;
  line(text: string): void;
  /** `below`: what is said of each row on a line of its own. */
  table(head: readonly string[], rows: readonly Row[], below?: readonly string[]): void;
  /** To people only, on stderr. */
  note(text: string): void;
}

// A name may hold anything; a terminal must not obey it.
const CONTROL = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** As paths are written that hold such characters, so that what was shown can be given to a command again: the bytes of each, as `\xHH`. */
export function printable(text: string): string {
  return text.replace(CONTROL, (character) =>
    [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join(''),
  );
}

/** JSON writes some of the same characters as escapes of its own, but not all by itself. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(
    CONTROL,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function cell(value: Row[number]): string {
  return value === null || value === undefined ? '-' : printable(String(value));
}

export function formatTable(head: readonly string[], rows: readonly Row[], below: readonly string[] = []): string {
  const cells = rows.map((row) => row.map(cell));
  const widths = head.map((title, column) => Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)));
  const line = (values: readonly string[]): string =>
    values
      .map((value, column) => (column === head.length - 1 ? value : value.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  const said = (words: string | undefined): string => (words ? `\n  ${printable(words)}` : '');
  return [line(head), ...cells.map((values, row) => line(values) + said(below[row]))].join('\n');
}

/** What breaks a line on purpose still does. */
function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

export function createPrinter(json: boolean): Printer {
  const out = (text: string): void => void process.stdout.write(`${printableLines(text)}\n`);
  return {
    json,
    result(value, human) {
      if (json) process.stdout.write(`${printableJson(value)}\n`);
      else human();
    },
    line: (text) => out(text),
    table: (head, rows, below) => out(rows.length === 0 ? 'none' : formatTable(head, rows, below)),
    note(text) {
      if (!json) process.stderr.write(`${printableLines(text)}\n`);
    },
  };
}
