import { Arg, Ctx, Field, InputType, Mutation, Query, Resolver } from 'type-graphql';
import type { GraphqlContext } from '../../../platform/graphql/graphql-context.js';
import { LIMITS } from '../../../platform/graphql/limits.js';
import { MutationInput } from '../../../platform/graphql/mutation.js';
import { presentSignedIn, SignInPayload } from '../../access/graphql/access.payloads.js';
import { getViewer } from '../../access/use-cases/get-viewer.js';
import { asUser } from '../../access/use-cases/sign-in.js';
import { completeSetup, isSetupRequired } from '../use-cases/complete-setup.js';

/** Everybody may ask the database this, but not thirty times in one request. */
const COST_TO_STRANGERS = LIMITS.cost / 4;

@InputType('CompleteSetupInput')
class CompleteSetupInput extends MutationInput {
  @Field()
  setupCode!: string;
  @Field()
  name!: string;
  @Field()
  password!: string;
}

@Resolver()
export class SetupResolver {
  @Query(() => Boolean, {
    description: 'Whether the first administrator still has to be made with the setup code.',
    complexity: COST_TO_STRANGERS,
  })
  async setupRequired(@Ctx() ctx: GraphqlContext): Promise<boolean> {
    return isSetupRequired(ctx);
  }

  @Mutation(() => SignInPayload)
  async completeSetup(
    @Ctx() ctx: GraphqlContext,
    @Arg('input', () => CompleteSetupInput) input: CompleteSetupInput,
  ): Promise<SignInPayload> {
    const signedIn = await completeSetup(ctx, {
      setupCode: input.setupCode,
      name: input.name,
      password: input.password,
    });
    ctx.session.setToken(signedIn.token, signedIn.session.endsAt);
    const viewer = await getViewer(asUser(ctx, signedIn.user));
    return presentSignedIn(signedIn, viewer?.roleAssignments ?? []);
  }
}
