/** One run as its messages tell it: what it printed, and how it ended. tracked.py has the same. */
import { Run } from './contract';

export interface IMessage {
  type: string;
  /** Seconds since 1970, by the kernel. */
  date: number;
  parentId: string | null;
  parentType: string | null;
  content: Record<string, any>; // eslint-disable-line
  subshellId?: string | null;
}

export type Reason = 'restarted' | 'died' | 'shutdown' | 'server-stopped';

export interface ITracked {
  run: Run;
  hintBy: number;
  isHinted: boolean;
  isSkipped: boolean;
  isStartSent: boolean;
  isInterrupted: boolean;
  closesAt: number | null;
  endReason: Reason | null;
  seenIdle: boolean;
}

/** A run was stopped, and nobody said yet why. */
export function mayBeRestart(tracked: ITracked): boolean {
  return tracked.run.errorName === 'KeyboardInterrupt' && !tracked.isInterrupted && tracked.endReason === null;
}

/** Add what a message says of a run's output, or of its error. */
export function takeOutput(run: Run, { type, content }: IMessage): void {
  switch (type) {
    case 'stream':
      run.outputBytes += sizeOf(content);
      run.output.add(String(content.name ?? 'stdout'), String(content.text ?? ''));
      break;
    case 'display_data':
    case 'execute_result':
      takeData(run, content);
      break;
    case 'clear_output':
      run.output.clear(Boolean(content.wait));
      break;
    case 'error':
      run.errorName = String(content.ename || 'Error');
      run.errorValue = String(content.evalue || '');
      run.traceback = (content.traceback ?? []).map(String).join('\n');
      break;
  }
}

function takeData(run: Run, content: IMessage['content']): void {
  run.outputBytes += sizeOf(content);
  const data: Record<string, unknown> = content.data ?? {};
  for (const [mime, value] of Object.entries(data)) {
    const size = typeof value === 'string' ? value.length : JSON.stringify(value).length;
    run.outputTypes[mime] = (run.outputTypes[mime] ?? 0) + size;
  }
  const text = data['text/plain'];
  if (text !== undefined) {
    run.output.add('result', `${Array.isArray(text) ? text.join('') : String(text)}\n`);
  }
}

/** Return status and reason. A run that a person stopped is aborted, so that it is no error in a row. */
export function verdict(tracked: ITracked): ['success' | 'error' | 'aborted', string | null] {
  const { run, endReason: reason } = tracked;
  if (run.startedAt === null) {
    return ['aborted', reason ?? 'error-before'];
  }
  if (run.errorName === 'KeyboardInterrupt') {
    if (reason !== null && reason !== 'died') {
      return ['aborted', reason];
    }
    if (tracked.isInterrupted) {
      return ['aborted', 'interrupted'];
    }
  }
  if (run.errorName !== null) {
    return ['error', null];
  }
  if (tracked.seenIdle || reason === null) {
    return ['success', null];
  }
  if (reason === 'died') {
    run.errorName = 'KernelDied';
    run.errorValue = "the kernel's process ended during this run";
    return ['error', null];
  }
  return ['aborted', reason];
}

function sizeOf(content: unknown): number {
  return JSON.stringify(content).length;
}
