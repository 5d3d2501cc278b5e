import { InvalidArgumentError, Option } from 'commander';

/** Takes one of these words, in any case, and with hyphens where it has underscores. */
export class WordOption extends Option {
  constructor(flags: string, description: string, words: readonly string[]) {
    super(flags, description);
    this.choices(words);
    this.argParser((given: string) => {
      const word = given.toUpperCase().replaceAll('-', '_');
      if (!words.includes(word)) throw new InvalidArgumentError(`Allowed choices are ${words.join(', ')}.`);
      return word;
    });
  }
}
