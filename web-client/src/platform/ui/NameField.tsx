import { TextInput } from '@mantine/core';

interface NameFieldProps {
  readonly label?: string;
  readonly description?: string;
  readonly value: string;
  readonly onChange: (name: string) => void;
}

/** The name of something new: a dialog opens with the focus here. */
export function NameField({ label = 'Name', description, value, onChange }: NameFieldProps) {
  return (
    <TextInput
      label={label}
      description={description}
      required
      maxLength={100}
      spellCheck={false}
      data-autofocus
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
