import { visibleText } from '../format/visible-text';

interface HostTextProps {
  readonly children: string;
  readonly mono?: boolean;
}

/** A name that came from a host: nothing in it is hidden, and its direction does not leak into the text around it. */
export function HostText({ children, mono = false }: HostTextProps) {
  return <bdi className={mono ? 'hf-host-text hf-mono' : 'hf-host-text'}>{visibleText(children)}</bdi>;
}
