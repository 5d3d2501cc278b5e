/**
 * Names of files, hosts and items come from machines that may not be trusted. What such a name may not do on screen is to
 * look like another one: control characters, bidirectional controls, invisible characters and line breaks are written
 * out as their bytes, `\xHH`, as bytes that are no UTF-8 are: so what is shown can be given back as a path.
 */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}]|\p{Default_Ignorable_Code_Point}/gu;

const utf8 = new TextEncoder();

export function visibleText(text: string): string {
  return text.replace(HIDDEN, (character) =>
    Array.from(utf8.encode(character), (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join(''),
  );
}
