import { NativeSelect } from '@mantine/core';
import { useEffect } from 'react';
import { useQuery } from 'urql';
import { graphql } from '../../gql';
import { visibleText } from '../../platform/format/visible-text';

const Subscriptions = graphql(`
  query Subscriptions {
    subscriptions(first: 200) { edges { node { id name } } }
  }
`);

interface SubscriptionFieldProps {
  readonly value: string;
  readonly onChange: (id: string) => void;
}

/** Chooses a subscription. Whoever has but one does not meet the word. */
export function SubscriptionField({ value, onChange }: SubscriptionFieldProps) {
  const [{ data }] = useQuery({ query: Subscriptions });
  const all = data?.subscriptions.edges.map(({ node }) => node) ?? [];
  const first = all[0]?.id;
  useEffect(() => {
    if (value === '' && first !== undefined) onChange(first);
  }, [value, first, onChange]);
  if (all.length < 2) return null;
  return (
    <NativeSelect
      label="Subscription"
      data={all.map(({ id, name }) => ({ value: id, label: visibleText(name) }))}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
