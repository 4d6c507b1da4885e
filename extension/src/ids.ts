/** Ids of events, alike wherever a run is seen. Works on plain http too, where browsers have no SubtleCrypto. */

const RUN_NAMESPACE = '6b0f5c0e-0d1c-5a7e-9a53-6d2f1c7f4b11';

/** Return the id of a run's event; the end has one id however it ended. */
export function eventId(msgId: string, phase: 'start' | 'end'): string {
  return uuid5(RUN_NAMESPACE, `${msgId}:${phase}`);
}

/** Return a random UUID, version 4. crypto.getRandomValues is there on plain http too. */
export function uuid4(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return formatted(bytes, 4);
}

export function uuid5(namespace: string, name: string): string {
  const prefix = (namespace.replace(/-/g, '').match(/../g) ?? []).map(pair => parseInt(pair, 16));
  const text = new TextEncoder().encode(name);
  const bytes = new Uint8Array(prefix.length + text.length);
  bytes.set(prefix);
  bytes.set(text, prefix.length);
  return formatted(sha1(bytes).slice(0, 16), 5);
}

function formatted(bytes: Uint8Array, version: number): string {
  bytes[6] = (bytes[6] & 0x0f) | (version << 4);
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** FIPS 180-4, section 6.1. UUIDs of version 5 are defined by it; nothing secret depends on it. */
export function sha1(message: Uint8Array): Uint8Array {
  const length = message.length;
  const padded = new Uint8Array((((length + 8) >> 6) + 1) << 6);
  padded.set(message);
  padded[length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(length / 0x20000000));
  view.setUint32(padded.length - 4, length << 3);
  const hash = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
  const words = new Int32Array(80);
  for (let offset = 0; offset < padded.length; offset += 64) {
    for (let i = 0; i < 80; i++) {
      words[i] =
        i < 16 ? view.getInt32(offset + i * 4) : rotated(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
    }
    let [a, b, c, d, e] = hash;
    for (let i = 0; i < 80; i++) {
      const [mixed, constant] =
        i < 20
          ? [(b & c) | (~b & d), 0x5a827999]
          : i < 40
            ? [b ^ c ^ d, 0x6ed9eba1]
            : i < 60
              ? [(b & c) | (b & d) | (c & d), 0x8f1bbcdc]
              : [b ^ c ^ d, 0xca62c1d6];
      const next = (rotated(a, 5) + mixed + e + constant + words[i]) | 0;
      [e, d, c, b, a] = [d, c, rotated(b, 30), a, next];
    }
    [a, b, c, d, e].forEach((value, index) => {
      hash[index] = (hash[index] + value) | 0;
    });
  }
  const result = new DataView(new ArrayBuffer(20));
  hash.forEach((value, index) => result.setInt32(index * 4, value));
  return new Uint8Array(result.buffer);
}

function rotated(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}
