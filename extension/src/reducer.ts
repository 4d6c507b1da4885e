/**
 * What a kernel's messages mean: which cells ran, when, and how they ended. No clock, no network, no storage.
 *
 * The rules are in README.md; reducer.py has the same, and both are tested with traces/*.jsonl. Here a hint always has
 * a msg id, since it is made from the request itself.
 */
import { Event, ICell, Run, runEnded, runStarted } from './contract';
import { IMessage, ITracked, mayBeRestart, Reason, takeOutput, verdict } from './tracked';

const HINT_SECONDS = 2;
const STRAGGLER_SECONDS = 0.2;
const LIFE_SECONDS = 5;
const REMEMBERED_RUNS = 1000;
const MAX_QUEUED = 20_000;

export interface IHintedRun {
  msgId: string;
  cell: ICell;
  code: string;
  queuedAt: number;
}

export interface IOutput {
  event: Event;
  phase: 'start' | 'end';
}

export interface IReducerOptions {
  kernelId: string;
  /** Finds the cell of a run without a hint: null if there is none. */
  locate?: (code: string) => ICell | null;
  /** Asked when a run begins. */
  isRecording?: () => boolean;
}

/** The runs of one kernel. Every input returns the events that are due then; `due` says when to call `tick`. */
export class Reducer {
  constructor(private readonly options: IReducerOptions) {}

  hasHints = false;
  life = 1;

  hint(hint: IHintedRun, now: number): IOutput[] {
    this.hasHints = true;
    if (this.done.has(hint.msgId)) {
      return [];
    }
    const tracked = this.runs.get(hint.msgId) ?? this.begin(hint.msgId, now);
    const { run } = tracked;
    this.hasHint = true;
    tracked.isHinted = true;
    run.cell = hint.cell;
    run.queuedAt = hint.queuedAt;
    run.code = run.code || hint.code;
    tracked.isSkipped = tracked.isSkipped || Boolean(hint.cell.isOff);
    if (run.startedAt === null && tracked.seenIdle) {
      this.closeAt(tracked, now); // it is over already
    }
    return this.tick(now);
  }

  /** Take in a message of IOPub, or a reply. */
  message(message: IMessage, now: number): IOutput[] {
    if (message.type === 'status' && message.content.execution_state === 'starting') {
      return this.hasRun ? this.lifeEnded('restarted', now) : this.tick(now);
    }
    if (message.parentId === null || message.parentType !== 'execute_request' || message.subshellId) {
      return this.tick(now);
    }
    if (this.done.has(message.parentId)) {
      return this.tick(now);
    }
    const tracked = this.runs.get(message.parentId) ?? this.begin(message.parentId, now);
    this.hasRun = true;
    switch (message.type) {
      case 'execute_input':
        this.takeInput(tracked, message, now);
        break;
      case 'stream':
      case 'display_data':
      case 'execute_result':
      case 'clear_output':
      case 'error':
        takeOutput(tracked.run, message);
        this.wentOn(tracked, now);
        break;
      case 'status':
        this.takeStatus(tracked, message, now);
        break;
      case 'execute_reply':
        // In a flood `idle` comes long after the reply, or never.
        if (!tracked.seenIdle && tracked.endReason === null) {
          tracked.run.finishedAt = message.date;
          this.closeAt(tracked, now + LIFE_SECONDS);
        }
        break;
    }
    return this.tick(now);
  }

  interrupted(now: number): IOutput[] {
    for (const tracked of this.order) {
      if (!tracked.seenIdle || tracked.run.errorName === 'KeyboardInterrupt') {
        tracked.isInterrupted = true;
        if (tracked.seenIdle) {
          tracked.closesAt = now;
        }
      }
    }
    return this.tick(now);
  }

  /** The kernel's process ended. One end is told several times; what came first stays. */
  lifeEnded(reason: Reason, now: number): IOutput[] {
    if (!this.hasRun && !this.hasHint) {
      if (this.lastReason === 'shutdown' && reason !== 'shutdown') {
        for (const tracked of this.runs.values()) {
          if (tracked.endReason === 'shutdown') {
            tracked.endReason = reason;
          }
        }
        this.lastReason = reason;
      }
      return this.tick(now);
    }
    this.life += 1;
    this.hasRun = this.hasHint = false;
    this.lastReason = reason;
    let isStopped = false;
    for (const tracked of Array.from(this.runs.values())) {
      if (tracked.endReason !== null) {
        continue;
      }
      if (!tracked.seenIdle) {
        tracked.endReason = reason;
        tracked.run.finishedAt = now;
        this.closeAt(tracked, now + LIFE_SECONDS);
      } else if (tracked.run.errorName === 'KeyboardInterrupt') {
        tracked.endReason = reason;
        tracked.closesAt = now;
        isStopped = true;
      } else if (isStopped && tracked.run.startedAt === null) {
        tracked.endReason = reason; // aborted by what stopped the run before it
      } else if (!this.order.includes(tracked)) {
        this.runs.delete(tracked.run.msgId);
      }
    }
    return this.tick(now);
  }

  /** The page goes, so nothing is waited for: runs that are over end now. Where the kernel goes with it, so do the others. */
  close(isKernelGone: boolean, now: number): IOutput[] {
    const outputs = isKernelGone ? this.lifeEnded('shutdown', now) : [];
    for (const tracked of this.runs.values()) {
      if (isKernelGone || tracked.closesAt !== null) {
        tracked.closesAt = tracked.hintBy = now;
      }
    }
    return [...outputs, ...this.tick(now)];
  }

  /** Return the events that are due, in the order in which the kernel took up the runs. */
  tick(now: number): IOutput[] {
    const outputs: IOutput[] = [];
    for (const tracked of Array.from(this.order)) {
      const { run } = tracked;
      if (run.startedAt !== null && !tracked.isStartSent) {
        if (!this.isLocated(tracked, now)) {
          break;
        }
        tracked.isStartSent = true;
        if (!tracked.isSkipped) {
          outputs.push({ event: runStarted(run), phase: 'start' });
        }
      }
      if (tracked.closesAt === null || now < tracked.closesAt) {
        break;
      }
      if (run.startedAt === null && !tracked.isHinted) {
        tracked.isSkipped = true; // a silent request that the end of the kernel cut
      }
      this.order.splice(this.order.indexOf(tracked), 1);
      this.runs.delete(run.msgId);
      this.remember(run.msgId);
      if (!tracked.isSkipped) {
        const [status, reason] = verdict(tracked);
        outputs.push({ event: runEnded(run, status, reason), phase: 'end' });
      }
    }
    return outputs;
  }

  /** Return when `tick` has something to do next. */
  due(): number | null {
    const first = this.order[0];
    if (!first) {
      return null;
    }
    return first.run.startedAt !== null && !first.isStartSent ? first.hintBy : first.closesAt;
  }

  /** Whether something is queued or on. */
  get isBusy(): boolean {
    return this.runs.size > 0;
  }

  /** Whether a run is queued or on. */
  knows(msgId: string | undefined): boolean {
    return msgId !== undefined && this.runs.has(msgId);
  }

  private takeInput(tracked: ITracked, message: IMessage, now: number): void {
    const { run } = tracked;
    for (const other of this.order) {
      if (other === tracked) {
        continue;
      }
      if (!other.seenIdle && other.endReason === null) {
        other.seenIdle = true; // its idle was lost
        other.run.finishedAt = message.date;
        other.run.isEndEstimated = true;
      }
      if (!mayBeRestart(other)) {
        other.closesAt = now; // else a restart stopped that run, and is told when this one has begun
      }
    }
    tracked.isSkipped = tracked.isSkipped || !this.isRecording();
    run.startedAt = message.date;
    run.kernelStart = this.life;
    run.code = String(message.content.code ?? '');
    run.executionCount = message.content.execution_count ?? null;
    run.finishedAt = tracked.closesAt = tracked.endReason = null;
    tracked.hintBy = now + HINT_SECONDS;
    if (!this.order.includes(tracked)) {
      this.order.push(tracked);
    }
  }

  private takeStatus(tracked: ITracked, message: IMessage, now: number): void {
    if (message.content.execution_state !== 'idle') {
      return;
    }
    const { run } = tracked;
    tracked.seenIdle = true;
    run.finishedAt = message.date;
    // A restart says so only after it.
    tracked.closesAt = now + (mayBeRestart(tracked) ? LIFE_SECONDS : STRAGGLER_SECONDS);
    if (run.startedAt !== null || tracked.isHinted) {
      this.closeAt(tracked, tracked.closesAt);
    }
  }

  private begin(msgId: string, now: number): ITracked {
    if (this.runs.size >= MAX_QUEUED) {
      const queued = Array.from(this.runs.values()).filter(item => !this.order.includes(item));
      queued.slice(0, MAX_QUEUED / 2).forEach(item => this.runs.delete(item.run.msgId));
    }
    const tracked: ITracked = {
      run: new Run(msgId, this.options.kernelId, this.life),
      hintBy: now + HINT_SECONDS,
      isHinted: false,
      isSkipped: !this.isRecording(),
      isStartSent: false,
      isInterrupted: false,
      closesAt: null,
      endReason: null,
      seenIdle: false
    };
    this.runs.set(msgId, tracked);
    return tracked;
  }

  private isLocated(tracked: ITracked, now: number): boolean {
    if (tracked.isHinted || tracked.isSkipped) {
      return true;
    }
    if (now < tracked.hintBy) {
      return false;
    }
    const cell = this.options.locate?.(tracked.run.code) ?? null;
    if (cell === null || cell.isOff || (cell.cellId === undefined && this.hasHints)) {
      tracked.isSkipped = true; // a request of another extension
    } else {
      tracked.run.cell = cell;
    }
    return true;
  }

  private wentOn(tracked: ITracked, now: number): void {
    if (tracked.closesAt !== null && !tracked.seenIdle && tracked.endReason === null) {
      tracked.closesAt = now + LIFE_SECONDS; // closed by its reply, but output still comes
    }
  }

  private closeAt(tracked: ITracked, when: number): void {
    tracked.closesAt = when;
    if (!this.order.includes(tracked)) {
      this.order.push(tracked);
    }
  }

  private remember(msgId: string): void {
    this.done.add(msgId);
    if (this.done.size > REMEMBERED_RUNS) {
      this.done.delete(this.done.values().next().value as string);
    }
  }

  private isRecording(): boolean {
    return this.options.isRecording?.() ?? true;
  }

  private hasRun = false;
  private hasHint = false;
  private lastReason: Reason | null = null;
  private readonly runs = new Map<string, ITracked>();
  private readonly order: ITracked[] = [];
  private readonly done = new Set<string>();
}
