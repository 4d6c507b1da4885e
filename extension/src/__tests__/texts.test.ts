import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';

import ja from '../ja.json';
import lateness from './lateness.json';
import { dueAt, dueText, helpWords, summary, withoutOutputs, countCells, workState } from '../words';
import { distanceText, languageOf, said, setLanguage, t } from '../texts';
import { NoServer, type IHelp, type IState } from '../api';
import { VERSION } from '../version';

const SOURCES = join(__dirname, '..');
const NOW = Date.parse('2026-11-28T10:00:00Z');

afterEach(() => setLanguage('en'));

function used(): Set<string> {
  const found = new Set<string>();
  for (const name of readdirSync(SOURCES).filter(file => /\.tsx?$/.test(file))) {
    for (const match of readFileSync(join(SOURCES, name), 'utf8').matchAll(/\bt\(\s*'((?:[^'\\]|\\.)*)'/g)) {
      found.add(match[1]);
    }
    if (['connection.ts', 'coursework.ts', 'direct.ts', 'helprequest.ts', 'product.ts'].includes(name)) {
      // Texts in both languages: the English ones are the long strings of those files.
      for (const match of readFileSync(join(SOURCES, name), 'utf8').matchAll(/'([A-Z{][^'\\\n]* [^'\\\n]{8,})'/g)) {
        found.add(match[1]);
      }
    }
  }
  return found;
}

describe('translations', () => {
  const schema = JSON.parse(readFileSync(join(SOURCES, '../schema/plugin.json'), 'utf8'));
  const settings = [schema.title, schema.description];
  for (const property of Object.values(schema.properties) as { title: string; description: string }[]) {
    settings.push(property.title, property.description);
  }

  it('has every text in Japanese and none that nobody says', () => {
    const spoken = [...used(), ...settings].filter(text => text !== 'Cell Monitor');
    expect(spoken.length).toBeGreaterThan(100);
    const known = Object.keys(ja).filter(Boolean);
    expect(spoken.filter(text => !known.includes(text))).toEqual([]);
    expect(known.filter(text => !spoken.includes(text))).toEqual([]);
  });

  it('keeps the names of values', () => {
    for (const [english, japanese] of Object.entries(ja as unknown as Record<string, string[]>)) {
      if (english) {
        const names = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();
        expect(names(japanese[0])).toEqual(names(english));
      }
    }
  });

  it('speaks the language of Lab, else of the browser', () => {
    expect(languageOf('ja_JP', 'en-US')).toBe('ja');
    expect(languageOf('en', 'ja')).toBe('ja');
    expect(languageOf('default', 'en-GB')).toBe('en');
    expect(languageOf('fr_FR', 'ja')).toBe('en');
    expect(languageOf(undefined, undefined)).toBe('en');
  });

  it('fills in values as text', () => {
    setLanguage('ja');
    expect(t('Waiting: {count}', { count: 3 })).toBe('送信待ち：3 件');
    expect(t('not known {x}', { x: '<b>' })).toBe('not known <b>');
    expect(said({ code: 'x', en: 'a', ja: 'あ' })).toBe('あ');
  });
});

it('has the version of the Python package', () => {
  expect(readFileSync(join(SOURCES, '../cell_monitor_lab/__init__.py'), 'utf8')).toContain(`__version__ = "${VERSION}"`);
  expect(JSON.parse(readFileSync(join(SOURCES, '../package.json'), 'utf8')).version).toBe(VERSION);
});

function state(more: Partial<IState> = {}): IState {
  return {
    version: VERSION,
    identity: { url: 'https://a.example', user_id: 'u', user_name: '', team: '', sources: {}, editable: [], has_credential: true },
    device: { status: 'active', check_number: null, class: { name: '3A' } },
    privacy: { consent: 'given', paused: false, paused_until: null },
    consent_text: { code: 'consent', en: '', ja: '' },
    text: { code: 'sending', en: 'Connected.', ja: '' },
    queue: { waiting: 0, dropped: 0, refused: 0, oldest: null, is_durable: true },
    help: { is_on: false, since: null, text: { code: 'help-off', en: '', ja: '' }, product: {} },
    kernels: [],
    news: [],
    ...more
  };
}

describe('summary', () => {
  const offline = { code: 'unreachable', en: 'a.example cannot be reached.', ja: '' };
  const queue = { waiting: 214, dropped: 0, refused: 0, oldest: '2026-11-28T09:59:58Z', is_durable: true };

  it.each([
    ['sending', 'Sending', state()],
    ['sending', 'Sending', state({ queue: { ...queue, waiting: 3 } })],
    ['waiting', 'Waiting: 214', state({ queue, text: offline })],
    ['waiting', 'Waiting: 214', state({ queue: { ...queue, oldest: '2026-11-28T09:58:00Z' } })],
    ['off', 'Not connected', state({ text: offline })],
    ['paused', 'Paused', state({ privacy: { consent: 'given', paused: true, paused_until: null } })],
    ['off', 'Not sending', state({ privacy: { consent: 'unasked', paused: false, paused_until: null } })],
    ['off', 'Not set up', state({ identity: { ...state().identity, user_id: '' } })],
    ['waiting', 'To be confirmed', state({ device: { status: 'waiting', check_number: 42, class: null } })]
  ])('says %s: %s', (kind, label, one) => {
    expect(summary(one, null, NOW)).toMatchObject({ kind, label });
  });

  it('says which half is missing', () => {
    expect(summary(state(), new NoServer('missing'), NOW).kind).toBe('missing');
    expect(summary(null, new NoServer('version', '9.9.0'), NOW).detail).toContain('9.9.0');
  });
});

describe('help', () => {
  const asked = (product: IHelp['product'], code = 'help-asked'): IHelp => ({
    is_on: true,
    since: '2026-11-28T09:42:00Z',
    text: { code, en: 'It waits.', ja: '' },
    product
  });

  it.each([
    [undefined, 'Ask for help'],
    [asked({}, 'help-asking'), 'Asking …'],
    [asked({}), 'Help requested'],
    [asked({ state: 'asked', place: 2, of: 5 }), 'Help requested: number 2'],
    [asked({ state: 'coming', by_name: 'Ms Ito' }), 'On the way'],
    [asked({ state: 'not_found' }), 'Help requested']
  ])('%# has its label', (help, label) => {
    expect(helpWords(help, NOW).label).toBe(label);
  });

  it('says who comes and which place one has', () => {
    expect(helpWords(asked({ state: 'coming', by_name: 'Ms Ito' }), NOW).detail).toBe('Ms Ito is on the way.');
    expect(helpWords(asked({ place: 2, of: 5 }), NOW).detail).toContain('2 of 5');
  });
});

describe('assignments', () => {
  const work = { id: 1, title: 'Week 3', due_date: '2026-11-28T12:00:00Z', points: 10 };

  it.each([
    [{}, false, false, 'open', 'Not started'],
    [{}, true, false, 'fetched', 'In your files'],
    [{ submitted_at: '2026-11-28T09:00:00Z' }, true, false, 'handed-in', 'Handed in: '],
    [{ submitted_at: '2026-11-28T12:01:00Z' }, true, false, 'handed-in', 'Handed in late: '],
    [{ submitted_at: '2026-11-28T09:00:00Z', grade: 0 }, true, false, 'graded', 'Graded: 0 of 10'],
    [{ due_date: '2026-11-27T12:00:00Z' }, false, false, 'late', 'Late: not handed in'],
    [{}, true, true, 'draft', 'Not handed in yet']
  ])('%# is in its state', (more, isFetched, hasDraft, kind, label) => {
    const found = workState({ ...work, ...more }, isFetched, hasDraft, NOW);
    expect(found.kind).toBe(kind);
    expect(found.label).toContain(label);
  });

  it.each(lateness)('due $due, handed in $submitted: late is $is_late', ({ due, submitted, is_late }) => {
    const handedIn = { ...work, due_date: due, submitted_at: submitted };
    expect(Date.parse(submitted) > dueAt(due)).toBe(is_late);
    expect(workState(handedIn, false, false, NOW).label).toContain(is_late ? 'Handed in late' : 'Handed in:');
  });

  it('says when it is due', () => {
    expect(dueText(work.due_date, NOW)).toContain('in 2 hours');
    expect(distanceText('2026-12-03T10:00:00Z', NOW)).toBe('in 5 days');
    expect(dueText(null)).toBe('No due date');
  });

  it('counts cells and takes outputs away', () => {
    const content = {
      metadata: { kept: true },
      cells: [
        { cell_type: 'code', source: 'print(1)', execution_count: 1, outputs: [{}] },
        { cell_type: 'code', source: ['x'], execution_count: null, outputs: [] },
        { cell_type: 'code', source: ' ', execution_count: null, outputs: [] },
        { cell_type: 'markdown', source: '# A' }
      ]
    };
    expect(countCells(content)).toEqual({ cells: 4, unrun: 1 });
    const bare = withoutOutputs(content) as typeof content;
    expect(bare.cells[0]).toMatchObject({ outputs: [], execution_count: null, source: 'print(1)' });
    expect(bare.cells[3]).toEqual(content.cells[3]);
    expect(bare.metadata).toEqual({ kept: true });
    expect(content.cells[0].outputs).toHaveLength(1);
  });
});
