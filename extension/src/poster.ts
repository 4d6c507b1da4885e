/** Posts what is in the outbox: at once, in order, again after a failure, and a last time when the page goes. */
import { backoffMs } from './backoff';
import type { Outbox } from './outbox';

const BATCH = 100;
/** Browsers let a page that goes send 64 KiB in all. */
const LAST_BYTES = 60_000;
const LEFTOVERS_MS = 30_000;

export interface IPosterOptions<T> {
  outbox: Outbox<T>;
  /** Resolves once the values are on the other side's disk. */
  post: (values: T[], keepalive: boolean) => Promise<void>;
  /** Return false if posting again can never help, so that the values are given up. */
  isWorthRepeating?: (error: unknown) => boolean;
  scale?: number;
}

export class Poster<T> {
  constructor(private readonly options: IPosterOptions<T>) {}

  /** Keep values, then post them. */
  async add(values: { id: string; value: T }[]): Promise<void> {
    values.forEach(({ id, value }) => this.fresh.set(id, value));
    await this.options.outbox.add(values);
    this.kick();
  }

  /** Look for what is waiting; also for what other tabs left behind. */
  start(): void {
    this.kick();
    this.leftovers = setInterval(() => this.kick(), LEFTOVERS_MS);
  }

  stop(): void {
    clearInterval(this.leftovers);
    clearTimeout(this.timer);
    this.isStopped = true;
  }

  kick(): void {
    if (this.isRunning || this.isStopped) {
      this.isKicked = true;
      return;
    }
    clearTimeout(this.timer);
    this.isRunning = true;
    void this.run();
  }

  /** The page goes: post what nobody has answered yet. It stays stored, and the ids make the repetition harmless. */
  last(): void {
    this.options.outbox.last();
    const values: T[] = [];
    let bytes = 0;
    for (const value of this.fresh.values()) {
      bytes += JSON.stringify(value).length * 2;
      if (bytes > LAST_BYTES || values.length === BATCH) {
        break;
      }
      values.push(value);
    }
    if (values.length) {
      void this.options.post(values, true).catch(() => undefined);
    }
  }

  private async run(): Promise<void> {
    const { outbox, post } = this.options;
    let isFailed = false;
    try {
      for (;;) {
        this.isKicked = false;
        const rows = await outbox.next(BATCH);
        if (!rows.length) {
          break;
        }
        try {
          await post(
            rows.map(row => row.value),
            false
          );
        } catch (error) {
          if (this.options.isWorthRepeating?.(error) ?? true) {
            isFailed = true;
            break;
          }
        }
        this.failures = 0;
        rows.forEach(row => this.fresh.delete(row.id));
        await outbox.remove(rows);
      }
    } catch {
      isFailed = true; // the database
    }
    this.isRunning = false;
    if (isFailed) {
      this.failures += 1;
      this.timer = setTimeout(() => this.kick(), backoffMs(this.failures) * (this.options.scale ?? 1));
    } else if (this.isKicked) {
      this.kick();
    }
  }

  private failures = 0;
  private fresh = new Map<string, T>();
  private isKicked = false;
  private isRunning = false;
  private isStopped = false;
  private leftovers: ReturnType<typeof setInterval> | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
}
