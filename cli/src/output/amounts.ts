const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** Bytes for people. The API sends decimal strings. */
export function formatBytes(bytes: string | number): string {
  let value = Number(bytes);
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}

export function countOf(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** To the second; as the API writes it otherwise, so that it can be searched for and compared. */
export function formatTime(iso: string): string;
export function formatTime(iso: string | null | undefined): string | undefined;
export function formatTime(iso: string | null | undefined): string | undefined {
  return iso?.replace(/\.\d+Z$/, 'Z');
}

export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${rest} s` : `${rest} s`;
}

/** A file's permission bits as `ls` shows them. */
export function formatMode(mode: number): string {
  const bits = [...'rwxrwxrwx'].map((letter, index) => (mode & (0o400 >> index) ? letter : '-'));
  const special: Array<[bit: number, index: number, letter: string]> = [
    [0o4000, 2, 's'],
    [0o2000, 5, 's'],
    [0o1000, 8, 't'],
  ];
  for (const [bit, index, letter] of special) {
    if (mode & bit) bits[index] = bits[index] === 'x' ? letter : letter.toUpperCase();
  }
  return bits.join('');
}
