/** The session cookie's name; over TLS with the prefix that forbids a Domain and a Path of its own. */
export function sessionCookieName(secure: boolean): string {
  return secure ? '__Host-holdfast' : 'holdfast';
}

export function formatSessionCookie(secure: boolean, token: string, maxAgeMs: number): string {
  const parts = [
    `${sessionCookieName(secure)}=${token}`,
    'Path=/',
    'HttpOnly',
    'SameSite=Strict',
    `Max-Age=${Math.max(0, Math.floor(maxAgeMs / 1000))}`,
  ];
  return [...parts, ...(secure ? ['Secure'] : [])].join('; ');
}

/** The session token in a Cookie header; undefined when it is not there or there twice. */
export function readSessionCookie(secure: boolean, header: string | undefined): string | undefined {
  const name = `${sessionCookieName(secure)}=`;
  const found = (header ?? '')
    .slice(0, 8_192)
    .split(';')
    .map((each) => each.trim())
    .filter((each) => each.startsWith(name));
  return found.length === 1 ? found[0]?.slice(name.length) : undefined;
}

/** The token of an `Authorization: Bearer …` header. */
export function readBearer(header: string | undefined): string | undefined {
  return /^Bearer ([A-Za-z0-9_-]{1,200})$/i.exec(header ?? '')?.[1];
}
