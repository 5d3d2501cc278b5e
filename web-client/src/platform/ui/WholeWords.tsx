import styles from './WholeWords.module.css';

/** A command or a key whose lines end between words: at the hyphens of an option a line may not. */
export function WholeWords({ text }: { readonly text: string }) {
  return [...text.matchAll(/\S+|\s+/g)].map(({ 0: word, index }) => (
    <span key={index} className={word.trim() === '' ? undefined : styles['word']}>
      {word}
    </span>
  ));
}
