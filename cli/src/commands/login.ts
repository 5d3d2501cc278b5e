import { HoldfastError, isHoldfastError } from '@holdfast/core/errors';
import type { Command } from 'commander';
import { ApiClient } from '../api/client.js';
import { graphql } from '../gql/gql.js';
import type { MeQuery, SignInMutation } from '../gql/graphql.js';
import { formatTime } from '../output/amounts.js';
import { askSecret } from '../session/ask-secret.js';
import { forgetCredentials, saveCredentials } from '../session/credentials-file.js';
import { contextOf, readCaFile } from './command-context.js';

const SignIn = graphql(`
  mutation SignIn($input: SignInInput!) {
    signIn(input: $input) { token expiresAt viewer { user { name } } }
  }
`);

const CompleteSetup = graphql(`
  mutation CompleteSetup($input: CompleteSetupInput!) {
    completeSetup(input: $input) { token expiresAt viewer { user { name } } }
  }
`);

const SignOut = graphql(`
  mutation SignOut($input: SignOutInput!) { signOut(input: $input) { clientMutationId } }
`);

const Me = graphql(`
  query Me {
    me { user { name } sessionExpiresAt tokenRole tokenScope { subscription { name } vault { name } } roleAssignments { role scope { subscription { name } vault { name } } } }
  }
`);

type RoleScope = NonNullable<MeQuery['me']>['roleAssignments'][number]['scope'];

function describeScope({ subscription, vault }: RoleScope): string {
  if (vault) return `vault ${vault.name}`;
  return subscription ? `subscription ${subscription.name}` : 'whole server';
}

const FORGOTTEN = 'Whoever runs the server can set a new password there with "holdfast-server reset-password".';

async function signIn(
  api: ApiClient,
  credentials: { readonly name: string; readonly password: string },
): Promise<SignInMutation['signIn']> {
  try {
    return (await api.ask(SignIn, { input: credentials })).signIn;
  } catch (error) {
    if (!isHoldfastError(error) || error.code !== 'WRONG_CREDENTIALS') throw error;
    const { kind, code, message, details } = error;
    throw new HoldfastError({ kind, code, message: `${message} ${FORGOTTEN}`, details });
  }
}

interface LoginOptions {
  readonly user: string;
  readonly setupCode?: string;
}

export function addLoginCommands(program: Command): void {
  program
    .command('login')
    .description('sign in; the session is kept in a file that only you can read')
    .requiredOption('-u, --user <name>', 'user name')
    .option('--setup-code <code>', 'make the first administrator with the code that a new server shows')
    .addHelpText(
      'after',
      '\nThe password is asked for, or taken from HOLDFAST_PASSWORD or the first line of standard input.',
    )
    .action(async (options: LoginOptions, command: Command) => {
      const context = contextOf(command);
      const { environment, printer } = context;
      const server = context.server ?? 'http://127.0.0.1:8400';
      const ca = readCaFile(context);
      const password =
        environment.password ??
        (await askSecret(`Password for ${options.user} at ${server}: `, 'password', ', or set HOLDFAST_PASSWORD'));
      const api = new ApiClient({ server, ...(ca === undefined ? {} : { ca }) });
      const credentials = { name: options.user, password };
      const session =
        options.setupCode === undefined
          ? await signIn(api, credentials)
          : (await api.ask(CompleteSetup, { input: { ...credentials, setupCode: options.setupCode } })).completeSetup;
      const user = session.viewer.user.name;
      saveCredentials(environment.configFolder, {
        server,
        token: session.token,
        user,
        expiresAt: session.expiresAt,
        ...(ca === undefined ? {} : { ca }),
      });
      printer.result({ server, user, expiresAt: session.expiresAt }, () => {
        printer.line(`Signed in at ${server} as ${user} until ${formatTime(session.expiresAt)}.`);
      });
    });

  program
    .command('logout')
    .description('end the session and forget it')
    .action(async (_options: unknown, command: Command) => {
      const { api, environment, printer } = contextOf(command);
      try {
        await api().ask(SignOut, { input: {} });
      } finally {
        forgetCredentials(environment.configFolder);
      }
      printer.result({ signedOut: true }, () => printer.line('Signed out.'));
    });

  program
    .command('whoami')
    .description('show who is signed in and with which roles')
    .action(async (_options: unknown, command: Command) => {
      const { api, printer } = contextOf(command);
      const { me } = await api().ask(Me, {});
      if (me === null || me === undefined) {
        throw new HoldfastError({
          kind: 'Unauthenticated',
          code: 'NOT_SIGNED_IN',
          message: 'the session has ended: run "holdfast login"',
        });
      }
      printer.result(me, () => {
        printer.line(`${me.user.name}${me.sessionExpiresAt ? `, until ${formatTime(me.sessionExpiresAt)}` : ''}`);
        const { tokenRole, tokenScope } = me;
        if (tokenRole && tokenScope)
          printer.line(`By a token that is good for ${tokenRole}, ${describeScope(tokenScope)}.`);
        const rows = me.roleAssignments.map(({ role, scope }) => [role, describeScope(scope)]);
        printer.table(['ROLE', 'SCOPE'], rows);
      });
    });
}
