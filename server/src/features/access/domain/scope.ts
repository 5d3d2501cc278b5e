/** Where a right holds or is asked for. No field: the whole server. A vault always comes with its subscription. */
export interface Scope {
  readonly subscriptionId?: string;
  readonly vaultId?: string;
}

export const SERVER: Scope = {};

/** Whether a right on `outer` reaches `inner`. */
export function contains(outer: Scope, inner: Scope): boolean {
  if (outer.vaultId !== undefined) return outer.vaultId === inner.vaultId;
  if (outer.subscriptionId !== undefined) return outer.subscriptionId === inner.subscriptionId;
  return true;
}

/** Whether anything lies in both. */
export function overlap(a: Scope, b: Scope): boolean {
  return contains(a, b) || contains(b, a);
}
