import 'fake-indexeddb/auto';
import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { IDBFactory } from 'fake-indexeddb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import cases from './canonical.json';
import { canonical, sha256 } from '../canonical';
import type { Event } from '../contract';
import { shifted } from '../clock';
import { freeName } from '../coursework';
import { DirectBackend } from '../direct';
import { Outbox } from '../outbox';
import { Sender } from '../sender';

type Answer = [number, unknown?, Record<string, string>?];

let server: Server;
let url = '';
/** Bodies of POST /events, in order; answers by script, then 202. */
let posted: Event[][] = [];
let script: Answer[] = [];
let other: Record<string, (body: any, headers: any) => Answer> = {};
let asked: string[] = [];

beforeEach(async () => {
  posted = [];
  script = [];
  asked = [];
  other = {};
  server = createServer((request, response) => {
    let text = '';
    request.on('data', chunk => {
      text += chunk;
    });
    request.on('end', () => {
      const body = text ? JSON.parse(text) : null;
      const name = `${request.method} ${(request.url ?? '').split('?')[0]}`;
      asked.push(name);
      let answer: Answer = [404, { detail: 'Not Found' }];
      if (name === 'POST /api/v1/events') {
        posted.push(body);
        answer = script.shift() ?? [202, { batch_stats: { failed_events: [] } }];
      } else if (other[name]) {
        answer = other[name](body, request.headers);
      }
      if (answer[0] === 0) {
        request.socket.destroy();
        return;
      }
      response.writeHead(answer[0], { 'Content-Type': 'application/json', ...answer[2] });
      response.end(JSON.stringify(answer[1] ?? {}));
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

const senders: Sender[] = [];

afterEach(async () => {
  senders.splice(0).forEach(sender => sender.stop());
  server.closeAllConnections();
  await new Promise(resolve => server.close(resolve));
});

async function sending(count: number, answers: Answer[], event: (index: number) => Event = index => ({ n: index })) {
  script = answers;
  const outbox = new Outbox<Event>({ name: 'events', owner: 'a', factory: new IDBFactory() });
  await outbox.add(Array.from({ length: count }, (_, index) => ({ id: String(index), value: event(index) })));
  const delivered: Event[] = [];
  const refused: Event[] = [];
  const problems: (string | null)[] = [];
  const sender = new Sender({
    outbox,
    route: () => ({ url, headers: { Authorization: 'Student T' } }),
    delivered: events => delivered.push(...events),
    refused: one => refused.push(one),
    tell: problem => problems.push(problem),
    scale: 0.001
  });
  senders.push(sender);
  sender.kick();
  await vi.waitFor(async () => expect(await outbox.count()).toBe(0), 5000);
  return { delivered: delivered.map(one => one.n), refused: refused.map(one => one.n), problems, outbox };
}

describe('the sender', () => {
  const order = (count: number) => Array.from({ length: count }, (_, index) => index);

  it('sends in order, a hundred at a time', async () => {
    expect((await sending(250, [])).delivered).toEqual(order(250));
    expect(posted.map(batch => batch.length)).toEqual([100, 100, 50]);
  });

  it('repeats the same batch after 503, a cut and what is no 202', async () => {
    const found = await sending(3, [[503, {}, { 'Retry-After': '1' }], [0], [200], [404]]);
    expect(found.delivered).toEqual([0, 1, 2]);
    expect(posted.map(batch => batch.map(one => one.n))).toEqual(Array.from({ length: 5 }, () => [0, 1, 2]));
    expect(found.problems).toEqual(['busy', 'unreachable', 'wrong-address', null]);
  });

  it('takes out what failed, by index and by loc', async () => {
    const failed = { batch_stats: { failed_events: [{ index: 1, error: 'bad' }] } };
    const found = await sending(4, [[422, { detail: [{ loc: ['body', 2, 'x'] }] }], [202, failed]]);
    expect(found.refused).toEqual([2, 1]);
    expect(found.delivered).toEqual([0, 3]);
  });

  it('halves a batch until the bad one stands alone', async () => {
    const answer = () => (posted[posted.length - 1].some(one => one.n === 2) ? 422 : 202);
    const answers: Answer[] = [];
    Object.defineProperty(answers, 'shift', { value: () => [answer(), {}] });
    const found = await sending(4, answers);
    expect(found.refused).toEqual([2]);
    expect(found.delivered).toEqual([0, 1, 3]);
  });

  it('gives up output, then code, then the event where it is too large', async () => {
    const found = await sending(1, [[413], [413], [413]], () => ({ n: 0, result: 'r', code: 'c' }));
    expect(found.refused).toEqual([0]);
    expect(posted).toEqual([[{ n: 0, result: 'r', code: 'c' }], [{ n: 0, code: 'c' }], [{ n: 0 }]]);
  });

  it('keeps all of it while the device is refused', async () => {
    const found = await sending(2, [[401], [403]]);
    expect(found.problems).toEqual(['refused', null]);
    expect(found.delivered).toEqual([0, 1]);
  });
});

describe('canonical notebooks', () => {
  it.each(cases)('%# has the hash of the server part', async one => {
    const bytes = canonical(JSON.parse(one.json));
    expect(await sha256(bytes)).toBe(one.sha256);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(one.sha256);
  });
});

describe('without a server part', () => {
  const student = { id: 7 };
  let stored: Record<string, string> = {};

  function backend(): DirectBackend {
    vi.stubGlobal('document', { hidden: true });
    return new DirectBackend({
      contents: {
        get: async () => ({ content: [{ name: 'a.ipynb' }] }),
        save: async () => ({})
      } as any,
      storage: { getItem: key => stored[key] ?? null, setItem: (key, value) => { stored[key] = value; } },
      factory: new IDBFactory(),
      scale: 0.001
    });
  }

  beforeEach(() => {
    stored = {};
    other['POST /api/v1/me/token'] = () => [201, { token: 'T', status: 'active', student, class: { name: '3A' } }];
    other['GET /api/v1/events/health'] = () => [200, { timestamp: new Date().toISOString() }];
  });

  const who = () => ({ url, user_id: 'u@example.com', user_name: 'U', team: '', class_code: 'K7QF-2M9X' });

  it('asks nothing before a yes, then claims a token and sends as the student', async () => {
    const one = backend();
    const state = await one.connect(who());
    expect(state.privacy.consent).toBe('unasked');
    await one.runs([{ eventId: 'x', eventType: 'cell_execution_start', eventTime: '2026-11-28T10:00:00.000Z' }]);
    await one.hints([{ kind: 'opened', path: 'a.ipynb' }]);
    expect(asked).toEqual([]);
    expect((await one.state()).queue.waiting).toBe(0);
    expect((await one.consent(true)).device.class?.name).toBe('3A');
    await one.hints([{ kind: 'opened', path: 'b.ipynb' }]);
    await vi.waitFor(() => expect(posted.flat().map(event => event.eventType)).toEqual(['session_start', 'notebook_opened']));
    expect(posted.flat()[1]).toMatchObject({ notebookPath: 'b.ipynb', emailAddress: 'u@example.com', userName: 'U' });
    await vi.waitFor(async () => expect((await one.sent()).sent).toHaveLength(2));
    expect((await one.state()).text.code).toBe('sending');
  });

  it('waits for its confirmation and keeps what runs', async () => {
    let status = 'waiting';
    other['POST /api/v1/me/token'] = () => [201, { token: 'T', status, check_number: '42', student, class: null }];
    other['GET /api/v1/me/token'] = () => [200, { status, student, class: { name: '3A' } }];
    const one = backend();
    await one.connect(who());
    const state = await one.consent(true);
    expect(state.device).toMatchObject({ status: 'waiting', check_number: '42' });
    await one.hints([{ kind: 'opened', path: 'b.ipynb' }]);
    expect(posted).toEqual([]);
    status = 'active';
    await vi.waitFor(() => expect(posted.flat()).toHaveLength(2), 3000);
    expect((await one.state()).device.check_number).toBe('42');
  });

  it('says when the code is unknown, the address none, or the product away', async () => {
    const one = backend();
    await expect(one.connect({ ...who(), url: 'no address' })).rejects.toMatchObject({ text: { code: 'bad-address' } });
    other['POST /api/v1/me/token'] = () => [401, {}];
    await one.connect(who());
    expect((await one.consent(true)).text.code).toBe('code-unknown');
    await expect(one.assignments()).rejects.toMatchObject({ text: { code: 'not-connected' } });
    other['POST /api/v1/me/token'] = () => [0];
    expect((await one.connect(who())).text.code).not.toBe('sending');
  });

  it('keeps the code while the product is away or busy, and uses it then', async () => {
    const tries: Answer[] = [[503], [429]];
    let code = '';
    other['POST /api/v1/me/token'] = body => {
      code = body.class_code;
      return tries.shift() ?? [201, { token: 'T', status: 'active', student, class: { name: '3A' } }];
    };
    const one = backend();
    await one.connect(who());
    expect((await one.consent(true)).text.code).toBe('busy');
    await one.hints([{ kind: 'opened', path: 'b.ipynb' }]);
    one.start();
    await vi.waitFor(() => expect(posted.flat()).toHaveLength(2), 5000);
    expect(code).toBe('K7QF-2M9X');
  });

  it('says what is wrong where the product takes no name of that kind, or is busy', async () => {
    const one = backend();
    other['POST /api/v1/me/token'] = () => [422, { detail: [{ loc: ['body', 'userName'], msg: 'too long' }] }];
    await one.connect(who());
    expect((await one.consent(true)).text.code).toBe('not-taken');
    other['GET /api/v1/me'] = () => [503];
    await expect(one.assignments()).rejects.toMatchObject({ text: { code: 'busy-now' }, status: 503 });
    other['GET /api/v1/assignments/3/starter'] = () => [500];
    await expect(one.fetch(3, '')).rejects.toMatchObject({ text: { code: 'busy-now' } });
  });

  it('pauses, helps, and asks no more', async () => {
    const one = backend();
    await one.connect(who());
    await one.consent(true);
    expect((await one.pause(15)).privacy).toMatchObject({ paused: true });
    await expect(one.help(true, {})).rejects.toMatchObject({ text: { code: 'help-not-recording' } });
    await one.hints([{ kind: 'opened', path: 'secret.ipynb' }]);
    expect((await one.resume()).privacy.paused).toBe(false);
    expect((await one.help(true, { path: 'a.ipynb', cellId: 'c' })).is_on).toBe(true);
    await vi.waitFor(() => expect(posted.flat().some(event => event.eventType === 'help' && event.cellId === 'c')).toBe(true));
    expect((await one.help(false, {})).is_on).toBe(false);
    await vi.waitFor(() => expect(posted.flat().some(event => event.eventType === 'help_stop')).toBe(true));
    expect(JSON.stringify(posted)).not.toContain('secret');
  });

  it('hands in once, however often it is tried', async () => {
    const keys: string[] = [];
    other['POST /api/v1/submissions'] = (body, headers) => {
      keys.push(headers['idempotency-key']);
      const sha = createHash('sha256').update(canonical(body.notebook_content)).digest('hex');
      return keys.length === 1 ? [503] : [201, { attempt: 1, submitted_at: '2026-11-28T10:00:00Z', content_sha256: sha }];
    };
    const one = backend();
    await one.connect(who());
    await one.consent(true);
    const notebook = { cells: [], metadata: {}, nbformat: 4, nbformat_minor: 5 };
    await expect(one.handIn(3, notebook, '')).rejects.toMatchObject({ more: { is_draft: true } });
    other['GET /api/v1/me'] = () => [200, { assignments: [{ id: 3, title: 'A' }] }];
    expect(Object.keys((await one.assignments()).drafts ?? {})).toEqual(['3']);
    const receipt = await one.handIn(3, notebook, '');
    expect(receipt).toMatchObject({ attempt: 1, is_same: true });
    expect(keys[0]).toBe(keys[1]);
    expect((await one.assignments()).drafts).toEqual({});
  });

  it('writes a starter beside what is there', async () => {
    const one = backend();
    await one.connect(who());
    await one.consent(true);
    other['GET /api/v1/assignments/3/starter'] = () => [200, { filename: '../a.ipynb', content: {} }];
    expect((await one.fetch(3, '')).path).toBe('a-2.ipynb');
    await expect(one.fetch(4, '')).rejects.toMatchObject({ text: { code: 'no-starter' } });
    expect(freeName('', new Set())).toBe('assignment.ipynb');
  });

  it("moves times to the product's clock", () => {
    const event = { eventTime: '2026-11-28T10:00:00.000Z', metadata: { startedAt: '2026-11-28T09:59:00.000Z' } };
    expect(shifted(event, 60_000)).toEqual({
      eventTime: '2026-11-28T10:01:00.000Z',
      metadata: { startedAt: '2026-11-28T10:00:00.000Z', clockOffsetMs: 60_000 }
    });
    expect(shifted(event, 0)).toBe(event);
  });
});
