import { Entity } from '@mikro-orm/decorators/legacy';
import { BytesColumn, IdColumn, TextColumn, TimeColumn } from './columns.js';

@Entity({ tableName: 'handled_mutation' })
export class HandledMutationRow {
  @IdColumn() id!: string;
  /** Hash of who, which mutation and the client's id. */
  @TextColumn({ unique: true }) key!: string;
  /** Keyed hash of the input. */
  @TextColumn() inputHash!: string;
  @TimeColumn({ index: true }) createdAt!: number;
  /** The payload, sealed: it may hold what is shown only once. Null while the mutation runs. */
  @BytesColumn({ nullable: true }) sealedPayload: Buffer | null = null;
}
