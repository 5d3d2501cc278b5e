/** Whom something is for that many share. */
export interface Guest {
  /** The vault: what is shared is shared by vaults first, for an attacker may hold many of one tenant's certificates. */
  readonly group: string;
  /** The agent. */
  readonly key: string;
}

/** How much of what is shared each vault and each agent has. */
export class Shares {
  private readonly byGroup = new Map<string, number>();
  private readonly byKey = new Map<string, number>();

  constructor(all: Iterable<{ readonly guest: Guest }>) {
    for (const { guest } of all) this.add(guest);
  }

  add({ group, key }: Guest): void {
    this.byGroup.set(group, (this.byGroup.get(group) ?? 0) + 1);
    this.byKey.set(key, (this.byKey.get(key) ?? 0) + 1);
  }

  remove({ group, key }: Guest): void {
    this.byGroup.set(group, (this.byGroup.get(group) ?? 0) - 1);
    this.byKey.set(key, (this.byKey.get(key) ?? 0) - 1);
  }

  ofKey(key: string): number {
    return this.byKey.get(key) ?? 0;
  }

  /** Negative: the first has less, as a vault, or as an agent of vaults that have as much. */
  compare(one: Guest, other: Guest): number {
    return this.ofGroup(one) - this.ofGroup(other) || this.ofKey(one.key) - this.ofKey(other.key);
  }

  /** How many more the one has than the other: as vaults, or as agents of one vault. Beyond one, the other may have one of them. */
  lead(one: Guest, other: Guest): number {
    return this.of(one, other) - this.of(other, one);
  }

  /** Whether the other had better have one of those that the one has: it has two less, or one has what it has none of. */
  isOwed(one: Guest, other: Guest): boolean {
    return this.lead(one, other) > (this.of(other, one) === 0 ? 0 : 1);
  }

  private of(one: Guest, other: Guest): number {
    return one.group === other.group ? this.ofKey(one.key) : this.ofGroup(one);
  }

  private ofGroup({ group }: Guest): number {
    return this.byGroup.get(group) ?? 0;
  }
}
