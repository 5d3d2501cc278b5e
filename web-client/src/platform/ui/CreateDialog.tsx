import { useDisclosure } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { announceNews } from '../graphql/news';
import type { Problem } from '../graphql/problem';
import { FormModal } from './FormModal';
import { NewButton } from './NewButton';

interface CreateDialogProps {
  /** On the button and over the dialog: "Create a policy". */
  readonly title: string;
  readonly submit: string;
  readonly failure: string;
  readonly busy: boolean;
  readonly disabled: boolean;
  readonly problem: Problem | undefined;
  /** True once it is made. */
  readonly onCreate: () => Promise<boolean>;
  readonly children: ReactNode;
}

/** A button and its dialog, which closes when the new thing is made and lets every list know. */
export function CreateDialog({ title, onCreate, ...form }: CreateDialogProps) {
  const [opened, { open, close }] = useDisclosure();
  const create = async (): Promise<void> => {
    if (!(await onCreate())) return;
    close();
    announceNews();
  };
  return (
    <>
      <NewButton onClick={open}>{title}</NewButton>
      <FormModal opened={opened} onClose={close} title={title} onSubmit={() => void create()} {...form} />
    </>
  );
}
