import { Checkbox, Group, NativeSelect, NumberInput, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useMutation } from 'urql';
import { graphql } from '../../gql';
import type { BackupType, ScheduleFrequency, Weekday } from '../../gql/graphql';
import { BACKUP_TYPE_WORDS, WEEKDAY_WORDS } from '../../platform/format/words';
import { problemOf } from '../../platform/graphql/problem';
import { CreateDialog } from '../../platform/ui/CreateDialog';
import { NameField } from '../../platform/ui/NameField';
import { SubscriptionField } from '../subscriptions/SubscriptionField';

const CreatePolicyDocument = graphql(`
  mutation CreatePolicy($input: CreatePolicyInput!) {
    createPolicy(input: $input) { policy { id } }
  }
`);

const FREQUENCIES: ReadonlyArray<{ value: ScheduleFrequency; label: string }> = [
  { value: 'HOURLY', label: 'Every so many hours' },
  { value: 'DAILY', label: 'Every day' },
  { value: 'WEEKLY', label: 'On some days of the week' },
];
const TYPES: readonly BackupType[] = ['INCREMENTAL', 'DIFFERENTIAL', 'FULL'];
const WEEKDAYS = Object.keys(WEEKDAY_WORDS) as Weekday[];
const ZONES: readonly string[] = [...new Set(['UTC', ...Intl.supportedValuesOf('timeZone')])];

export function NewPolicy() {
  const [name, setName] = useState('');
  const [subscriptionId, setSubscriptionId] = useState('');
  const [frequency, setFrequency] = useState<ScheduleFrequency>('DAILY');
  const [everyHours, setEveryHours] = useState(6);
  const [weekdays, setWeekdays] = useState<string[]>(['SATURDAY']);
  const [at, setAt] = useState('02:00');
  const [timeZone, setTimeZone] = useState(() => Intl.DateTimeFormat().resolvedOptions().timeZone);
  const [jitterMinutes, setJitterMinutes] = useState(15);
  const [backupType, setBackupType] = useState<BackupType>('INCREMENTAL');
  const [{ fetching, error }, create] = useMutation(CreatePolicyDocument);

  const submit = async (): Promise<boolean> => {
    const schedule = {
      frequency,
      at,
      timeZone,
      jitterMinutes,
      backupType,
      ...(frequency === 'HOURLY' ? { everyHours } : {}),
      ...(frequency === 'WEEKLY' ? { weekdays: WEEKDAYS.filter((day) => weekdays.includes(day)) } : {}),
    };
    const result = await create({ input: { subscriptionId, name, schedule } });
    if (result.error) return false;
    setName('');
    return true;
  };

  return (
    <CreateDialog
      title="Create a policy"
      submit="Create the policy"
      failure="The policy was not created"
      busy={fetching}
      disabled={subscriptionId === '' || (frequency === 'WEEKLY' && weekdays.length === 0)}
      problem={error && problemOf(error)}
      onCreate={submit}
    >
      <NameField value={name} onChange={setName} />
      <SubscriptionField value={subscriptionId} onChange={setSubscriptionId} />
      <NativeSelect
        label="How often"
        data={[...FREQUENCIES]}
        value={frequency}
        onChange={(event) => setFrequency(event.currentTarget.value as ScheduleFrequency)}
      />
      {frequency === 'HOURLY' && (
        <NumberInput
          label="Hours between backups"
          min={1}
          max={24}
          allowDecimal={false}
          required
          value={everyHours}
          onChange={(value) => setEveryHours(Number(value))}
        />
      )}
      {frequency === 'WEEKLY' && (
        <Checkbox.Group
          label="Days"
          required
          error={weekdays.length === 0 && 'Choose at least one day.'}
          value={weekdays}
          onChange={setWeekdays}
        >
          <Group gap="sm" mt="xs">
            {WEEKDAYS.map((day) => (
              <Checkbox key={day} value={day} label={WEEKDAY_WORDS[day]} />
            ))}
          </Group>
        </Checkbox.Group>
      )}
      <TextInput
        type="time"
        label="Time"
        {...(frequency === 'HOURLY' ? { description: 'Of the time, the minute counts.' } : {})}
        required
        value={at}
        onChange={(event) => setAt(event.currentTarget.value)}
      />
      <NativeSelect
        label="Time zone"
        data={ZONES.includes(timeZone) ? [...ZONES] : [timeZone, ...ZONES]}
        value={timeZone}
        onChange={(event) => setTimeZone(event.currentTarget.value)}
      />
      <NumberInput
        label="Spread starts over (minutes)"
        description="So that not all hosts begin at the same moment."
        min={0}
        max={720}
        allowDecimal={false}
        required
        value={jitterMinutes}
        onChange={(value) => setJitterMinutes(Number(value))}
      />
      <NativeSelect
        label="Backup type"
        data={TYPES.map((value) => ({ value, label: BACKUP_TYPE_WORDS[value] }))}
        value={backupType}
        onChange={(event) => setBackupType(event.currentTarget.value as BackupType)}
      />
    </CreateDialog>
  );
}
