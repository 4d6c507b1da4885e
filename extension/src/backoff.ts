/** When to try again. */

/** Return milliseconds to wait before try `failures` + 1: 1, 2, 4 … 60 s ± 30 %. */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  const seconds = Math.min(60, 2 ** Math.max(0, failures - 1));
  return seconds * 1000 * (0.7 + 0.6 * random());
}

/** Return milliseconds of a Retry-After header, which is seconds or a date; null without one. */
export function retryAfterMs(header: string | null, now = Date.now()): number | null {
  if (!header) {
    return null;
  }
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? null : Math.min(Math.max(0, ms), 3_600_000);
}
