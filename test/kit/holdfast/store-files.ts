/** A vault's store folder as a thief or a failing disk sees it. */
import fs from 'node:fs';
import path from 'node:path';

export function filesBelow(folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
}

/** The packs of every vault below a store root. */
export function packFiles(storeRoot: string): string[] {
  return filesBelow(storeRoot).filter((file) => file.split(path.sep).includes('pack'));
}

export function flipBit(file: string, offset: number): void {
  const fd = fs.openSync(file, 'r+');
  const byte = Buffer.alloc(1);
  fs.readSync(fd, byte, 0, 1, offset);
  byte[0] = (byte[0] ?? 0) ^ 0x10;
  fs.writeSync(fd, byte, 0, 1, offset);
  fs.closeSync(fd);
}
