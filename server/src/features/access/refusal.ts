import { HoldfastError, type HoldfastErrorInit } from '@holdfast/core/errors';
import type { AuditEntry, AuditOrigin } from '../audit/ports.js';

/**
 * An error that must leave an audit row although the transaction that it was thrown in rolls back: the unit
 * of work writes the row in a transaction of its own.
 */
export class Refusal extends HoldfastError {
  constructor(
    init: HoldfastErrorInit,
    readonly origin: AuditOrigin,
    readonly entry: AuditEntry,
  ) {
    super(init);
  }
}

/** For what would outlive a token that leaked: ADR 12. */
export const NOT_BY_TOKEN: HoldfastErrorInit = {
  kind: 'Forbidden',
  code: 'NOT_BY_TOKEN',
  message: 'An API token may not do this, whatever its role: sign in with a password.',
};
