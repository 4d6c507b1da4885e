/** The text output of a run, kept within a limit while it arrives; the same as outputs.py. */

export const HEAD_BYTES = 12 * 1024;
export const TAIL_BYTES = 4 * 1024;

/** The first 12 KiB and the last 4 KiB of what a run printed and showed; what lies between is counted only. */
export class OutputText {
  private head = '';
  private tail = '';
  private isFull = false;
  private skipped = 0;
  private source = '';
  private clearsNext = false;

  /** Append text of stdout, stderr or result. Where stderr begins, a line says so. */
  add(source: string, text: string): void {
    if (this.clearsNext) {
      this.clearsNext = false;
      this.clear();
    }
    if (source !== this.source) {
      this.source = source;
      if (source === 'stderr') {
        text = `${this.newLine()}[stderr]\n${text}`;
      } else if (source === 'result') {
        text = this.newLine() + text;
      }
    }
    if (this.isFull) {
      this.addToTail(text);
      return;
    }
    this.head = applyCarriageReturns(this.head + text);
    if (byteLength(this.head) > HEAD_BYTES) {
      const head = clip(this.head, HEAD_BYTES);
      const rest = this.head.slice(head.length);
      this.head = head;
      this.isFull = true;
      this.addToTail(rest);
    }
  }

  /** Forget what was shown; with `wait` as soon as something new comes. */
  clear(wait = false): void {
    this.clearsNext = wait;
    if (!wait) {
      this.head = this.tail = this.source = '';
      this.isFull = false;
      this.skipped = 0;
    }
  }

  /** Return what is kept, with a line that says how much is missing. */
  text(): string {
    const tail = applyCarriageReturns(this.tail);
    const kept = clipEnd(tail, TAIL_BYTES);
    const missing = this.skipped + byteLength(tail) - byteLength(kept);
    if (!missing) {
      return this.head + kept;
    }
    return `${this.head}\n[… ${missing.toLocaleString('en-US')} bytes are not shown …]\n${kept}`;
  }

  private addToTail(text: string): void {
    let tail = this.tail + text;
    if (tail.length > 4 * TAIL_BYTES) {
      const kept = tail.slice(-2 * TAIL_BYTES);
      this.skipped += byteLength(tail) - byteLength(kept);
      tail = kept;
    }
    this.tail = tail;
  }

  private newLine(): string {
    const shown = this.tail || this.head;
    return !shown || shown.endsWith('\n') ? '' : '\n';
  }
}

/** Return what a terminal shows: text after a carriage return overwrites its line from the beginning. */
export function applyCarriageReturns(text: string): string {
  if (!text.includes('\r')) {
    return text;
  }
  return text.replace(/\r\n/g, '\n').split('\n').map(overwritten).join('\n');
}

function overwritten(line: string): string {
  const parts = line.split('\r');
  const newest = parts.pop() ?? '';
  let shown = '';
  for (const part of parts) {
    shown = part + shown.slice(part.length);
  }
  // A carriage return at the end has overwritten nothing yet.
  return newest ? newest + shown.slice(newest.length) : shown + (parts.length ? '\r' : '');
}

/** Return the beginning of `text`, at most `size` bytes of UTF-8. */
export function clip(text: string, size: number): string {
  if (text.length * 3 <= size) {
    return text;
  }
  let bytes = 0;
  let end = 0;
  for (const character of text) {
    bytes += byteLength(character);
    if (bytes > size) {
      break;
    }
    end += character.length;
  }
  return text.slice(0, end);
}

/** Return the end of `text`, at most `size` bytes of UTF-8. */
export function clipEnd(text: string, size: number): string {
  if (text.length * 3 <= size) {
    return text;
  }
  const characters = Array.from(text.slice(-size));
  let bytes = 0;
  let begin = characters.length;
  while (begin > 0) {
    bytes += byteLength(characters[begin - 1]);
    if (bytes > size) {
      break;
    }
    begin -= 1;
  }
  return characters.slice(begin).join('');
}

const encoder = new TextEncoder();

export function byteLength(text: string): number {
  return encoder.encode(text).length;
}
