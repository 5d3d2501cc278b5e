import { Group, Text } from '@mantine/core';

/** Name and sign of the product. */
export function Mark() {
  return (
    <Group gap="xs" wrap="nowrap">
      <svg width="28" height="28" viewBox="0 0 28 28" aria-hidden="true">
        <rect width="28" height="28" rx="7" fill="var(--mantine-primary-color-filled)" />
        <path
          d="M14 5.5v16M9 9.5h10M6.5 15.5c0 4.5 3.5 6.5 7.5 6.5s7.5-2 7.5-6.5"
          fill="none"
          stroke="#fff"
          strokeWidth="2.2"
          strokeLinecap="round"
        />
      </svg>
      <Text fw={700} size="lg" style={{ letterSpacing: '-0.01em', whiteSpace: 'nowrap' }}>
        Backup Center
      </Text>
    </Group>
  );
}
