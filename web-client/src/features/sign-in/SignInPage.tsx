import { Alert, Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { type FormEvent, useRef, useState } from 'react';
import { Navigate, useLocation } from 'react-router';
import { useMutation } from 'urql';
import { graphql } from '../../gql';
import { type Problem, problemOf } from '../../platform/graphql/problem';
import { ProblemAlert } from '../../platform/ui/ProblemAlert';
import { type SignInLocation, Starting } from '../session/RequireSession';
import { useSession } from '../session/session';
import { FrontDoor } from '../shell/FrontDoor';

const SignInDocument = graphql(`
  mutation SignIn($input: SignInInput!) {
    signIn(input: $input) { expiresAt }
  }
`);

export function SignInPage() {
  const session = useSession();
  const { returnTo, ended } = (useLocation().state ?? {}) as SignInLocation;
  const [{ fetching }, signIn] = useMutation(SignInDocument);
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [problem, setProblem] = useState<Problem>();
  const passwordField = useRef<HTMLInputElement>(null);

  if (session.state.kind === 'loading') return <Starting />;
  if (session.state.kind === 'setup') return <Navigate to="/setup" replace />;
  if (session.state.kind === 'signed-in') return <Navigate to={returnTo ?? '/'} replace />;

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setProblem(undefined);
    const { error } = await signIn({ input: { name, password } });
    if (error === undefined) return session.renew();
    const refused = problemOf(error);
    const wrong = refused.reason === 'WRONG_CREDENTIALS';
    setProblem(wrong ? { ...refused, nextStep: FORGOTTEN } : refused);
    if (wrong) {
      setPassword('');
      passwordField.current?.focus();
    }
  };

  return (
    <FrontDoor title="Sign in">
      <form onSubmit={(event) => void submit(event)}>
        <Stack>
          {ended && !problem && (
            <Alert role="status" variant="default" title="You have been signed out">
              Your session has ended. Sign in again to go on where you were.
            </Alert>
          )}
          {problem && <ProblemAlert title="You are not signed in" problem={problem} />}
          <TextInput
            label="Name"
            name="username"
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            required
            data-autofocus
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <PasswordInput
            ref={passwordField}
            label="Password"
            name="password"
            autoComplete="current-password"
            required
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          <Button type="submit" loading={fetching}>
            Sign in
          </Button>
        </Stack>
      </form>
    </FrontDoor>
  );
}

const FORGOTTEN =
  'Check both and try again. Whoever runs the server can set a new password there with holdfast-server reset-password.';
