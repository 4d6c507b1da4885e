import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { backoffMs, retryAfterMs } from '../backoff';
import { Outbox } from '../outbox';
import { Poster } from '../poster';

let factory = new IDBFactory();
let now = 1_000_000;
const posters: Poster<string>[] = [];

afterEach(() => {
  posters.splice(0).forEach(made => made.stop());
  factory = new IDBFactory();
});

function outbox(owner: string, more: object = {}): Outbox<string> {
  return new Outbox<string>({ name: 'test', owner, factory, now: () => now, ...more });
}

function poster(box: Outbox<string>, post: (values: string[], keepalive: boolean) => Promise<void>, more: object = {}): Poster<string> {
  const made = new Poster<string>({ outbox: box, post, scale: 0.001, ...more });
  posters.push(made);
  return made;
}

const values = async (box: Outbox<string>) => (await box.all()).map(row => row.value);
const one = (id: string) => ({ id, value: id });

describe('the outbox', () => {
  it('keeps order, and an id once, over a reload', async () => {
    const first = outbox('a');
    await first.add([one('1'), one('2')]);
    await first.add([one('2'), one('3')]);
    first.close();
    const second = outbox('b');
    expect(await values(second)).toEqual(['1', '2', '3']);
    expect(await second.count()).toBe(3);
    expect(second.isDurable).toBe(true);
  });

  it('keeps what a page that goes had not written yet, before what comes later, once', async () => {
    const kept = new Map<string, string>();
    const storage = {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, text: string) => void kept.set(key, text),
      removeItem: (key: string) => void kept.delete(key)
    };
    const gone = outbox('a', { storage });
    await gone.add([one('1')]);
    void gone.add([one('2')]);
    gone.last();
    expect([...kept.values()].join()).not.toContain('"1"');
    const next = outbox('b', { storage, factory: new IDBFactory() }); // the browser broke off what had begun
    await next.add([one('3')]);
    expect(await values(next)).toEqual(['2', '3']);
    expect(kept.size).toBe(0);
    next.last();
    expect(kept.size).toBe(0);
    await gone.add([one('4')]); // the page was not gone after all
    expect(await values(gone)).toEqual(['1', '2', '4']);
  });

  it('leaves to other tabs what they post themselves', async () => {
    const mine = outbox('a');
    const other = outbox('b');
    await mine.add([one('1')]);
    expect(await other.next()).toEqual([]);
    expect((await mine.next()).map(row => row.value)).toEqual(['1']);
    now += 31_000;
    expect((await other.next()).map(row => row.value)).toEqual(['1']);
  });

  it('drops the oldest above its limit and counts them', async () => {
    const box = outbox('a', { limit: 150 });
    for (let batch = 0; batch < 4; batch++) {
      await box.add(Array.from({ length: 100 }, (_, index) => one(`${batch * 100 + index}`)));
    }
    expect(await box.count()).toBe(150);
    expect(box.dropped).toBe(250);
    expect((await values(box))[0]).toBe('250');
  });

  it('works without a database, for as long as the page lives', async () => {
    const broken = { open: () => { throw new Error('private window'); } } as unknown as IDBFactory;
    const box = outbox('a', { factory: broken });
    await box.add([one('1'), one('1'), one('2')]);
    expect(await values(box)).toEqual(['1', '2']);
    expect(box.isDurable).toBe(false);
    await box.remove(await box.next(1));
    expect(await values(box)).toEqual(['2']);
  });
});

describe('the poster', () => {
  it('posts in order, and forgets after the answer only', async () => {
    const box = outbox('a');
    const posted: string[][] = [];
    let answer: () => void = () => undefined;
    const made = poster(box, batch => {
      posted.push(batch);
      return new Promise(resolve => { answer = resolve; });
    });
    await made.add([one('1')]);
    await vi.waitFor(() => expect(posted).toHaveLength(1));
    await made.add([one('2'), one('3')]);
    expect(await values(box)).toEqual(['1', '2', '3']);
    answer();
    await vi.waitFor(() => expect(posted).toEqual([['1'], ['2', '3']]));
    answer();
    await vi.waitFor(async () => expect(await box.count()).toBe(0));
  });

  it('repeats what failed, and gives up what can never be taken', async () => {
    const box = outbox('a');
    let failures = 2;
    const posted: string[] = [];
    const made = poster(
      box,
      async batch => {
        if (batch.includes('bad')) {
          throw new Error('never');
        }
        if (failures-- > 0) {
          throw new Error('later');
        }
        posted.push(...batch);
      },
      { isWorthRepeating: (error: Error) => error.message !== 'never' }
    );
    await made.add([one('1')]);
    await vi.waitFor(() => expect(posted).toEqual(['1']));
    await made.add([one('bad')]);
    await vi.waitFor(async () => expect(await box.count()).toBe(0));
    await made.add([one('2')]);
    await vi.waitFor(() => expect(posted).toEqual(['1', '2']));
  });

  it('posts a last time when the page goes, and leaves it to the next page', async () => {
    const box = outbox('a');
    const last: string[] = [];
    const made = poster(box, async (batch, keepalive) => {
      if (!keepalive) {
        throw new Error('offline');
      }
      last.push(...batch);
    }, { scale: 1000 });
    await made.add([one('1'), one('2')]);
    made.last();
    expect(last).toEqual(['1', '2']);
    expect(await box.count()).toBe(2);
  });
});

describe('waiting', () => {
  it('grows to a minute', () => {
    expect([1, 2, 3, 7, 50].map(failures => backoffMs(failures, () => 0.5))).toEqual([1000, 2000, 4000, 60_000, 60_000]);
    expect(backoffMs(1, () => 0)).toBeCloseTo(700);
    expect(backoffMs(1, () => 1)).toBeCloseTo(1300);
  });

  it('obeys Retry-After', () => {
    expect(retryAfterMs('7')).toBe(7000);
    expect(retryAfterMs('Sat, 28 Nov 2026 10:00:10 GMT', Date.parse('2026-11-28T10:00:00Z'))).toBe(10_000);
    expect(retryAfterMs(null)).toBeNull();
    expect(retryAfterMs('soon')).toBeNull();
  });
});
