/** What the product says to this student, asked for while the page is seen, where there is no server part. */
import { INews } from './api';
import { Memory } from './memory';
import { Product } from './product';

const INBOX_SECONDS = 25;
const KEPT_NEWS = 50;

export class Inbox {
  /** `heard` gets each answer and what is new in it. */
  constructor(
    private readonly memory: Memory,
    private readonly product: Product,
    private readonly heard: (value: any, news: INews[]) => void // eslint-disable-line
  ) {}

  async pollForEver(): Promise<void> {
    for (;;) {
      const pause = await this.poll().catch(() => 15_000);
      await new Promise(resolve => setTimeout(resolve, pause));
    }
  }

  private async poll(): Promise<number> {
    if (!this.memory.isAllowed || this.memory.values.token?.status !== 'active' || document.hidden) {
      return 2000;
    }
    const path = `/api/v1/me/inbox?since=${encodeURIComponent(this.memory.values.since)}&wait=${INBOX_SECONDS}`;
    const { status, value } = await this.product.ask('GET', path);
    if (status !== 200) {
      return status === 404 ? 600_000 : 15_000;
    }
    this.hear(value);
    return 100;
  }

  // eslint-disable-next-line
  private hear(value: any): void {
    const items: INews[] = [];
    for (const kind of ['notifications', 'messages']) {
      for (const item of value?.[kind] ?? []) {
        const key = `${kind}:${item.notification_id ?? item.id ?? JSON.stringify(item)}`;
        if (!this.memory.values.news.some(known => known.key === key)) {
          items.push({ ...item, key, is_read: Boolean(item.is_read) });
        }
      }
    }
    this.memory.put({ since: String(value?.next ?? ''), news: [...this.memory.values.news, ...items].slice(-KEPT_NEWS) });
    this.heard(value, items);
  }
}
