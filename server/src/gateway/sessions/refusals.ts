import { HoldfastError } from '@holdfast/core/errors';

export function invalid(code: string, message: string): HoldfastError {
  return new HoldfastError({ kind: 'Validation', code, message });
}

export function forbidden(code: string, message: string): HoldfastError {
  return new HoldfastError({ kind: 'Forbidden', code, message });
}

export function notNow(code: string, message: string): HoldfastError {
  return new HoldfastError({ kind: 'IllegalState', code, message });
}

export function tooMany(code: string, message: string): HoldfastError {
  return new HoldfastError({ kind: 'RateLimited', code, message });
}

export function footerTooLarge({ maxFooterBytes }: { readonly maxFooterBytes: number }): HoldfastError {
  return invalid('FOOTER_TOO_LARGE', `A footer has at most ${maxFooterBytes} bytes here.`);
}
