import { Button, Container, Stack, Text, Title } from '@mantine/core';

/** A page that could not be loaded (after an update of the server its parts have new names) or that failed. */
export function PageFailure() {
  return (
    <Container size="xs" pt="xl">
      <Stack role="alert" align="flex-start">
        <Title order={1} size="h3">
          This page could not be shown
        </Title>
        <Text>The server may have been updated, or the connection was lost. Reload the page.</Text>
        <Button onClick={() => window.location.reload()}>Reload</Button>
      </Stack>
    </Container>
  );
}
