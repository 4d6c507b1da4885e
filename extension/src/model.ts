/** What the panel, the buttons and the status bar show: the state of the other half, kept up to date. */
import { ISignal, Signal } from '@lumino/signaling';

import {
  IAssignments,
  IBackend,
  IConnectValues,
  IDevice,
  INews,
  IProgress,
  IState,
  ISubmission,
  NoServer,
  Notice,
  Refused
} from './api';
import { backoffMs } from './backoff';
import { said, t } from './texts';
import { isAllowed, isSetUp, problemText, unread } from './words';

const REFRESH_MS = 60_000;

export class Model {
  constructor(readonly backend: IBackend) {}

  state: IState | null = null;
  problem: NoServer | null = null;
  assignments: IAssignments | null = null;
  assignmentsProblem = '';
  progress: Record<number, IProgress> = {};
  history: Record<number, ISubmission[]> = {};
  /** Devices of the same student that wait to be confirmed. */
  waitingDevices: IDevice[] = [];
  isBusy = false;

  get changed(): ISignal<this, void> {
    return this.changes;
  }

  /** News that this tab has not shown before. */
  get arrived(): ISignal<this, INews[]> {
    return this.arrivals;
  }

  get unread(): INews[] {
    return unread(this.state?.news ?? []);
  }

  get isConnected(): boolean {
    const state = this.state;
    return !this.problem && state !== null && isSetUp(state) && isAllowed(state);
  }

  /** Ask for the state: at the start, and when the tab appears. Notices tell the rest. */
  async refresh(): Promise<void> {
    try {
      const state = await this.backend.state();
      this.failures = 0;
      this.take(state);
    } catch (error) {
      this.problem = error instanceof NoServer ? error : new NoServer('silent', String(error));
      this.changes.emit();
      clearTimeout(this.timer);
      if (this.problem.what === 'silent') {
        this.failures += 1;
        this.timer = setTimeout(() => void this.refresh(), backoffMs(this.failures));
      }
    }
  }

  /** Take in a state that was answered or told. */
  take(state: IState): void {
    const wasConnected = this.isConnected && this.state?.device.status === state.device.status;
    this.problem = null;
    this.state = state;
    this.changes.emit();
    if (!wasConnected && this.isConnected) {
      void this.refreshAssignments();
    }
  }

  hear(notice: Notice): void {
    if (notice.kind === 'state') {
      this.take(notice.data);
    } else if (notice.kind === 'help' && this.state) {
      this.take({ ...this.state, help: notice.data });
    } else if (notice.kind === 'inbox') {
      this.arrivals.emit(notice.data.news);
      void this.refresh();
      void this.refreshAssignments();
    }
  }

  /** Ask for assignments, and in the background for progress. */
  async refreshAssignments(isOld = false): Promise<void> {
    if (!this.isConnected || this.state?.device.status === 'waiting' || (isOld && Date.now() - this.assignmentsAt < REFRESH_MS)) {
      return;
    }
    this.assignmentsAt = Date.now();
    try {
      this.assignments = await this.backend.assignments();
      this.assignmentsProblem = '';
    } catch (error) {
      this.assignmentsProblem = errorText(error);
    }
    this.changes.emit();
    const found = await this.backend.progress().catch(() => []);
    this.progress = Object.fromEntries(found.map(item => [item.assignment_id, item]));
    this.takeDevices(await this.backend.devices().catch(() => []));
  }

  /** Say that a device is the student's own too; return what went wrong, or ''. */
  async confirm(device: IDevice): Promise<string> {
    try {
      this.takeDevices(await this.backend.confirm(device.id));
      return '';
    } catch (error) {
      return errorText(error);
    }
  }

  private takeDevices(devices: IDevice[]): void {
    this.waitingDevices = devices.filter(device => device.status === 'waiting' && !device.is_this);
    this.changes.emit();
  }

  async loadHistory(assignmentId: number): Promise<void> {
    try {
      const found = await this.backend.history(assignmentId);
      this.history = { ...this.history, [assignmentId]: found };
    } catch (error) {
      this.assignmentsProblem = errorText(error);
    }
    this.changes.emit();
  }

  /** Do something that answers a state; return what went wrong, or ''. */
  async act(work: (backend: IBackend) => Promise<IState>): Promise<string> {
    this.isBusy = true;
    this.changes.emit();
    try {
      this.take(await work(this.backend));
      return '';
    } catch (error) {
      return errorText(error);
    } finally {
      this.isBusy = false;
      this.changes.emit();
    }
  }

  connect(values: IConnectValues): Promise<string> {
    return this.act(backend => backend.connect(values));
  }

  /** Ask for help, or no more; return what went wrong, or ''. */
  async help(isOn: boolean, place: { path?: string; cellId?: string }): Promise<string> {
    try {
      const help = await this.backend.help(isOn, place);
      if (this.state) {
        this.take({ ...this.state, help });
      }
      return '';
    } catch (error) {
      return errorText(error);
    }
  }

  /** Say whether the student may be asked; return what went wrong, or ''. */
  async switchQuestions(mayBeAsked: boolean): Promise<string> {
    try {
      const questions = await this.backend.switchQuestions(mayBeAsked);
      if (this.assignments) {
        this.assignments = { ...this.assignments, questions };
      }
      this.changes.emit();
      return '';
    } catch (error) {
      return errorText(error);
    }
  }

  /** The field's older extension is installed too: `on`, or switched off by this one. */
  olderExtension: 'on' | 'off' | null = null;

  noteOlderExtension(value: 'on' | 'off' | null): void {
    this.olderExtension = value;
    this.changes.emit();
  }

  async read(keys: string[]): Promise<void> {
    if (!keys.length || !this.state) {
      return;
    }
    const news = this.state.news.map(item => (keys.includes(item.key) ? { ...item, is_read: true } : item));
    this.state = { ...this.state, news };
    this.changes.emit();
    await this.backend.read(keys).catch(() => undefined);
  }

  private assignmentsAt = 0;
  private failures = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly arrivals = new Signal<this, INews[]>(this);
  private readonly changes = new Signal<this, void>(this);
}

/** Return what to tell the student of an error. */
export function errorText(error: unknown): string {
  if (error instanceof Refused) {
    return said(error.text);
  }
  if (error instanceof NoServer) {
    return problemText(error);
  }
  return t('Something went wrong: {detail}', { detail: error instanceof Error ? error.message : String(error) });
}
