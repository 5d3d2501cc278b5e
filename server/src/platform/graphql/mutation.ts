import { Field, InputType, ObjectType } from 'type-graphql';

/** Every mutation's input extends it. */
@InputType()
export abstract class MutationInput {
  @Field(() => String, {
    nullable: true,
    description:
      'Repeating a mutation with the same id and input within 24 hours does nothing new and answers the same.',
  })
  clientMutationId?: string | null;
}

/** Every mutation's payload extends it; the door fills the id in. */
@ObjectType()
export abstract class MutationPayload {
  @Field(() => String, { nullable: true })
  clientMutationId?: string | null;
}

/** An optional input as use cases take it: `null` and absent are the same. */
export function optional<K extends string, V>(key: K, value: V | null | undefined): { [P in K]?: V } {
  return value === null || value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}
