/** A notebook as the product hashes it; the same as `canonical` of assignments.py. */

/**
 * Return canonical JSON in UTF-8: keys sorted by code points, no blanks, U+FFFD for what PostgreSQL cannot store. What
 * comes from JSON has no NaN, and JavaScript writes whole numbers without a fraction anyway.
 */
export function canonical(content: unknown): Uint8Array {
  return new TextEncoder().encode(text(content));
}

function text(value: unknown): string {
  if (typeof value === 'string') {
    return quoted(value);
  }
  if (Array.isArray(value)) {
    return `[${value.map(text).join(',')}]`;
  }
  if (typeof value === 'number') {
    return Number.isFinite(value) ? numberText(value) : 'null';
  }
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value as Record<string, unknown>).filter(([, inner]) => inner !== undefined);
    const clean = entries.map(([key, inner]): [string, unknown] => [storable(key), inner]);
    clean.sort(([a], [b]) => compare(a, b));
    return `{${clean.map(([key, inner]) => `${quoted(key)}:${text(inner)}`).join(',')}}`;
  }
  return JSON.stringify(value ?? null);
}

function quoted(value: string): string {
  // JSON.stringify writes U+007F and the like as they are, as Python does without ensure_ascii.
  return JSON.stringify(storable(value));
}

function storable(value: string): string {
  return value.replace(/[\0\p{Cs}]/gu, '\ufffd');
}

/** Python sorts by code points, JavaScript by UTF-16 units. */
function compare(a: string, b: string): number {
  const left = Array.from(a);
  const right = Array.from(b);
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const difference = (left[index].codePointAt(0) as number) - (right[index].codePointAt(0) as number);
    if (difference) {
      return difference;
    }
  }
  return left.length - right.length;
}

/** Return a number as Python writes it: 1e-05 for 0.00001, all digits of 1e+22 and of other whole numbers. */
function numberText(value: number): string {
  const [digits, exponent] = value.toExponential().split('e');
  const power = Number(exponent);
  if (Number.isInteger(value)) {
    if (Math.abs(value) < 1e21) {
      return String(value + 0); // no -0
    }
    const [first, rest = ''] = digits.split('.');
    return first + rest.padEnd(power, '0');
  }
  return power >= -4 ? String(value) : `${digits}e-${String(-power).padStart(2, '0')}`;
}

/** Return the hexadecimal SHA-256, or '' on plain http, where browsers have no SubtleCrypto. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  if (!globalThis.crypto?.subtle) {
    return '';
  }
  const hash = await crypto.subtle.digest('SHA-256', bytes);
  return Array.from(new Uint8Array(hash), byte => byte.toString(16).padStart(2, '0')).join('');
}
