/** As the command line names a recovery point: `web-1#3`; `NUMBER` where the reader has to put one. */
export function nameOfPoint(itemName: string, sequence: number | 'NUMBER'): string {
  return `${itemName}#${sequence}`;
}
