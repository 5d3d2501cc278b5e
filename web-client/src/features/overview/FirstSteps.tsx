import { List, Stack, Text } from '@mantine/core';
import { paths } from '../../platform/routing/paths';
import { CopyBlock } from '../../platform/ui/CopyBlock';
import { Go } from '../../platform/ui/Go';
import { Panel } from '../../platform/ui/Panel';

interface FirstStepsProps {
  readonly hasAgent: boolean;
  readonly hasVault: boolean;
}

/** From nothing to the first backup; what is done already says so. */
export function FirstSteps({ hasAgent, hasVault }: FirstStepsProps) {
  return (
    <Panel title="First steps">
      <List type="ordered" spacing="md">
        <List.Item>
          <Stack gap={6}>
            <Text>
              {hasVault && <strong>Done: </strong>}
              <Go inText to={paths.vaults}>
                Create a vault
              </Go>
              , where recovery points will live, and keep its recovery kit.
            </Text>
            {!hasVault && <CopyBlock what="command" text="holdfast vault create main" />}
          </Stack>
        </List.Item>
        <List.Item>
          <Stack gap={6}>
            <Text>
              {hasAgent && <strong>Done: </strong>}
              <Go inText to={paths.agents}>
                Add a host
              </Go>
              : run the one-time command on it.
            </Text>
            {!hasAgent && <CopyBlock what="command" text="holdfast agent token web-1" />}
          </Stack>
        </List.Item>
        <List.Item>
          <Text>
            <Go inText to={paths.protectedItems}>
              Protect folders
            </Go>{' '}
            of the host, then back them up.
          </Text>
        </List.Item>
      </List>
    </Panel>
  );
}
