/**
 * Names of files, hosts and items come from machines that may not be trusted. What such a name may not do on screen is to
 * look like another one: control characters, bidirectional controls, invisible characters and line breaks are written
 * out as `\u{…}`. (Bytes that are no UTF-8 already come as `\xHH`.)
 */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}]|\p{Default_Ignorable_Code_Point}/gu;

export function visibleText(text: string): string {
  return text.replace(HIDDEN, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()}}`);
}
