/** Events as docs/contract/events.md of the product describes them; the same as contract.py. */
import type { IHint } from './api';
import { eventId, uuid4 } from './ids';
import { clip, clipEnd, OutputText } from './outputs';
import { CLIENT } from './version';

export type Event = Record<string, any>; // eslint-disable-line

const SOURCE_BYTES = 64 * 1024;
const ERROR_BYTES = 2 * 1024;
const TRACEBACK_BYTES = 16 * 1024;

/** Where a run belongs. */
export interface ICell {
  path?: string;
  localPath?: string;
  cellId?: string;
  cellIndex?: number;
  cellType?: string;
  /** Kind, times and status are sent, nothing of what it says. */
  isPrivate?: boolean;
  /** Nothing is sent. */
  isOff?: boolean;
}

/** One execution of one code cell. Times are seconds since 1970 by the kernel's clock. */
export class Run {
  constructor(
    readonly msgId: string,
    readonly kernelId: string,
    public kernelStart: number
  ) {}

  cell: ICell = {};
  code = '';
  executionCount: number | null = null;
  queuedAt: number | null = null;
  startedAt: number | null = null;
  finishedAt: number | null = null;
  isEndEstimated = false;
  output = new OutputText();
  outputBytes = 0;
  outputTypes: Record<string, number> = {};
  errorName: string | null = null;
  errorValue = '';
  traceback = '';
}

/** Return UTC with milliseconds. */
export function iso(seconds: number): string {
  return new Date(Math.floor(seconds * 1000 + 1e-4)).toISOString();
}

export function runStarted(run: Run): Event {
  return {
    eventId: eventId(run.msgId, 'start'),
    eventType: 'cell_execution_start',
    eventTime: iso(run.startedAt ?? 0),
    ...place(run),
    metadata: metadata(run)
  };
}

/** Return the end of a run; `reason` says why it was aborted. */
export function runEnded(run: Run, status: 'success' | 'error' | 'aborted', reason?: string | null): Event {
  const endedAt = run.finishedAt ?? run.startedAt ?? run.queuedAt ?? 0;
  const event: Event = {
    eventId: eventId(run.msgId, 'end'),
    eventType: status === 'error' ? 'cell_execution_error' : 'cell_execution_complete',
    eventTime: iso(endedAt),
    ...place(run),
    status,
    hasError: status === 'error',
    metadata: metadata(run)
  };
  if (run.startedAt !== null) {
    event.executionDurationMs = Math.round(Math.max(0, endedAt - run.startedAt) * 1e6) / 1000;
  }
  if (run.finishedAt !== null) {
    event.metadata.finishedAt = iso(run.finishedAt);
  }
  if (run.isEndEstimated) {
    event.metadata.endIsEstimated = true;
  }
  if (reason) {
    event.metadata.reason = reason;
  }
  if (run.cell.isPrivate) {
    return event;
  }
  const result = run.output.text();
  if (result) {
    event.result = result;
  }
  if (run.errorName !== null) {
    event.errorMessage = clip(`${run.errorName}: ${run.errorValue}`, ERROR_BYTES);
    if (run.traceback) {
      event.metadata.traceback = clipEnd(run.traceback, TRACEBACK_BYTES);
    }
  }
  event.metadata.outputBytes = run.outputBytes;
  event.metadata.outputTypes = { ...run.outputTypes };
  return event;
}

function place(run: Run): Event {
  const { cell } = run;
  const found: Event = {
    notebookPath: cell.path,
    cellId: cell.cellId,
    cellIndex: cell.cellIndex,
    cellType: cell.cellType ?? 'code',
    executionCount: run.executionCount,
    code: cell.isPrivate ? null : clip(run.code, SOURCE_BYTES)
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== null && value !== undefined));
}

function metadata(run: Run): Event {
  const found: Event = { runId: run.msgId, kernelId: run.kernelId, kernelStart: run.kernelStart, client: CLIENT };
  if (run.cell.localPath !== undefined) {
    found.localPath = run.cell.localPath;
  }
  if (run.cell.isPrivate) {
    found.private = true;
  }
  if (run.queuedAt !== null) {
    found.queuedAt = iso(run.queuedAt);
  }
  if (run.startedAt !== null) {
    found.startedAt = iso(run.startedAt);
    if (run.queuedAt !== null) {
      found.queuedMs = Math.round(Math.max(0, run.startedAt - run.queuedAt) * 1000);
    }
  }
  return found;
}

const KINDS: Partial<Record<IHint['kind'], string>> = {
  opened: 'notebook_opened',
  closed: 'notebook_closed',
  saved: 'notebook_save'
};

/** Return an event of now, without a place. */
export function plainEvent(kind: string, id?: string): Event {
  return { eventId: id ?? uuid4(), eventType: kind, eventTime: iso(Date.now() / 1000), metadata: { client: CLIENT } };
}

/** Return what happened to a notebook; null where it is off, or the hint is of a run. */
export function notebookEvent(hint: IHint): Event | null {
  const kind = KINDS[hint.kind];
  if (!kind || hint.off) {
    return null;
  }
  return {
    ...plainEvent(kind, hint.eventId),
    notebookPath: hint.assignmentPath || hint.path,
    metadata: { client: CLIENT, localPath: hint.path, ...(hint.manual ? { manual: true } : {}) }
  };
}
