import { registerEnumType } from 'type-graphql';

export type OrderDirection = 'ASC' | 'DESC';

export const OrderDirectionEnum: { readonly [D in OrderDirection]: D } = { ASC: 'ASC', DESC: 'DESC' };
registerEnumType(OrderDirectionEnum, { name: 'OrderDirection' });
