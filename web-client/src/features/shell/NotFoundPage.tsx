import { Text } from '@mantine/core';
import { Page } from '../../platform/routing/Page';
import { paths } from '../../platform/routing/paths';
import { Go } from '../../platform/ui/Go';

export function NotFoundPage() {
  return (
    <Page title="There is no such page">
      <Text>
        The address may be mistyped or old. Go to the{' '}
        <Go inText to={paths.overview}>
          overview
        </Go>
        .
      </Text>
    </Page>
  );
}
