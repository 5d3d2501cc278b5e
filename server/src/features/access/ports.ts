import type { Page, PageRequest } from '../../platform/page.js';
import type { Role } from './domain/roles.js';
import type { Scope } from './domain/scope.js';

/** Times are milliseconds since 1970, UTC, here and in every port. */
export interface User {
  readonly id: string;
  readonly name: string;
  readonly passwordHash: string;
  readonly createdAt: number;
}

export interface UserStore {
  insert(user: User): Promise<void>;
  get(id: string): Promise<User | undefined>;
  getMany(ids: readonly string[]): Promise<User[]>;
  /** Names compare without regard to case. */
  findByName(name: string): Promise<User | undefined>;
  setPasswordHash(id: string, passwordHash: string): Promise<void>;
  any(): Promise<boolean>;
}

export interface RoleAssignment {
  readonly id: string;
  readonly userId: string;
  readonly role: Role;
  readonly scope: Scope;
  readonly createdAt: number;
}

export interface RoleAssignmentFilter {
  readonly userId?: string;
  readonly subscriptionId?: string;
  readonly vaultId?: string;
}

export interface RoleAssignmentStore {
  insert(assignment: RoleAssignment): Promise<void>;
  get(id: string): Promise<RoleAssignment | undefined>;
  ofUser(userId: string): Promise<RoleAssignment[]>;
  remove(id: string): Promise<void>;
  /** Whether anyone but through this assignment is Owner of the whole server. */
  hasOtherServerOwner(id: string): Promise<boolean>;
  list(filter: RoleAssignmentFilter, page: PageRequest): Promise<Page<RoleAssignment>>;
}

export interface Session {
  readonly id: string;
  readonly userId: string;
  /** SHA-256 of the token. */
  readonly tokenHash: string;
  readonly createdAt: number;
  readonly lastUsedAt: number;
  /** Set anew while it is used, up to `endsAt`. */
  readonly expiresAt: number;
  readonly endsAt: number;
}

export interface SessionStore {
  insert(session: Session): Promise<void>;
  findByTokenHash(tokenHash: string): Promise<Session | undefined>;
  exists(id: string): Promise<boolean>;
  touch(id: string, lastUsedAt: number, expiresAt: number): Promise<void>;
  remove(id: string): Promise<void>;
  /** How many there were. */
  removeOfUser(userId: string): Promise<number>;
  removeExpired(now: number): Promise<number>;
}

export interface ApiToken {
  readonly id: string;
  readonly userId: string;
  readonly name: string;
  readonly tokenHash: string;
  readonly role: Role;
  readonly scope: Scope;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly revokedAt?: number;
}

export interface ApiTokenStore {
  insert(token: ApiToken): Promise<void>;
  get(id: string): Promise<ApiToken | undefined>;
  findByTokenHash(tokenHash: string): Promise<ApiToken | undefined>;
  /** Those of a user that are neither revoked nor ended. */
  countGood(userId: string, now: number): Promise<number>;
  revoke(id: string, at: number): Promise<void>;
  /** Revokes those that are still good; how many there were. */
  revokeOfUser(userId: string, at: number): Promise<number>;
}
