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
