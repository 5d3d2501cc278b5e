import { TextInput } from '@mantine/core';
import { useEffect, useRef } from 'react';
import { nameProblem } from '../format/name-rule';

interface NameFieldProps {
  readonly label?: string;
  readonly description?: string;
  readonly value: string;
  readonly onChange: (name: string) => void;
}

/** The name of something new: a dialog opens with the focus here, and is not sent with a name that is refused. */
export function NameField({ label = 'Name', description, value, onChange }: NameFieldProps) {
  const input = useRef<HTMLInputElement>(null);
  const problem = nameProblem(value);
  useEffect(() => input.current?.setCustomValidity(problem ?? ''), [problem]);
  return (
    <TextInput
      ref={input}
      label={label}
      description={description}
      error={problem}
      required
      spellCheck={false}
      data-autofocus
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
