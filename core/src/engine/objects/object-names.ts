import { unstorable } from '../format/format-errors.js';
import { UUID_BYTES } from '../format/limits.js';

const DIGITS = 16;

/** Folders of a vault's store. Numbered names have sixteen digits, so that they list in order. */
export type ObjectFolder = 'descriptor' | 'domain' | 'pack' | 'index' | 'point' | 'log';

export const descriptorName = (generation: bigint): string => numbered('descriptor', generation);
export const indexName = (number: bigint): string => numbered('index', number);
export const logName = (number: bigint): string => numbered('log', number);
export const domainName = (id: Uint8Array): string => identified('domain', id);
export const packName = (id: Uint8Array): string => identified('pack', id);
export const pointName = (id: Uint8Array): string => identified('point', id);

export type ParsedObjectName =
  | { readonly folder: 'descriptor' | 'index' | 'log'; readonly number: bigint }
  | { readonly folder: 'domain' | 'pack' | 'point'; readonly id: Buffer };

/** What a listed name stands for; undefined for a name that this version does not know. */
export function parseObjectName(name: string): ParsedObjectName | undefined {
  const number = /^(descriptor|index|log)\/(\d{16})$/.exec(name);
  if (number) return { folder: number[1] as 'log', number: BigInt(number[2] as string) };
  const id = /^(domain|pack|point)\/([0-9a-f]{32})$/.exec(name);
  if (id) return { folder: id[1] as 'pack', id: Buffer.from(id[2] as string, 'hex') };
  return undefined;
}

function numbered(folder: ObjectFolder, number: bigint): string {
  const digits = number.toString().padStart(DIGITS, '0');
  if (number < 1n || digits.length > DIGITS)
    throw unstorable('OBJECT_NUMBER', `Objects are numbered from 1 with at most ${DIGITS} digits.`);
  return `${folder}/${digits}`;
}

function identified(folder: ObjectFolder, id: Uint8Array): string {
  if (id.length !== UUID_BYTES) throw unstorable('OBJECT_ID', 'The id of an object has 16 bytes.');
  return `${folder}/${Buffer.from(id).toString('hex')}`;
}
