/**
 * The browser as its own other half, in JupyterLite: it keeps, sends and asks by itself, with a student token.
 *
 * What it remembers is in the browser's storage for this site. A class key is never taken here: classmates share it.
 */
import {
  Answer,
  IAssignments,
  IBackend,
  IConnectValues,
  IDevice,
  IHelp,
  IHint,
  INews,
  IProgress,
  IQuestions,
  IReceipt,
  ISent,
  IState,
  ISubmission,
  ITrial,
  Notice,
  Refused
} from './api';
import { measuredOffset, shifted } from './clock';
import { Connection } from './connection';
import { Event, iso, notebookEvent, plainEvent } from './contract';
import { Coursework, Files } from './coursework';
import { HelpRequest } from './helprequest';
import { uuid4 } from './ids';
import { Inbox } from './inbox';
import { IMemory, Memory } from './memory';
import { Outbox } from './outbox';
import { Product } from './product';
import { Sender } from './sender';
import { ISaid, textOf } from './texts';
import { VERSION } from './version';

const STORE = 'cell-monitor-lab';
const HELP_MS = 15_000;
const LEFTOVERS_MS = 30_000;
const CONFIRMATION_MS = 15_000;
const KEPT_SENT = 200;

export interface IDirectOptions {
  contents: Files;
  storage?: Pick<Storage, 'getItem' | 'setItem'>;
  factory?: IDBFactory;
  fetch?: typeof fetch;
  scale?: number;
}

export class DirectBackend implements IBackend {
  constructor(private readonly options: IDirectOptions) {
    this.store = new Memory(options.storage);
    this.product = new Product(this.store, options.fetch);
    this.connection = new Connection(this.store, this.product);
    this.inbox = new Inbox(this.store, this.product, (value, news) => this.hear(value, news));
    this.coursework = new Coursework(this.store, this.product, options.contents);
    this.outbox = new Outbox<Event>({ name: `${STORE} events`, owner: this.sessionId, factory: options.factory });
    this.sender = new Sender({
      outbox: this.outbox,
      route: () => (this.store.isAllowed && this.store.headers ? { url: this.memory.url, headers: this.store.headers } : null),
      delivered: events => {
        const at = iso(Date.now() / 1000);
        this.kept = [...events.map(event => ({ sent_at: at, event })).reverse(), ...this.kept].slice(0, KEPT_SENT);
        if (events.some(event => event.eventType === 'help')) {
          this.request.delivered();
        }
        this.push();
      },
      refused: (event, reason) => this.refusals.unshift({ refused_at: iso(Date.now() / 1000), reason, event }),
      tell: () => this.push(),
      fetch: options.fetch,
      scale: options.scale
    });
  }

  /** Hears what the server part would tell by Jupyter Events. */
  onNotice: (notice: Notice) => void = () => undefined;

  start(): void {
    void this.welcome();
    void this.inbox.pollForEver();
    setInterval(() => this.repeatHelp(), HELP_MS);
    setInterval(() => this.again(), LEFTOVERS_MS * (this.options.scale ?? 1));
  }

  async state(): Promise<IState> {
    const memory = this.memory;
    const waiting = await this.outbox.count().catch(() => 0);
    const oldest = waiting ? (await this.outbox.all())[0]?.at : undefined;
    const { url, user_id, user_name, team, token } = memory;
    return {
      version: VERSION,
      identity: {
        url,
        user_id,
        user_name,
        team,
        sources: {},
        editable: ['url', 'user_id', 'user_name', 'team'],
        has_credential: Boolean(memory.class_code)
      },
      device: { status: token?.status ?? 'none', check_number: token?.check_number ?? null, class: token?.class ?? null },
      privacy: { consent: this.store.consent, paused: this.store.isPaused, paused_until: this.store.pausedUntil },
      consent_text: textOf(
        'consent',
        'Cell Monitor sends to {host} what you run in notebooks: the code, its text output and errors, and when. Your teacher sees it live, with your name. Pictures, files and what you type without running it are never sent. You can pause at any time.',
        { host: this.store.host }
      ),
      text: this.connection.text(this.sender.problem),
      queue: {
        waiting,
        dropped: this.outbox.dropped,
        refused: this.refusals.length,
        oldest: oldest === undefined ? null : iso(oldest / 1000),
        is_durable: this.outbox.isDurable
      },
      help: this.helpState,
      kernels: [],
      news: memory.news,
      question: this.store.isPaused || this.request.isOn ? null : this.question
    };
  }

  /** Notebook events; runs come by `runs`. */
  async hints(hints: IHint[]): Promise<void> {
    await this.runs(hints.flatMap(hint => notebookEvent(hint) ?? []));
  }

  async runs(events: Event[]): Promise<void> {
    if (!this.store.isRecording || !events.length) {
      return;
    }
    if (!this.isSessionTold) {
      this.isSessionTold = true;
      events = [plainEvent('session_start'), ...events];
    }
    const { user_id, user_name, team } = this.memory;
    const who = { emailAddress: user_id, userName: user_name, teamName: team, sessionId: this.sessionId };
    const signed = Object.fromEntries(Object.entries(who).filter(([, value]) => value));
    await this.outbox.add(
      events.map(event => ({ id: String(event.eventId), value: { ...shifted(event, this.offset), ...signed } }))
    );
    this.sender.kick(events.some(event => String(event.eventType).startsWith('help')));
  }

  /** The page goes. */
  last(): void {
    this.outbox.last();
  }

  async help(isOn: boolean, place: { path?: string; cellId?: string }): Promise<IHelp> {
    if (isOn && !this.store.isRecording) {
      throw new Refused(textOf('help-not-recording', 'You cannot ask for help while nothing is sent.'), 409);
    }
    if (isOn) {
      this.request.start(place);
      this.repeatHelp();
    } else if (this.request.isOn) {
      this.request.stop();
      void this.runs([{ ...plainEvent('help_stop'), ...this.request.place }]);
    }
    return this.helpState;
  }

  async answer(id: number, answer: Answer, place: { path?: string; cellId?: string }): Promise<IState> {
    if (answer === 'yes') {
      await this.help(true, place);
    }
    const { status } = await this.product.ask('POST', '/api/v1/me/question', { id, answer });
    if (status < 500) {
      this.question = null; // also where it was answered on another device
    }
    return this.state();
  }

  switchQuestions(mayBeAsked: boolean): Promise<IQuestions> {
    return this.connection.switchQuestions(mayBeAsked);
  }

  ownPage(): Promise<string> {
    return this.connection.ownPage();
  }

  pause(minutes: number | null): Promise<IState> {
    void this.help(false, {});
    return this.remember({ paused_until: minutes === null ? 0 : Date.now() + minutes * 60_000 });
  }

  resume(): Promise<IState> {
    return this.remember({ paused_until: null });
  }

  async consent(isGiven: boolean): Promise<IState> {
    await this.remember({ consent: { url: this.memory.url, answer: isGiven ? 'given' : 'refused' } });
    if (isGiven) {
      await this.welcome();
    }
    return this.state();
  }

  async connect(values: IConnectValues): Promise<IState> {
    this.connection.enter(values);
    await this.welcome();
    return this.state();
  }

  async disconnect(): Promise<IState> {
    await this.connection.leave();
    return this.state();
  }

  async useSettings(values: Record<string, string>): Promise<IState> {
    this.connection.fill(values);
    return this.state();
  }

  assignments(): Promise<IAssignments> {
    return this.coursework.assignments();
  }

  progress(): Promise<IProgress[]> {
    return this.coursework.progress();
  }

  fetch(assignmentId: number, folder: string): Promise<{ path: string; text: ISaid }> {
    return this.coursework.fetch(assignmentId, folder);
  }

  tryHandIn(assignmentId: number, content: unknown): Promise<ITrial> {
    return this.coursework.tryHandIn(assignmentId, content);
  }

  handIn(assignmentId: number, content: unknown, comment: string): Promise<IReceipt> {
    return this.coursework.handIn(assignmentId, content, comment);
  }

  history(assignmentId: number): Promise<ISubmission[]> {
    return this.coursework.history(assignmentId);
  }

  devices(): Promise<IDevice[]> {
    return this.connection.devices();
  }

  confirm(deviceId: number): Promise<IDevice[]> {
    return this.connection.confirm(deviceId);
  }

  async sent(): Promise<ISent> {
    return { sent: this.kept, refused: this.refusals };
  }

  async forget(): Promise<IState> {
    await this.outbox.clear();
    this.kept = [];
    this.refusals = [];
    return this.state();
  }

  async read(keys: string[]): Promise<void> {
    const news = this.memory.news.map(item => ({ ...item, is_read: item.is_read || keys.includes(item.key) }));
    await this.remember({ news });
  }

  // Inside

  /** Send what a tab that is gone left behind; use the code that the product was away for. */
  private again(): void {
    const { token, class_code } = this.memory;
    if (!token && class_code) {
      void this.welcome();
    } else {
      this.sender.kick();
    }
  }

  /** Get a token, measure the clock, send what waits. */
  private async welcome(): Promise<void> {
    if (!this.store.isAllowed || !this.memory.url || !this.memory.user_id) {
      return;
    }
    try {
      await this.connection.claim();
      this.offset = await measuredOffset(this.product);
    } catch {
      this.sender.problem = this.sender.problem ?? 'unreachable';
    }
    if (this.memory.token?.status === 'waiting') {
      setTimeout(() => void this.welcome(), CONFIRMATION_MS * (this.options.scale ?? 1));
    }
    this.sender.kick(true);
    this.push();
  }

  private hear(value: any, items: INews[]): void {
    if (value?.help && this.request.hear(value.help)) {
      this.onNotice({ kind: 'help', data: this.helpState });
    }
    if ((value?.question?.id ?? null) !== (this.question?.id ?? null)) {
      this.question = value?.question ?? null;
      this.push();
    }
    if (items.length) {
      this.onNotice({ kind: 'inbox', data: { news: items } });
    }
  }

  private repeatHelp(): void {
    if (this.request.isOn) {
      void this.runs([{ ...plainEvent('help'), ...this.request.place }]);
    }
  }

  private push(): void {
    void this.state().then(state => this.onNotice({ kind: 'state', data: state }));
  }

  private get memory(): IMemory {
    return this.store.values;
  }

  private async remember(values: Partial<IMemory>): Promise<IState> {
    this.store.put(values);
    return this.state();
  }

  private get helpState(): IHelp {
    return this.request.state(this.store.host);
  }

  private readonly connection: Connection;
  private isSessionTold = false;
  private kept: ISent['sent'] = [];
  private offset = 0;
  private readonly coursework: Coursework;
  private readonly inbox: Inbox;
  private readonly outbox: Outbox<Event>;
  private readonly product: Product;
  private readonly request = new HelpRequest();
  private readonly store: Memory;
  private question: IState['question'] = null;
  private refusals: ISent['refused'] = [];
  private readonly sender: Sender;
  private readonly sessionId = uuid4();
}
