/** Of a large store a tenth lasts for long, and of a small one 20 GiB may be all. */
const LEAST_BYTES = 20n * 1024n ** 3n;
const LEAST_SHARE = 10n;

/** Whether somebody should make room before backups fail for want of it: less is free than a tenth, or than 20 GiB where that is less. */
export function isLow({ free, total }: { readonly free: bigint; readonly total: bigint }): boolean {
  const share = total / LEAST_SHARE;
  return free < (share < LEAST_BYTES ? share : LEAST_BYTES);
}
