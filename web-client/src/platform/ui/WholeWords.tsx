import styles from './WholeWords.module.css';

/** A command or a key whose lines end between words: at the hyphens of an option a line may not. */
export function WholeWords({ text }: { readonly text: string }) {
  return text.split(/(\s+)/).map((word, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the same word may stand there twice
    <span key={index} className={word.trim() === '' ? undefined : styles['word']}>
      {word}
    </span>
  ));
}
