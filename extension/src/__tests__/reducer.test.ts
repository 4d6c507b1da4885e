import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { eventId, sha1, uuid4, uuid5 } from '../ids';
import { applyCarriageReturns, clip, clipEnd, OutputText } from '../outputs';
import { type IOutput, Reducer } from '../reducer';

const FOLDER = join(__dirname, '../../traces');
const TRACES = readdirSync(FOLDER).filter(name => name.endsWith('.jsonl'));

/** A reducer with a clock of its own that rings when something is due. */
class Player {
  reducer = new Reducer({ kernelId: 'k', locate: () => ({ path: 'a.ipynb' }) });
  now = 0;
  outputs: IOutput[] = [];

  until(now: number): void {
    for (let rings = 0; rings < 10_000; rings++) {
      const due = this.reducer.due();
      if (due === null || due > now) {
        this.now = Math.max(now, this.now);
        return;
      }
      this.now = Math.max(this.now, due);
      this.outputs.push(...this.reducer.tick(this.now));
    }
    throw new Error('the reducer rings for nothing');
  }

  said(): string[] {
    return this.outputs.map(({ event, phase }) => {
      const words = [String(event.cellId ?? '-'), phase];
      if (phase === 'end') {
        words.push(event.status, event.metadata.reason ?? '-');
        words.push(event.status === 'error' ? (event.errorMessage ?? '-').split(':')[0] : '-');
      }
      while (words[words.length - 1] === '-') {
        words.pop();
      }
      return words.join(' ');
    });
  }
}

function played(name: string): { player: Player; expected: string[] } {
  const player = new Player();
  for (const line of readFileSync(join(FOLDER, name), 'utf8').trim().split('\n')) {
    const step = JSON.parse(line);
    if (step.expect) {
      player.until(player.now + 60);
      return { player, expected: step.expect };
    }
    player.until(step.at);
    const { reducer, now } = player;
    if (step.hint) {
      const { msgId, cellId, cellIndex } = step.hint;
      player.outputs.push(...reducer.hint({ msgId, cell: { path: 'a.ipynb', cellId, cellIndex }, code: '', queuedAt: now }, now));
    } else if (step.kernel === 'interrupted') {
      player.outputs.push(...reducer.interrupted(now));
    } else if (step.kernel) {
      player.outputs.push(...reducer.lifeEnded(step.kernel, now));
    } else {
      const { type, date, parent, content } = step.message;
      player.outputs.push(
        ...reducer.message({ type, date, parentId: parent ?? null, parentType: 'execute_request', content }, now)
      );
    }
  }
  throw new Error('a trace ends with what it expects');
}

/** A player that has heard run `a` stopped, with `b` waiting behind it. */
function stoppedRun() {
  const player = new Player();
  const said = (run: string, type: string, content: object) =>
    player.outputs.push(
      ...player.reducer.message({ type, date: 10, parentId: run, parentType: 'execute_request', content }, player.now)
    );
  for (const msgId of ['a', 'b']) {
    player.reducer.hint({ msgId, cell: { cellId: msgId }, code: '1', queuedAt: 0 }, 0);
  }
  said('a', 'execute_input', { code: '1', execution_count: 1 });
  said('a', 'error', { ename: 'KeyboardInterrupt', evalue: '', traceback: [] });
  said('a', 'status', { execution_state: 'idle' });
  return { player, said };
}

describe('the reducer', () => {
  it('has traces', () => expect(TRACES.length).toBeGreaterThanOrEqual(10));

  it.each(TRACES)('says what %s expects', name => {
    const { player, expected } = played(name);
    expect(player.said()).toEqual(expected);
  });

  it("takes times and durations from the kernel", () => {
    const ends = played('lab46_run_all_error.jsonl').player.outputs.filter(output => output.phase === 'end');
    expect(ends[1].event.executionDurationMs).toBeCloseTo(1527.8, 0);
    expect(ends[1].event.eventTime).toBe('2026-11-27T22:32:14.498Z');
    expect(played('lab46_flood.jsonl').player.outputs[1].event.executionDurationMs).toBeCloseTo(1777, 0);
  });

  it('says of what a restart aborts behind the run that it stops that it was restarted', () => {
    const { player, said } = stoppedRun();
    said('b', 'status', { execution_state: 'idle' });
    player.outputs.push(...player.reducer.lifeEnded('restarted', player.now));
    player.until(60);
    expect(player.said()).toEqual(['a start', 'a end aborted restarted', 'b end aborted restarted']);
  });

  it('says the same when the next run has begun before the restart is told', () => {
    const { player, said } = stoppedRun();
    said('b', 'execute_input', { code: '1', execution_count: 2 });
    player.until(1.5);
    player.outputs.push(...player.reducer.lifeEnded('restarted', player.now));
    player.until(60);
    expect(player.said()).toEqual(['a start', 'a end aborted restarted', 'b start', 'b end aborted restarted']);
  });

  it('closes a run by its reply where idle never comes', () => {
    const player = new Player();
    const said = (type: string, content: object, date: number) => ({ type, date, parentId: 'r', parentType: 'execute_request', content });
    player.reducer.hint({ msgId: 'r', cell: { cellId: 'c' }, code: '1', queuedAt: 0 }, 0);
    player.outputs.push(...player.reducer.message(said('execute_input', { code: '1', execution_count: 1 }, 10), 0.1));
    player.outputs.push(...player.reducer.message(said('execute_reply', { status: 'ok' }, 11), 0.2));
    player.until(4);
    expect(player.said()).toEqual(['c start']);
    player.until(6);
    expect(player.said()).toEqual(['c start', 'c end success']);
  });

  it('ends what is over when the page goes, and what runs where the kernel goes with it', () => {
    const begun = () => {
      const player = new Player();
      const say = (run: string, type: string, content: object) =>
        player.outputs.push(
          ...player.reducer.message({ type, date: 10, parentId: run, parentType: 'execute_request', content }, player.now)
        );
      for (const msgId of ['a', 'b']) {
        player.outputs.push(...player.reducer.hint({ msgId, cell: { cellId: msgId }, code: '1', queuedAt: 0 }, 0));
      }
      say('a', 'execute_input', { code: '1', execution_count: 1 });
      return { player, say };
    };
    const over = begun();
    over.say('a', 'status', { execution_state: 'idle' });
    expect(over.player.said()).toEqual(['a start']); // output of other threads may still come
    over.player.outputs.push(...over.player.reducer.close(false, over.player.now));
    expect(over.player.said()).toEqual(['a start', 'a end success']);

    const running = begun();
    running.player.outputs.push(...running.player.reducer.close(false, running.player.now));
    expect(running.player.said()).toEqual(['a start']); // its kernel runs on elsewhere
    running.player.outputs.push(...running.player.reducer.close(true, running.player.now));
    expect(running.player.said()).toEqual(['a start', 'a end aborted shutdown', 'b end aborted shutdown']);
  });

  it('reports nothing of cells that are off, and no text of private ones', () => {
    const player = new Player();
    const run = (id: string, cell: object) => {
      const said = (type: string, content: object) => ({ type, date: 10, parentId: id, parentType: 'execute_request', content });
      player.reducer.hint({ msgId: id, cell, code: 'secret', queuedAt: 0 }, player.now);
      for (const message of [
        said('execute_input', { code: 'secret', execution_count: 1 }),
        said('stream', { name: 'stdout', text: 'secret' }),
        said('error', { ename: 'secret', evalue: 'secret', traceback: ['secret'] }),
        said('status', { execution_state: 'idle' })
      ]) {
        player.outputs.push(...player.reducer.message(message, player.now));
      }
      player.until(player.now + 1);
    };
    run('a', { cellId: 'off', isOff: true });
    run('b', { cellId: 'private', isPrivate: true });
    expect(player.said().map(text => text.split(' ').slice(0, 2).join(' '))).toEqual(['private start', 'private end']);
    expect(JSON.stringify(player.outputs)).not.toContain('secret');
  });
});

describe('ids', () => {
  it('are those of RFC 9562 and of the server part', () => {
    const hex = (bytes: Uint8Array) => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
    expect(hex(sha1(new TextEncoder().encode('abc')))).toBe('a9993e364706816aba3e25717850c26c9cd0d89d');
    expect(hex(sha1(new Uint8Array(0)))).toBe('da39a3ee5e6b4b0d3255bfef95601890afd80709');
    expect(hex(sha1(new TextEncoder().encode('a'.repeat(119))))).toHaveLength(40);
    expect(uuid5('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'www.example.com')).toBe('2ed6657d-e927-568b-95e1-2665a8aea6a2');
    expect(eventId('m', 'start')).not.toBe(eventId('m', 'end'));
    expect(uuid4()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});

describe('output', () => {
  it('is joined, marked and cut', () => {
    const output = new OutputText();
    output.add('stdout', 'a');
    output.add('stderr', 'b');
    output.add('result', '42\n');
    expect(output.text()).toBe('a\n[stderr]\nb\n42\n');
    output.clear(true);
    expect(output.text()).not.toBe('');
    output.add('stdout', 'x'.repeat(50_000));
    const text = output.text();
    expect(text).toContain(`[… ${(50_000 - 16 * 1024).toLocaleString('en-US')} bytes are not shown …]`);
    expect(text.length).toBeLessThan(17_000);
  });

  it('overwrites lines as a terminal does', () => {
    expect(applyCarriageReturns('10%\r50%\r100%\nx')).toBe('100%\nx');
    expect(applyCarriageReturns('abc\rx\r\n')).toBe('xbc\n');
  });

  it('cuts between characters', () => {
    expect(clip('日本語', 7)).toBe('日本');
    expect(clipEnd('日本語', 7)).toBe('本語');
    expect(clipEnd('a😀', 4)).toBe('😀');
  });
});
