import type { BigIntStatsFs, Dirent, Stats } from 'node:fs';

/**
 * The system calls that a local store is made of, as node:fs/promises has them. A port, so that a disk which fails, or whose power
 * is cut, can take the place of a real one under the very code that runs in production.
 */
export interface FileCalls {
  open(path: string, flags: number, mode?: number): Promise<OpenFile>;
  mkdir(path: string, options: { readonly mode: number }): Promise<unknown>;
  rmdir(path: string): Promise<void>;
  readdir(path: string, options: { readonly withFileTypes: true }): Promise<FolderEntry[]>;
  stat(path: string): Promise<Pick<Stats, 'size'>>;
  statfs(
    path: string,
    options: { readonly bigint: true },
  ): Promise<Pick<BigIntStatsFs, 'frsize' | 'blocks' | 'bavail'>>;
  link(existing: string, path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
}

export interface OpenFile {
  read(into: Buffer, at: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
  write(bytes: Uint8Array, at: number, length: number): Promise<{ readonly bytesWritten: number }>;
  stat(): Promise<Pick<Stats, 'size' | 'isFile'>>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export type FolderEntry = Pick<Dirent, 'name' | 'isFile' | 'isDirectory'>;
