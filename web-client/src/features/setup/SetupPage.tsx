import { Button, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { Navigate } from 'react-router';
import { useMutation } from 'urql';
import { graphql } from '../../gql';
import { problemOf } from '../../platform/graphql/problem';
import { ProblemAlert } from '../../platform/ui/ProblemAlert';
import { Starting } from '../session/RequireSession';
import { useSession } from '../session/session';
import { FrontDoor } from '../shell/FrontDoor';

const CompleteSetupDocument = graphql(`
  mutation CompleteSetup($input: CompleteSetupInput!) {
    completeSetup(input: $input) { expiresAt }
  }
`);

/** First run: whoever can read the server's console makes the first administrator. */
export function SetupPage() {
  const session = useSession();
  const [{ fetching, error }, complete] = useMutation(CompleteSetupDocument);
  const [setupCode, setSetupCode] = useState('');
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const [differs, setDiffers] = useState(false);

  if (session.state.kind === 'loading') return <Starting />;
  if (session.state.kind !== 'setup') return <Navigate to="/" replace />;

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setDiffers(password !== again);
    if (password !== again) return;
    const result = await complete({ input: { setupCode: setupCode.trim(), name, password } });
    if (result.error === undefined) await session.renew();
  };

  return (
    <FrontDoor title="Set up Holdfast">
      <form onSubmit={(event) => void submit(event)}>
        <Stack>
          <Text size="sm">
            This server has no administrator yet. The setup code stands on the server's console and in the file{' '}
            <code className="hf-mono">setup-code</code> of its data folder.
          </Text>
          {error && <ProblemAlert title="The administrator was not made" problem={problemOf(error)} />}
          <TextInput
            label="Setup code"
            name="setup-code"
            autoComplete="off"
            spellCheck={false}
            required
            value={setupCode}
            onChange={(event) => setSetupCode(event.currentTarget.value)}
          />
          <TextInput
            label="Administrator's name"
            name="username"
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            required
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <PasswordInput
            label="Password"
            name="new-password"
            autoComplete="new-password"
            description="At least 12 characters."
            required
            minLength={12}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          <PasswordInput
            label="Password again"
            name="new-password-again"
            autoComplete="new-password"
            required
            value={again}
            error={differs ? 'The two passwords differ.' : undefined}
            onChange={(event) => {
              setAgain(event.currentTarget.value);
              setDiffers(false);
            }}
          />
          <Button type="submit" loading={fetching}>
            Make the administrator and sign in
          </Button>
        </Stack>
      </form>
    </FrontDoor>
  );
}
