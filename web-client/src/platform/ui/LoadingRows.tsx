import { Skeleton, Stack, VisuallyHidden } from '@mantine/core';

interface LoadingRowsProps {
  readonly rows?: number;
}

/** Takes the place of what is being loaded, so that nothing jumps when it comes. */
export function LoadingRows({ rows = 3 }: LoadingRowsProps) {
  return (
    <Stack gap="sm" p="md" aria-busy="true">
      <VisuallyHidden role="status">Loading</VisuallyHidden>
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rows without any identity
        <Skeleton key={row} height={22} />
      ))}
    </Stack>
  );
}
