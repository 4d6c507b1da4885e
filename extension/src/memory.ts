/** What the browser remembers for this site where there is no server part: who the student is, token, consent, news. */
import type { INews } from './api';
import { iso } from './contract';

const STORE = 'cell-monitor-lab';

export interface IToken {
  token: string;
  status: 'active' | 'waiting';
  check_number: string | null;
  student: { id: number } | null;
  class: { name?: string } | null;
}

export interface IMemory {
  url: string;
  user_id: string;
  user_name: string;
  team: string;
  class_code: string;
  /** The address that the student agreed to, or said no to. */
  consent: { url: string; answer: 'given' | 'refused' } | null;
  /** null: not paused; 0: until resumed; else until then, by Date.now(). */
  paused_until: number | null;
  token: IToken | null;
  news: INews[];
  since: string;
  fetched: Record<string, string>;
  drafts: Record<string, { sha256: string; key: string }>;
}

export const NOTHING: IMemory = {
  url: '',
  user_id: '',
  user_name: '',
  team: '',
  class_code: '',
  consent: null,
  paused_until: null,
  token: null,
  news: [],
  since: '',
  fetched: {},
  drafts: {}
};

export class Memory {
  constructor(private readonly given?: Pick<Storage, 'getItem' | 'setItem'>) {}

  /** Read anew each time: other tabs of this site write it too. */
  get values(): IMemory {
    try {
      const text = this.storage.getItem(STORE);
      return text ? { ...NOTHING, ...JSON.parse(text) } : { ...NOTHING, ...this.unstored };
    } catch {
      return { ...NOTHING, ...this.unstored };
    }
  }

  put(values: Partial<IMemory>): void {
    const memory = { ...this.values, ...values };
    this.unstored = memory;
    try {
      this.storage.setItem(STORE, JSON.stringify(memory));
    } catch {
      // Full, or forbidden: for as long as the page lives.
    }
  }

  get headers(): Record<string, string> | null {
    const { token } = this.values;
    return token?.status === 'active' ? { Authorization: `Student ${token.token}` } : null;
  }

  get host(): string {
    try {
      return new URL(this.values.url).host;
    } catch {
      return '';
    }
  }

  get consent(): 'given' | 'refused' | 'unasked' {
    const { consent, url } = this.values;
    return consent && consent.url === url ? consent.answer : 'unasked';
  }

  get isAllowed(): boolean {
    return this.consent === 'given';
  }

  get isPaused(): boolean {
    const until = this.values.paused_until;
    return until !== null && (until === 0 || until > Date.now());
  }

  get pausedUntil(): string | null {
    const until = this.values.paused_until;
    return this.isPaused && until ? iso(until / 1000) : null;
  }

  get isRecording(): boolean {
    return this.isAllowed && !this.isPaused && Boolean(this.values.url && this.values.user_id);
  }

  private get storage(): Pick<Storage, 'getItem' | 'setItem'> {
    return this.given ?? localStorage;
  }

  private unstored: Partial<IMemory> = {};
}
