import { BigIntType, type PropertyOptions, TextType } from '@mikro-orm/core';
import { PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

/**
 * The column types that entities use, so that both dialects store the same thing and nothing is left to
 * reflection. A nullable column is declared `name: T | null = null` and given `{ nullable: true }`.
 */
type ColumnDecorator = (target: object, propertyName: string) => void;
type Options = Pick<PropertyOptions<object>, 'nullable' | 'unique' | 'index' | 'default'>;

/** UUID primary key, made by the use case. */
export const IdColumn = (): ColumnDecorator => PrimaryKey({ type: 'string', length: 36 });
/** UUID of another row, also of another feature: no ORM relation. */
export const IdRefColumn = (options: Options = {}): ColumnDecorator =>
  Property({ type: 'string', length: 36, ...options });
/** Milliseconds since 1970, UTC, as `number`: exact on both dialects, which their own date types are not. */
export const TimeColumn = (options: Options = {}): ColumnDecorator =>
  Property({ type: new BigIntType('number'), ...options });
/** An amount of bytes or a count that may pass 2^31, as `bigint`. */
export const AmountColumn = (options: Options = {}): ColumnDecorator =>
  Property({ type: new BigIntType('bigint'), ...options });
/** A 32-bit integer. */
export const IntColumn = (options: Options = {}): ColumnDecorator => Property({ type: 'integer', ...options });
export const BoolColumn = (options: Options = {}): ColumnDecorator => Property({ type: 'boolean', ...options });
/** Text of any length; an enum too (the domain's type says which values, the use case checks). */
export const TextColumn = (options: Options = {}): ColumnDecorator => Property({ type: TextType, ...options });
/** Raw bytes, as `Buffer`. */
export const BytesColumn = (options: Options = {}): ColumnDecorator => Property({ type: 'blob', ...options });
/** A JSON value of plain data. */
export const JsonColumn = (options: Options = {}): ColumnDecorator => Property({ type: 'json', ...options });
