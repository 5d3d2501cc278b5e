import type { Random } from '../../ids/index.js';
import { sha256 } from '../chunks/hmac-sha256.js';
import { unstorable } from '../format/format-errors.js';
import { KEY_BYTES } from '../format/limits.js';

// Crockford's base 32: no letter looks like a digit, and none spells a word by accident.
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const PREFIX = 'HFK1';
const CHECK_BYTES = 3;
const CHECK_LABEL = Buffer.from('holdfast recovery kit v1', 'ascii');
const SYMBOLS = ((KEY_BYTES + CHECK_BYTES) * 8) / 5;

/** The secret of a recovery kit: whoever holds it opens the vault without the server. */
export function createRecoveryKitSecret(random: Random): Buffer {
  return random.bytes(KEY_BYTES);
}

/** The secret as a person writes it down: `HFK1-` and fourteen groups of four. */
export function formatRecoveryKit(secret: Uint8Array): string {
  let bits = 0;
  let held = 0;
  let symbols = '';
  for (const byte of [...secret, ...checkBytes(secret)]) {
    bits = (bits << 8) | byte;
    for (held += 8; held >= 5; held -= 5) symbols += ALPHABET[(bits >>> (held - 5)) & 31];
    bits &= 31;
  }
  return [PREFIX, ...(symbols.match(/.{4}/g) ?? [])].join('-');
}

/**
 * The secret that a person typed. Case, spaces and dashes do not matter, and O, I and L count as the
 * digits they look like. Throws Validation when it was mistyped.
 */
export function parseRecoveryKit(text: string): Buffer {
  const symbols = text.slice(0, 400).toUpperCase().replace(/[\s-]/g, '');
  const digits = symbols.slice(PREFIX.length).replaceAll('O', '0').replace(/[IL]/g, '1');
  if (!symbols.startsWith(PREFIX) || digits.length !== SYMBOLS) throw mistyped();
  const bytes: number[] = [];
  let bits = 0;
  let held = 0;
  for (const digit of digits) {
    const value = ALPHABET.indexOf(digit);
    if (value < 0) throw wrongCharacter();
    bits = (bits << 5) | value;
    held += 5;
    if (held >= 8) {
      held -= 8;
      bytes.push((bits >>> held) & 255);
    }
    bits &= 255;
  }
  const secret = Buffer.from(bytes.slice(0, KEY_BYTES));
  if (!checkBytes(secret).equals(Buffer.from(bytes.slice(KEY_BYTES)))) throw wrongCharacter();
  return secret;
}

function checkBytes(secret: Uint8Array): Buffer {
  return sha256(Buffer.concat([CHECK_LABEL, secret])).subarray(0, CHECK_BYTES);
}

function mistyped() {
  return unstorable(
    'RECOVERY_KIT',
    'This is not a recovery kit, or it was mistyped: it is one line of HFK1 and fourteen groups of four letters and digits, and nothing else.',
  );
}

function wrongCharacter() {
  return unstorable(
    'RECOVERY_KIT',
    'A character of this recovery kit is wrong, or several are: it is as long as one, but its check fails. Compare it with the one that you stored.',
  );
}
