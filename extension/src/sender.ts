/** Sends events straight to the product, where there is no server part. The table of answers is in README.md. */
import { backoffMs, retryAfterMs } from './backoff';
import type { Event } from './contract';
import type { IRow, Outbox } from './outbox';
import { isBusy } from './product';

const BATCH_EVENTS = 100;
/** Of JSON, as JavaScript counts. In UTF-8 a character has up to three bytes: at most 768 KiB, unless one event is larger. */
const BATCH_CHARACTERS = 256 * 1024;
const TIMEOUT_MS = 10_000;
const REFUSED_MS = 600_000;
const STRANGE_MS = 60_000;

export type Problem = 'unreachable' | 'busy' | 'refused' | 'wrong-address';

export interface ISenderOptions {
  outbox: Outbox<Event>;
  /** Where and as whom to send; null while nothing may be sent. */
  route: () => { url: string; headers: Record<string, string> } | null;
  /** Hears what was sent. */
  delivered: (events: Event[]) => void;
  /** Hears what the product will never take. */
  refused: (event: Event, reason: string) => void;
  /** Hears how the connection is: null is well. */
  tell: (problem: Problem | null) => void;
  fetch?: typeof fetch;
  scale?: number;
}

/** One request at a time, so order in is order out. */
export class Sender {
  constructor(private readonly options: ISenderOptions) {}

  problem: Problem | null = null;

  /** Send what waits, soon; at once where a setting changed or somebody asks for help. */
  kick(isAtOnce = false): void {
    if (isAtOnce && !this.isRunning) {
      clearTimeout(this.timer);
      this.timer = undefined;
    }
    if (this.isRunning || this.timer !== undefined) {
      return;
    }
    this.wait(isAtOnce ? 0 : 1000);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.isStopped = true;
  }

  private wait(ms: number): void {
    if (this.isStopped) {
      return;
    }
    this.timer = setTimeout(
      () => {
        this.timer = undefined;
        this.isRunning = true;
        this.run().then(
          pause => this.rest(pause),
          () => this.rest(STRANGE_MS)
        );
      },
      ms * (this.options.scale ?? 1)
    );
  }

  private rest(pause: number | null): void {
    this.isRunning = false;
    if (pause !== null) {
      this.wait(pause);
    }
  }

  /** Send all that waits. Return after how many milliseconds to try again; null once nothing waits. */
  private async run(): Promise<number | null> {
    for (;;) {
      const route = this.options.route();
      const rows = route ? this.batch(await this.options.outbox.next(this.most)) : [];
      if (!route || !rows.length) {
        return null;
      }
      const pause = await this.send(route, rows);
      if (pause !== null) {
        return pause;
      }
    }
  }

  private batch(rows: IRow<Event>[]): IRow<Event>[] {
    let characters = 0;
    const end = rows.findIndex((row, index) => {
      characters += JSON.stringify(row.value).length;
      return index > 0 && characters > BATCH_CHARACTERS;
    });
    return end < 0 ? rows : rows.slice(0, end);
  }

  private async send(route: { url: string; headers: Record<string, string> }, rows: IRow<Event>[]): Promise<number | null> {
    let response: Response;
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), TIMEOUT_MS);
    try {
      response = await (this.options.fetch ?? fetch)(`${route.url}/api/v1/events`, {
        method: 'POST',
        headers: { ...route.headers, 'Content-Type': 'application/json' },
        body: JSON.stringify(rows.map(row => row.value)),
        credentials: 'omit',
        redirect: 'error',
        signal: abort.signal
      });
    } catch {
      return this.failed('unreachable', null);
    } finally {
      clearTimeout(timer);
    }
    const { status } = response;
    if (status === 202) {
      await this.taken(rows, await json(response));
      return null;
    }
    if (isBusy(status)) {
      return this.failed('busy', retryAfterMs(response.headers.get('Retry-After')));
    }
    if (status === 413) {
      return this.tooLarge(rows);
    }
    if (status === 422) {
      return this.invalid(rows, await json(response));
    }
    if (status === 401 || status === 403) {
      this.say('refused');
      return REFUSED_MS;
    }
    this.say('wrong-address'); // only 202 is a delivery
    return STRANGE_MS;
  }

  private async taken(rows: IRow<Event>[], body: any): Promise<void> {
    const failed = new Map<number, string>();
    for (const item of body?.batch_stats?.failed_events ?? []) {
      failed.set(item.index, String(item.error ?? item.detail ?? ''));
    }
    await this.options.outbox.remove(rows);
    rows.forEach((row, index) => {
      const reason = failed.get(index);
      if (reason !== undefined) {
        this.options.refused(row.value, reason);
      }
    });
    this.options.delivered(rows.filter((_, index) => !failed.has(index)).map(row => row.value));
    this.failures = 0;
    this.most = BATCH_EVENTS;
    this.say(null);
  }

  private async tooLarge(rows: IRow<Event>[]): Promise<number | null> {
    if (rows.length > 1) {
      this.most = Math.ceil(rows.length / 2);
      return null;
    }
    const [row] = rows;
    const { result, code, ...rest } = row.value;
    if (result !== undefined) {
      await this.options.outbox.replace({ ...row, value: { ...rest, ...(code === undefined ? {} : { code }) } });
    } else if (code !== undefined) {
      await this.options.outbox.replace({ ...row, value: rest });
    } else {
      await this.refuse([row], 'too large');
    }
    return null;
  }

  private async invalid(rows: IRow<Event>[], body: any): Promise<number | null> {
    const details: any[] = Array.isArray(body?.detail) ? body.detail : [];
    const named = new Set(details.map(item => item?.loc?.[1]).filter(index => Number.isInteger(index)));
    const bad = rows.filter((_, index) => named.has(index));
    if (bad.length) {
      await this.refuse(bad, 'not as the product wants it');
    } else if (rows.length > 1) {
      this.most = Math.ceil(rows.length / 2);
    } else {
      await this.refuse(rows, 'not as the product wants it');
    }
    return null;
  }

  private async refuse(rows: IRow<Event>[], reason: string): Promise<void> {
    await this.options.outbox.remove(rows);
    rows.forEach(row => this.options.refused(row.value, reason));
    this.most = BATCH_EVENTS;
  }

  private failed(problem: Problem, retryAfter: number | null): number {
    this.failures += 1;
    this.say(problem);
    return retryAfter ?? backoffMs(this.failures);
  }

  private say(problem: Problem | null): void {
    if (problem !== this.problem || problem === null) {
      this.problem = problem;
      this.options.tell(problem);
    }
  }

  private failures = 0;
  private isRunning = false;
  private isStopped = false;
  private most = BATCH_EVENTS;
  private timer: ReturnType<typeof setTimeout> | undefined;
}

async function json(response: Response): Promise<any> {
  return response.json().catch(() => null);
}
