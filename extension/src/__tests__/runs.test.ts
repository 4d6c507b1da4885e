import type { Kernel } from '@jupyterlab/services';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import type { IHint } from '../api';
import type { Event } from '../contract';
import type { Where } from '../hints';
import { BrowserRuns, Teller } from '../runs';

const connection = { id: 'k', statusChanged: { connect: () => undefined } } as unknown as Kernel.IKernelConnection;
const where = { locate: () => ({ path: 'a.ipynb', cellId: 'found' }) } as unknown as Where;

let teller: Teller;
let told: Event[];
let runs: BrowserRuns;
let isRecording: boolean;

function hear(type: string, parent: string, content: object): void {
  const header = { msg_type: type, date: new Date().toISOString() };
  const msg = { header, parent_header: { msg_id: parent, msg_type: 'execute_request' }, content };
  runs.listen(connection, { direction: 'recv', msg } as unknown as Kernel.IAnyMessageArgs, where);
}

function send(msgId: string): void {
  const msg = { header: { msg_type: 'execute_request' } };
  runs.listen(connection, { direction: 'send', msg } as unknown as Kernel.IAnyMessageArgs, where);
  runs.hint({ kind: 'run', kernelId: 'k', msgId, path: 'a.ipynb', cellId: msgId } as IHint, Date.now());
}

const begin = (msgId: string) => hear('execute_input', msgId, { code: '1', execution_count: 1 });
const end = (msgId: string) => hear('status', msgId, { execution_state: 'idle' });
const said = () => told.map(event => `${event.cellId} ${event.eventType.replace('cell_execution_', '')}`);

beforeEach(() => {
  vi.useFakeTimers();
  [teller, told, isRecording] = ['unknown', [], true];
  runs = new BrowserRuns(
    () => teller,
    () => isRecording,
    events => told.push(...events)
  );
});

describe('who tells of a run', () => {
  it('holds what begins before that is known, and tells it if it is the page', () => {
    send('c1');
    begin('c1');
    vi.advanceTimersByTime(100);
    end('c1');
    vi.advanceTimersByTime(1000);
    expect(said()).toEqual([]);
    teller = 'page';
    runs.settle();
    expect(said()).toEqual(['c1 start', 'c1 complete']);
    expect(told[1].executionDurationMs).toBe(100);
  });

  it('forgets what it held if the server part watches the kernel', () => {
    send('c1');
    begin('c1');
    teller = 'server';
    runs.settle();
    end('c1');
    vi.advanceTimersByTime(10_000);
    expect(said()).toEqual([]);
  });

  it('tells a run that it began to its end, and none after it, once the server part watches', () => {
    teller = 'page';
    send('c1');
    begin('c1');
    teller = 'server';
    runs.settle();
    send('c2');
    end('c1');
    begin('c2');
    end('c2');
    vi.advanceTimersByTime(10_000);
    expect(said()).toEqual(['c1 start', 'c1 complete']);
  });

  it('takes over when the server part has lost the kernel', () => {
    teller = 'server';
    send('c1');
    begin('c1');
    teller = 'page';
    runs.settle();
    send('c2');
    begin('c2');
    end('c2');
    vi.advanceTimersByTime(10_000);
    expect(said()).toEqual(['c2 start', 'c2 complete']);
  });

  it('drops what it held if nothing may be recorded', () => {
    send('c1');
    begin('c1');
    isRecording = false;
    teller = 'page';
    runs.settle();
    expect(said()).toEqual([]);
  });
});
