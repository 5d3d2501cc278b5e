import { Modal, type ModalProps } from '@mantine/core';
import { useReturnFocus } from './use-return-focus';

/** A dialog over the page. The focus goes in when it opens and back when it closes. */
export function Dialog(props: Omit<ModalProps, 'returnFocus'>) {
  useReturnFocus(props.opened);
  return <Modal closeButtonProps={{ 'aria-label': 'Close' }} {...props} returnFocus={false} />;
}
