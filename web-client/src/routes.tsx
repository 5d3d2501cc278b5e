import { createBrowserRouter, Outlet } from 'react-router';
import { RequireSession, Starting } from './features/session/RequireSession';
import { SessionProvider } from './features/session/SessionProvider';
import { SetupPage } from './features/setup/SetupPage';
import { NotFoundPage } from './features/shell/NotFoundPage';
import { PageFailure } from './features/shell/PageFailure';
import { SignInPage } from './features/sign-in/SignInPage';

/** Each page is loaded when it is first opened. */
export const router = createBrowserRouter([
  {
    element: (
      <SessionProvider>
        <Outlet />
      </SessionProvider>
    ),
    HydrateFallback: Starting,
    ErrorBoundary: PageFailure,
    children: [
      { path: '/sign-in', Component: SignInPage },
      { path: '/setup', Component: SetupPage },
      {
        Component: RequireSession,
        children: [
          {
            ErrorBoundary: PageFailure,
            children: [
              {
                index: true,
                lazy: async () => ({ Component: (await import('./features/overview/OverviewPage')).OverviewPage }),
              },
              {
                path: 'protected-items',
                lazy: async () => ({
                  Component: (await import('./features/protected-items/ProtectedItemsPage')).ProtectedItemsPage,
                }),
              },
              {
                path: 'protected-items/:id',
                lazy: async () => ({
                  Component: (await import('./features/protected-items/ProtectedItemPage')).ProtectedItemPage,
                }),
              },
              { path: 'jobs', lazy: async () => ({ Component: (await import('./features/jobs/JobsPage')).JobsPage }) },
              {
                path: 'jobs/:id',
                lazy: async () => ({ Component: (await import('./features/jobs/JobPage')).JobPage }),
              },
              {
                path: 'recovery-points/:id',
                lazy: async () => ({
                  Component: (await import('./features/recovery-points/RecoveryPointPage')).RecoveryPointPage,
                }),
              },
              {
                path: 'agents',
                lazy: async () => ({ Component: (await import('./features/agents/AgentsPage')).AgentsPage }),
              },
              {
                path: 'vaults',
                lazy: async () => ({ Component: (await import('./features/vaults/VaultsPage')).VaultsPage }),
              },
              {
                path: 'policies',
                lazy: async () => ({ Component: (await import('./features/policies/PoliciesPage')).PoliciesPage }),
              },
              { path: '*', Component: NotFoundPage },
            ],
          },
        ],
      },
    ],
  },
]);
