import { Button, Center, Container, Loader } from '@mantine/core';
import { Navigate, useLocation } from 'react-router';
import { ProblemAlert } from '../../platform/ui/ProblemAlert';
import { LiveJobsProvider } from '../jobs/LiveJobsProvider';
import { Shell } from '../shell/Shell';
import { useSession } from './session';

/** What the sign-in page is told by the page that sent there. */
export interface SignInLocation {
  readonly returnTo?: string;
  readonly ended?: boolean;
}

/** Every page but sign-in and setup: shown to whoever is signed in. */
export function RequireSession() {
  const { state, live, renew } = useSession();
  const location = useLocation();
  switch (state.kind) {
    case 'loading':
      return <Starting />;
    case 'unreachable':
      return (
        <Container size="xs" pt="xl">
          <ProblemAlert title="Backup Center cannot start" problem={state.problem} />
          <Button mt="md" onClick={() => void renew()}>
            Try again
          </Button>
        </Container>
      );
    case 'setup':
      return <Navigate to="/setup" replace />;
    case 'signed-out': {
      const back: SignInLocation =
        state.because === 'left'
          ? {}
          : { returnTo: `${location.pathname}${location.search}`, ended: state.because === 'ended' };
      return <Navigate to="/sign-in" replace state={back} />;
    }
    case 'signed-in':
      return (
        <LiveJobsProvider key={state.viewer.user.id} connected={live === true}>
          <Shell viewer={state.viewer} />
        </LiveJobsProvider>
      );
  }
}

export function Starting() {
  return (
    <Center h="60vh">
      <Loader role="status" aria-label="Loading Backup Center" />
    </Center>
  );
}
