/** What goes between panel and server part; README.md, "Addresses". */
import type { ISaid } from './texts';

export const NOTICE = 'https://cell-monitor-lab/notice/v1';

export interface IIdentity {
  url: string;
  user_id: string;
  user_name: string;
  team: string;
  sources: Record<string, string>;
  editable: string[];
  has_credential: boolean;
}

export interface IHelp {
  is_on: boolean;
  since: string | null;
  text: ISaid;
  /** What the product said: state, place in the queue, how many wait, who is on the way. */
  product: { state?: string; place?: number; of?: number; since?: string; by_name?: string | null };
}

export interface IQueue {
  waiting: number;
  dropped: number;
  refused: number;
  oldest: string | null;
  is_durable: boolean;
}

export interface INews {
  key: string;
  is_read: boolean;
  title?: string;
  message?: string;
  created_at?: string;
  timestamp?: string;
  instructor_name?: string;
  notebook_path?: string | null;
  cell_id?: string | null;
}

export interface IState {
  version: string;
  identity: IIdentity;
  device: { status: 'none' | 'active' | 'waiting'; check_number: string | number | null; class: { name?: string } | null };
  privacy: { consent: 'given' | 'school' | 'refused' | 'unasked'; paused: boolean; paused_until: string | null };
  consent_text: ISaid;
  text: ISaid;
  queue: IQueue;
  help: IHelp;
  /** Of kernels that are not watched the page tells; some need it for long. */
  kernels: { id: string; is_watched: boolean; needs_page?: boolean }[];
  news: INews[];
  /** "Are you stuck?", until it is answered or too old. */
  question: { id: number; asked_at: string | null } | null;
}

export type Answer = 'yes' | 'fine' | 'never';

/** Whether the class asks its students, and whether this one may be asked. */
export interface IQuestions {
  is_on: boolean;
  may_be_asked: boolean;
}

export interface IAssignment {
  id: number;
  title: string;
  notebook_path?: string | null;
  due_date?: string | null;
  description?: string | null;
  points?: number | null;
  has_starter?: boolean;
  submitted_at?: string | null;
  attempts?: number;
  grade?: number | null;
  feedback?: string | null;
  status?: string | null;
}

export interface IAssignments {
  assignments: IAssignment[];
  is_stale: boolean;
  questions?: IQuestions;
  drafts?: Record<string, { sha256: string }>;
  /** Where the panel wrote the starter of an assignment. */
  fetched?: Record<string, string>;
}

export interface ISubmission {
  id: number;
  attempt?: number;
  submitted_at?: string;
  grade?: number | null;
  feedback?: string | null;
  status?: string;
  content_sha256?: string;
}

export interface ITrial {
  size: number;
  limit: number;
  content_sha256: string;
}

export interface IReceipt {
  attempt: number;
  submitted_at: string;
  content_sha256: string;
  is_same: boolean;
  text: ISaid;
}

export interface IProgress {
  assignment_id: number;
  completed_cells: number;
  total_cells: number;
}

export interface IDevice {
  id: number;
  device: string;
  status: 'active' | 'waiting';
  check_number: string | number | null;
  is_this: boolean;
}

export interface ISent {
  sent: { sent_at: string; event: Record<string, unknown> }[];
  refused: { refused_at: string; reason: string; event: Record<string, unknown> }[];
}

export interface IHint {
  kind: 'run' | 'scheduled' | 'opened' | 'closed' | 'saved';
  /** Names an event that is no run, so that two posts of it are one event. */
  eventId?: string;
  msgId?: string;
  kernelId?: string;
  path: string;
  cellId?: string;
  cellIndex?: number;
  cellType?: string;
  code?: string;
  ageMs?: number;
  assignmentPath?: string;
  private?: boolean;
  off?: boolean;
  manual?: boolean;
}

/** What a student types to connect. */
export interface IConnectValues {
  url?: string;
  user_id?: string;
  user_name?: string;
  team?: string;
  class_code?: string;
}

export type Notice =
  | { kind: 'state'; data: IState }
  | { kind: 'help'; data: IHelp }
  | { kind: 'inbox'; data: { news: INews[] } };

/** Something was refused; `text` says why to the student. */
export class Refused extends Error {
  constructor(
    readonly text: ISaid,
    readonly status: number,
    readonly more: Record<string, unknown> = {}
  ) {
    super(text.code);
  }
}

/** There is nobody to talk to. `what`: the server part is missing, is of another version, wants a login, or is silent. */
export class NoServer extends Error {
  constructor(
    readonly what: 'missing' | 'version' | 'login' | 'silent',
    readonly detail = ''
  ) {
    super(what);
  }
}

/** The panel's other half: the server part, or, where there is none, the browser itself. */
export interface IBackend {
  state(): Promise<IState>;
  hints(hints: IHint[], keepalive?: boolean): Promise<void>;
  /** Events of runs that only the browser sees. */
  runs(events: Record<string, unknown>[]): Promise<void>;
  help(isOn: boolean, place: { path?: string; cellId?: string }): Promise<IHelp>;
  /** Answer a question; `yes` asks for help in that place. */
  answer(id: number, answer: Answer, place: { path?: string; cellId?: string }): Promise<IState>;
  switchQuestions(mayBeAsked: boolean): Promise<IQuestions>;
  /** Return the address of the student's own page, which opens once. */
  ownPage(): Promise<string>;
  pause(minutes: number | null): Promise<IState>;
  resume(): Promise<IState>;
  consent(isGiven: boolean): Promise<IState>;
  connect(values: IConnectValues): Promise<IState>;
  disconnect(): Promise<IState>;
  useSettings(values: Record<string, string>): Promise<IState>;
  assignments(): Promise<IAssignments>;
  progress(): Promise<IProgress[]>;
  devices(): Promise<IDevice[]>;
  confirm(deviceId: number): Promise<IDevice[]>;
  fetch(assignmentId: number, folder: string): Promise<{ path: string; text: ISaid }>;
  tryHandIn(assignmentId: number, content: unknown): Promise<ITrial>;
  handIn(assignmentId: number, content: unknown, comment: string): Promise<IReceipt>;
  history(assignmentId: number): Promise<ISubmission[]>;
  sent(): Promise<ISent>;
  forget(): Promise<IState>;
  read(keys: string[]): Promise<void>;
}
