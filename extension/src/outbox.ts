/**
 * What waits in the browser until the other half has it on disk: written before it is posted, deleted on 200. It
 * survives a reload and a crash; what a closed tab left behind is taken over by the next.
 */

export interface IEntry<T> {
  /** Names the entry: the same id twice is one entry. */
  id: string;
  /** The tab that posts it. */
  owner: string;
  /** When it was added, by Date.now(). */
  at: number;
  value: T;
}

/** A stored entry with its place in the order. */
export interface IRow<T> extends IEntry<T> {
  seq: number;
}

export interface IOutboxOptions {
  name: string;
  owner: string;
  factory?: IDBFactory;
  storage?: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
  limit?: number;
  /** After how long an entry of another tab is taken over, in milliseconds. */
  orphanMs?: number;
  now?: () => number;
}

const STORE = 'outbox';

export class Outbox<T> {
  constructor(private readonly options: IOutboxOptions) {
    this.now = options.now ?? Date.now;
  }

  /** Whether entries survive a reload; in some private windows there is no database. */
  get isDurable(): boolean {
    return !this.memory;
  }

  /** How many were given up because there were too many. */
  dropped = 0;

  /** Keep values; resolves once they are stored. */
  async add(values: { id: string; value: T }[]): Promise<void> {
    const at = this.now();
    const entries = values.map(({ id, value }) => ({ id, owner: this.options.owner, at, value }));
    entries.forEach(entry => this.unwritten.set(entry.id, entry));
    const isWritten = await this.write(entries);
    entries.forEach(entry => this.unwritten.delete(entry.id));
    const db = await this.open();
    if (!isWritten || db === null) {
      this.remember(entries);
      return;
    }
    this.sinceTrim += entries.length;
    if (this.sinceTrim >= 100) {
      this.sinceTrim = 0;
      await this.trim(db);
    }
  }

  /**
   * The page goes. A browser may break off what it has begun to write to its database then, but not what is written
   * into `localStorage`, where the next page finds it.
   */
  last(): void {
    if (!this.unwritten.size) {
      return;
    }
    try {
      const entries = [...this.leftBehind(), ...this.unwritten.values()];
      this.storage?.setItem(this.lastKey, JSON.stringify(entries));
    } catch {
      // Full, or forbidden.
    }
  }

  /** Return the oldest of this tab's entries, and those that no tab has posted for long. */
  async next(limit = 100): Promise<IRow<T>[]> {
    const { owner, orphanMs = 30_000 } = this.options;
    const before = this.now() - orphanMs;
    const rows = await this.all();
    return rows.filter(row => row.owner === owner || row.at < before).slice(0, limit);
  }

  /** Return all entries, oldest first. */
  async all(): Promise<IRow<T>[]> {
    const db = await this.open();
    const stored: IRow<T>[] = db === null ? [] : await result(db, store => store.getAll());
    return [...stored, ...this.unstored].sort((a, b) => a.seq - b.seq);
  }

  async count(): Promise<number> {
    const db = await this.open();
    return this.unstored.length + (db === null ? 0 : await result<number>(db, store => store.count()));
  }

  /** Forget what was delivered. */
  async remove(rows: { seq: number }[]): Promise<void> {
    const gone = new Set(rows.map(row => row.seq));
    this.unstored = this.unstored.filter(row => !gone.has(row.seq));
    const db = await this.open();
    if (db !== null && rows.length) {
      await done(db, 'readwrite', store => gone.forEach(seq => store.delete(seq)));
    }
  }

  /** Store an entry anew, such as one whose output was cut. */
  async replace(row: IRow<T>): Promise<void> {
    const index = this.unstored.findIndex(other => other.seq === row.seq);
    if (index >= 0) {
      this.unstored[index] = row;
      return;
    }
    const db = await this.open();
    if (db !== null) {
      await done(db, 'readwrite', store => store.put(row));
    }
  }

  async clear(): Promise<void> {
    this.unstored = [];
    const db = await this.open();
    if (db !== null) {
      await done(db, 'readwrite', store => store.clear());
    }
  }

  close(): void {
    void this.opened?.then(db => db?.close());
  }

  /** Return false where there is no database, or no room in it. */
  private async write(entries: IEntry<T>[]): Promise<boolean> {
    const db = await this.open();
    if (db === null) {
      return false;
    }
    return done(db, 'readwrite', store => entries.forEach(entry => store.put(entry))).then(
      () => true,
      () => false
    );
  }

  /** Move what the last page left into the database, before anything newer. */
  private async takeOver(db: IDBDatabase): Promise<void> {
    const entries = this.leftBehind();
    if (entries.length) {
      await done(db, 'readwrite', store => entries.forEach(entry => store.put(entry)));
      this.storage?.removeItem(this.lastKey);
    }
  }

  private leftBehind(): IEntry<T>[] {
    try {
      return JSON.parse(this.storage?.getItem(this.lastKey) ?? '[]') as IEntry<T>[];
    } catch {
      return [];
    }
  }

  private get storage(): IOutboxOptions['storage'] {
    return this.options.storage ?? (globalThis as { localStorage?: Storage }).localStorage;
  }

  private get lastKey(): string {
    return `${this.options.name} last`;
  }

  private remember(entries: IEntry<T>[]): void {
    for (const entry of entries) {
      if (!this.unstored.some(row => row.id === entry.id)) {
        this.unstored.push({ ...entry, seq: 1e15 + this.unstoredSeq++ }); // after all that is stored
      }
    }
    const over = this.unstored.length - (this.options.limit ?? 5000);
    if (over > 0) {
      this.unstored.splice(0, over);
      this.dropped += over;
    }
  }

  private async trim(db: IDBDatabase): Promise<void> {
    const over = (await result<number>(db, store => store.count())) - (this.options.limit ?? 5000);
    if (over > 0) {
      const keys = await result<IDBValidKey[]>(db, store => store.getAllKeys(undefined, over));
      await done(db, 'readwrite', store => keys.forEach(key => store.delete(key)));
      this.dropped += over;
    }
  }

  private open(): Promise<IDBDatabase | null> {
    if (!this.opened) {
      this.opened = opened(this.options.name, this.options.factory)
        .then(async db => {
          await this.takeOver(db).catch(() => undefined);
          return db;
        })
        .catch(() => {
          this.memory = true;
          return null;
        });
    }
    return this.opened;
  }

  private readonly now: () => number;
  private opened: Promise<IDBDatabase | null> | null = null;
  private memory = false;
  private unstored: IRow<T>[] = [];
  private unstoredSeq = 0;
  private sinceTrim = 0;
  private readonly unwritten = new Map<string, IEntry<T>>();
}

function opened(name: string, factory?: IDBFactory): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = (factory ?? indexedDB).open(name, 1);
    request.onupgradeneeded = () => {
      const store = request.result.createObjectStore(STORE, { keyPath: 'seq', autoIncrement: true });
      store.createIndex('id', 'id', { unique: true });
    };
    request.onsuccess = () => {
      const db = request.result;
      db.onversionchange = () => db.close();
      resolve(db);
    };
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error('blocked'));
  });
}

/** Resolve once a transaction is complete. An id that is there already is left as it is. */
function done(db: IDBDatabase, mode: IDBTransactionMode, work: (store: IDBObjectStore) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const transaction = db.transaction(STORE, mode);
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
    transaction.onerror = event => {
      if ((event.target as IDBRequest).error?.name === 'ConstraintError') {
        event.preventDefault();
        event.stopPropagation();
      }
    };
    work(transaction.objectStore(STORE));
  });
}

function result<R>(db: IDBDatabase, work: (store: IDBObjectStore) => IDBRequest): Promise<R> {
  return new Promise((resolve, reject) => {
    const request = work(db.transaction(STORE, 'readonly').objectStore(STORE));
    request.onsuccess = () => resolve(request.result as R);
    request.onerror = () => reject(request.error);
  });
}
