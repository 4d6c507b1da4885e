/**
 * The browser as its own other half, in JupyterLite: it keeps, sends and asks by itself, with a student token.
 *
 * What it remembers is in the browser's storage for this site. A class key is never taken here: classmates share it.
 */
import type { Contents } from '@jupyterlab/services';

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
import { canonical, sha256 } from './canonical';
import { Event, iso } from './contract';
import { uuid4 } from './ids';
import { Outbox } from './outbox';
import { Problem, Sender } from './sender';
import { ISaid, textOf } from './texts';
import { CLIENT, VERSION } from './version';

const STORE = 'cell-monitor-lab';
const HELP_MS = 15_000;
const INBOX_SECONDS = 25;
const LEFTOVERS_MS = 30_000;
const CONFIRMATION_MS = 15_000;
const KEPT_SENT = 200;
const KEPT_NEWS = 50;
const LIMIT_BYTES = 5 * 1024 * 1024;
/** Clocks that differ less are left alone. */
const OFFSET_MS = 2000;
const KINDS: Partial<Record<IHint['kind'], string>> = {
  opened: 'notebook_opened',
  closed: 'notebook_closed',
  saved: 'notebook_save'
};

interface IToken {
  token: string;
  status: 'active' | 'waiting';
  check_number: string | null;
  student: { id: number } | null;
  class: { name?: string } | null;
}

interface IMemory {
  url: string;
  user_id: string;
  user_name: string;
  team: string;
  class_code: string;
  /** The address that the student agreed to, or said no to. */
  consent: { url: string; answer: 'given' | 'refused' } | null;
  /** null: not paused; 0: until resumed; else until then, by Date.now(). */
  paused_until: number | null;
  token: IToken | null;
  news: INews[];
  since: string;
  fetched: Record<string, string>;
  drafts: Record<string, { sha256: string; key: string }>;
}

const NOTHING: IMemory = {
  url: '',
  user_id: '',
  user_name: '',
  team: '',
  class_code: '',
  consent: null,
  paused_until: null,
  token: null,
  news: [],
  since: '',
  fetched: {},
  drafts: {}
};

export interface IDirectOptions {
  contents: Pick<Contents.IManager, 'get' | 'save'>;
  storage?: Pick<Storage, 'getItem' | 'setItem'>;
  factory?: IDBFactory;
  fetch?: typeof fetch;
  scale?: number;
}

export class DirectBackend implements IBackend {
  constructor(private readonly options: IDirectOptions) {
    this.outbox = new Outbox<Event>({ name: `${STORE} events`, owner: this.sessionId, factory: options.factory });
    this.sender = new Sender({
      outbox: this.outbox,
      route: () => (this.isAllowed && this.headers ? { url: this.memory.url, headers: this.headers } : null),
      delivered: events => {
        const at = iso(Date.now() / 1000);
        this.kept = [...events.map(event => ({ sent_at: at, event })).reverse(), ...this.kept].slice(0, KEPT_SENT);
        this.isHelpDelivered = this.isHelpDelivered || events.some(event => event.eventType === 'help');
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
    void this.pollForEver();
    setInterval(() => this.repeatHelp(), HELP_MS);
    setInterval(() => this.sender.kick(), LEFTOVERS_MS); // what a tab that is gone left behind
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
      privacy: { consent: this.consentState, paused: this.isPaused, paused_until: this.pausedUntil },
      consent_text: textOf(
        'consent',
        'Cell Monitor sends to {host} what you run in notebooks: the code, its text output and errors, and when. Your teacher sees it live, with your name. Pictures, files and what you type without running it are never sent. You can pause at any time.',
        { host: this.host }
      ),
      text: this.text,
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
      question: this.isPaused || this.helpSince !== null ? null : this.question
    };
  }

  /** Notebook events; runs come by `runs`. */
  async hints(hints: IHint[]): Promise<void> {
    const events: Event[] = [];
    for (const hint of hints) {
      const kind = KINDS[hint.kind];
      if (kind && !hint.off) {
        events.push({
          ...this.plain(kind, hint.eventId),
          notebookPath: hint.assignmentPath || hint.path,
          metadata: { client: CLIENT, localPath: hint.path, ...(hint.manual ? { manual: true } : {}) }
        });
      }
    }
    await this.runs(events);
  }

  async runs(events: Event[]): Promise<void> {
    if (!this.isRecording || !events.length) {
      return;
    }
    if (!this.isSessionTold) {
      this.isSessionTold = true;
      events = [this.plain('session_start'), ...events];
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
    if (isOn && !this.isRecording) {
      throw new Refused(textOf('help-not-recording', 'Help cannot be asked for while nothing is sent.'), 409);
    }
    if (isOn) {
      this.helpSince = Date.now();
      this.helpPlace = { notebookPath: place.path, cellId: place.cellId };
      this.isHelpDelivered = false;
      this.isHelpKnown = false;
      this.product = {};
      this.repeatHelp();
    } else if (this.helpSince !== null) {
      this.helpSince = null;
      void this.runs([{ ...this.plain('help_stop'), ...this.helpPlace }]);
    }
    return this.helpState;
  }

  async answer(id: number, answer: Answer, place: { path?: string; cellId?: string }): Promise<IState> {
    if (answer === 'yes') {
      await this.help(true, place);
    }
    const { status } = await this.ask('POST', '/api/v1/me/question', { id, answer });
    if (status < 500) {
      this.question = null; // also where it was answered on another device
    }
    return this.state();
  }

  async switchQuestions(mayBeAsked: boolean): Promise<IQuestions> {
    return (await this.ask('PUT', '/api/v1/me/question', { may_be_asked: mayBeAsked }, {}, 200)).value;
  }

  async ownPage(): Promise<string> {
    const { status, value } = await this.ask('POST', '/api/v1/me/page');
    if (status !== 201 || !/^https?:/.test(String(value?.url))) {
      throw new Refused(textOf('no-page', 'Your page cannot be opened just now.'), 409);
    }
    return value.url;
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
    let url: string;
    try {
      url = new URL(values.url ?? this.memory.url).origin;
    } catch {
      throw new Refused(textOf('bad-address', 'This is no address of a server.'), 409);
    }
    const { user_id, user_name, team } = { ...this.memory, ...values };
    const code = values.class_code?.trim() ?? '';
    const isOther = url !== this.memory.url || user_id.trim() !== this.memory.user_id || code !== '';
    await this.remember({
      url,
      user_id: user_id.trim(),
      user_name: user_name.trim(),
      team: team.trim(),
      ...(code ? { class_code: code } : {}),
      ...(isOther ? { token: null } : {})
    });
    await this.welcome();
    return this.state();
  }

  async disconnect(): Promise<IState> {
    await this.ask('DELETE', '/api/v1/me/token').catch(() => undefined);
    return this.remember({ ...NOTHING, drafts: this.memory.drafts, fetched: this.memory.fetched });
  }

  async useSettings(values: Record<string, string>): Promise<IState> {
    const { serverUrl, userId, userName, teamName } = values;
    const found = { url: serverUrl, user_id: userId, user_name: userName, team: teamName };
    const missing = Object.entries(found).filter(([name, value]) => value && !this.memory[name as keyof IMemory]);
    return this.remember(Object.fromEntries(missing));
  }

  async assignments(): Promise<IAssignments> {
    try {
      const { value } = await this.ask('GET', '/api/v1/me', undefined, {}, 200);
      this.lastAssignments = value;
    } catch (error) {
      if (!this.lastAssignments || !(error instanceof Refused) || error.text.code !== 'offline') {
        throw error;
      }
      return { ...this.lastAssignments, is_stale: true, drafts: this.memory.drafts, fetched: this.memory.fetched };
    }
    return { ...(this.lastAssignments as IAssignments), is_stale: false, drafts: this.memory.drafts, fetched: this.memory.fetched };
  }

  async progress(): Promise<IProgress[]> {
    const id = this.memory.token?.student?.id;
    if (id === undefined) {
      return [];
    }
    const { value } = await this.ask('GET', `/api/v1/progress/student/${id}`, undefined, {}, 200);
    return Object.values(value?.progress?.assignments_progress ?? {});
  }

  async devices(): Promise<IDevice[]> {
    const { value } = await this.ask('GET', '/api/v1/me/token', undefined, {}, 200);
    return value?.devices ?? [];
  }

  async confirm(deviceId: number): Promise<IDevice[]> {
    const { value } = await this.ask('POST', '/api/v1/me/token/confirm', { id: deviceId }, {}, 200);
    return value?.devices ?? [];
  }

  async fetch(assignmentId: number, folder: string): Promise<{ path: string; text: ISaid }> {
    const { status, value } = await this.ask('GET', `/api/v1/assignments/${assignmentId}/starter`);
    if (status !== 200) {
      throw new Refused(textOf('no-starter', 'This assignment has no notebook to begin with.'), 404);
    }
    const listed = await this.options.contents.get(folder, { content: true });
    const taken = new Set((listed.content as { name: string }[]).map(item => item.name));
    const name = freeName(String(value.filename ?? ''), taken);
    const path = folder ? `${folder}/${name}` : name;
    await this.options.contents.save(path, { type: 'notebook', format: 'json', content: value.content });
    await this.remember({ fetched: { ...this.memory.fetched, [assignmentId]: path } });
    return { path, text: textOf('fetched', '{path} is there.', { path }) };
  }

  async tryHandIn(_assignmentId: number, content: unknown): Promise<ITrial> {
    const bytes = canonical(content);
    return { size: bytes.length, limit: LIMIT_BYTES, content_sha256: await sha256(bytes) };
  }

  async handIn(assignmentId: number, content: unknown, comment: string): Promise<IReceipt> {
    const sha = await sha256(canonical(content));
    const known = this.memory.drafts[assignmentId];
    const draft = known?.sha256 === sha ? known : { sha256: sha, key: uuid4() };
    await this.remember({ drafts: { ...this.memory.drafts, [assignmentId]: draft } });
    const body = {
      assignment_id: assignmentId,
      student_id: this.memory.token?.student?.id,
      notebook_content: content,
      submission_comment: comment || undefined
    };
    const answered = await this.ask('POST', '/api/v1/submissions', body, { 'Idempotency-Key': draft.key }).catch(error => {
      if (error instanceof Refused && error.text.code === 'offline') {
        return null;
      }
      throw error;
    });
    if (answered === null || answered.status >= 500) {
      const text = 'Not handed in yet: {host} cannot be reached. It is kept; hand it in again later.';
      throw new Refused(textOf('draft', text, { host: this.host }), 503, { is_draft: true });
    }
    const { [String(assignmentId)]: _gone, ...drafts } = this.memory.drafts;
    await this.remember({ drafts });
    const { status, value } = answered;
    if (status !== 201) {
      const detail = String(value?.detail ?? status);
      throw new Refused(textOf('not-handed-in', 'Not handed in: {detail}', { detail }), 422);
    }
    const isSame = value.content_sha256 === sha;
    const { attempt, submitted_at } = value;
    return {
      attempt,
      submitted_at,
      content_sha256: value.content_sha256,
      is_same: isSame,
      text: isSame
        ? textOf('handed-in', 'Handed in: attempt {attempt}, received {submitted_at}.', { attempt, submitted_at })
        : textOf(
            'receipt-differs',
            'Handed in, but the server received something else than was sent. Tell your teacher.'
          )
    };
  }

  async history(assignmentId: number): Promise<ISubmission[]> {
    const path = `/api/v1/submissions?content=0&assignment_id=${assignmentId}`;
    return (await this.ask('GET', path, undefined, {}, 200)).value;
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

  /** Get a token, if there is a code for it; measure the clock; send what waits. */
  private async welcome(): Promise<void> {
    if (!this.isAllowed || !this.memory.url || !this.memory.user_id) {
      return;
    }
    const { token, class_code, user_id, user_name, team } = this.memory;
    this.claimText = null;
    try {
      if (!token && class_code) {
        const body = {
          class_code,
          userId: user_id,
          userName: user_name || undefined,
          teamName: team || undefined,
          device: 'JupyterLite',
          client: CLIENT
        };
        const { status, value } = await this.ask('POST', '/api/v1/me/token', body);
        if (status === 201) {
          await this.remember({ token: value, class_code: '' });
        } else {
          await this.remember({ class_code: '' });
          this.claimText =
            status === 401
              ? textOf('code-unknown', 'This class code is not known, or it has expired. Ask your teacher for a new one.')
              : textOf('not-handed-in', 'Something went wrong: {detail}', { detail: String(value?.detail ?? status) });
        }
      } else if (token?.status === 'waiting') {
        const { status, value } = await this.ask('GET', '/api/v1/me/token');
        if (status === 200) {
          await this.remember({ token: { ...token, ...value, token: token.token } });
        } else if (status === 401) {
          await this.remember({ token: null });
        }
      }
      await this.measure();
    } catch {
      this.sender.problem = this.sender.problem ?? 'unreachable';
    }
    if (this.memory.token?.status === 'waiting') {
      setTimeout(() => void this.welcome(), CONFIRMATION_MS * (this.options.scale ?? 1));
    }
    this.sender.kick(true);
    this.push();
  }

  private async measure(): Promise<void> {
    const before = Date.now();
    const { value } = await this.ask('GET', '/api/v1/events/health');
    const theirs = Date.parse(value?.timestamp ?? '');
    const offset = theirs - (before + Date.now()) / 2;
    this.offset = Math.abs(offset) > OFFSET_MS ? offset : 0;
  }

  private async pollForEver(): Promise<void> {
    for (;;) {
      const pause = await this.poll().catch(() => 15_000);
      await new Promise(resolve => setTimeout(resolve, pause));
    }
  }

  private async poll(): Promise<number> {
    if (!this.isAllowed || this.memory.token?.status !== 'active' || document.hidden) {
      return 2000;
    }
    const path = `/api/v1/me/inbox?since=${encodeURIComponent(this.memory.since)}&wait=${INBOX_SECONDS}`;
    const { status, value } = await this.ask('GET', path);
    if (status !== 200) {
      return status === 404 ? 600_000 : 15_000;
    }
    this.hear(value);
    return 100;
  }

  private hear(value: any): void {
    const items: INews[] = [];
    for (const kind of ['notifications', 'messages']) {
      for (const item of value?.[kind] ?? []) {
        const key = `${kind}:${item.notification_id ?? item.id ?? JSON.stringify(item)}`;
        if (!this.memory.news.some(known => known.key === key)) {
          items.push({ ...item, key, is_read: Boolean(item.is_read) });
        }
      }
    }
    void this.remember({ since: String(value?.next ?? ''), news: [...this.memory.news, ...items].slice(-KEPT_NEWS) });
    if (value?.help && (this.helpSince === null || this.isHelpDelivered)) {
      this.product = value.help;
      const isInQueue = ['asked', 'coming', 'not_found'].includes(value.help.state);
      this.isHelpKnown = this.isHelpKnown || isInQueue;
      // The product says `off` until it has stored the request, a moment after it took it.
      if (this.isHelpKnown && !isInQueue) {
        this.helpSince = null;
      }
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

  private async ask(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
    wanted?: number
  ): Promise<{ status: number; value: any }> {
    if (!this.isAllowed) {
      throw new Refused(textOf('consent-needed', 'Nothing is sent until you agree.'), 409);
    }
    let response: Response;
    try {
      response = await (this.options.fetch ?? fetch)(this.memory.url + path, {
        method,
        headers: {
          ...(this.memory.token ? { Authorization: `Student ${this.memory.token.token}` } : {}),
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...headers
        },
        body: body === undefined ? undefined : JSON.stringify(body),
        credentials: 'omit',
        redirect: 'error'
      });
    } catch {
      throw new Refused(textOf('offline', '{host} cannot be reached just now.', { host: this.host }), 503);
    }
    const value = await response.json().catch(() => null);
    if (wanted !== undefined && response.status !== wanted) {
      throw new Refused(textOf('not-connected', 'This device is not connected to a class.'), 409);
    }
    return { status: response.status, value };
  }

  private repeatHelp(): void {
    if (this.helpSince !== null) {
      void this.runs([{ ...this.plain('help'), ...this.helpPlace }]);
    }
  }

  private plain(kind: string, id?: string): Event {
    return { eventId: id ?? uuid4(), eventType: kind, eventTime: iso(Date.now() / 1000), metadata: { client: CLIENT } };
  }

  private push(): void {
    void this.state().then(state => this.onNotice({ kind: 'state', data: state }));
  }

  private get helpState(): IHelp {
    const isOn = this.helpSince !== null;
    const text = !isOn
      ? textOf('help-off', 'You are not asking for help.')
      : this.isHelpDelivered
        ? textOf('help-asked', 'Your teacher sees that you ask for help.')
        : textOf('help-asking', 'Your request waits until {host} can be reached.', { host: this.host });
    return { is_on: isOn, since: isOn ? iso((this.helpSince as number) / 1000) : null, text, product: this.product };
  }

  private get text(): ISaid {
    const { url, user_id, token } = this.memory;
    const host = this.host;
    if (!url || !user_id) {
      return textOf('not-configured', 'Cell Monitor is not set up yet. Enter the address, your name and the class code.');
    }
    if (!this.isAllowed) {
      return textOf('consent-needed', 'Nothing is sent until you agree.');
    }
    if (this.isPaused) {
      return textOf('paused', 'Paused: nothing is recorded.');
    }
    if (this.claimText) {
      return this.claimText;
    }
    if (!token) {
      return textOf('no-credential', '{host} wants a class code. Ask your teacher for it.', { host });
    }
    const texts: Record<Problem, [string, string]> = {
      unreachable: ['unreachable', '{host} cannot be reached. Nothing is lost; it is sent later.'],
      busy: ['busy', '{host} is busy. Nothing is lost; it is sent later.'],
      refused: ['refused', '{host} does not accept this device any more. Ask your teacher, or connect again.'],
      'wrong-address': ['wrong-address', '{host} answers, but it is not Cell Monitor. Check the address.']
    };
    if (this.sender.problem) {
      return textOf(...texts[this.sender.problem], { host });
    }
    return textOf('sending', 'Connected to {host}.', { host });
  }

  private get headers(): Record<string, string> | null {
    const { token } = this.memory;
    return token?.status === 'active' ? { Authorization: `Student ${token.token}` } : null;
  }

  private get host(): string {
    try {
      return new URL(this.memory.url).host;
    } catch {
      return '';
    }
  }

  private get consentState(): 'given' | 'refused' | 'unasked' {
    const { consent, url } = this.memory;
    return consent && consent.url === url ? consent.answer : 'unasked';
  }

  private get isAllowed(): boolean {
    return this.consentState === 'given';
  }

  private get isPaused(): boolean {
    const until = this.memory.paused_until;
    return until !== null && (until === 0 || until > Date.now());
  }

  private get pausedUntil(): string | null {
    const until = this.memory.paused_until;
    return this.isPaused && until ? iso(until / 1000) : null;
  }

  get isRecording(): boolean {
    return this.isAllowed && !this.isPaused && Boolean(this.memory.url && this.memory.user_id);
  }

  /** Read anew each time: other tabs of this site write it too. */
  private get memory(): IMemory {
    try {
      const text = this.storage.getItem(STORE);
      return text ? { ...NOTHING, ...JSON.parse(text) } : { ...NOTHING, ...this.unstored };
    } catch {
      return { ...NOTHING, ...this.unstored };
    }
  }

  private async remember(values: Partial<IMemory>): Promise<IState> {
    const memory = { ...this.memory, ...values };
    this.unstored = memory;
    try {
      this.storage.setItem(STORE, JSON.stringify(memory));
    } catch {
      // Full, or forbidden: for as long as the page lives.
    }
    return this.state();
  }

  private get storage(): Pick<Storage, 'getItem' | 'setItem'> {
    return this.options.storage ?? localStorage;
  }

  private claimText: ISaid | null = null;
  private helpPlace: Event = {};
  private helpSince: number | null = null;
  private isHelpDelivered = false;
  private isHelpKnown = false; // the product said that the request is in its queue
  private isSessionTold = false;
  private kept: ISent['sent'] = [];
  private lastAssignments: (Omit<IAssignments, 'is_stale'> & object) | null = null;
  private offset = 0;
  private readonly outbox: Outbox<Event>;
  private product: IHelp['product'] = {};
  private question: IState['question'] = null;
  private refusals: ISent['refused'] = [];
  private readonly sender: Sender;
  private readonly sessionId = uuid4();
  private unstored: Partial<IMemory> = {};
}

/** Return a name that no file has; folders in `filename` are dropped. */
export function freeName(filename: string, taken: { has(name: string): boolean }): string {
  const plain = (filename.split(/[\\/]/).pop() ?? '').replace(/^\.+/, '') || 'assignment.ipynb';
  const stem = plain.replace(/\.ipynb$/, '');
  for (let number = 1; ; number++) {
    const name = number === 1 ? `${stem}.ipynb` : `${stem}-${number}.ipynb`;
    if (!taken.has(name)) {
      return name;
    }
  }
}

/** Return the event by the product's clock, which is `offset` milliseconds ahead. */
export function shifted(event: Event, offset: number): Event {
  if (!offset) {
    return event;
  }
  const moved = (text: string) => iso((Date.parse(text) + offset) / 1000);
  const metadata: Event = { ...event.metadata, clockOffsetMs: Math.round(offset) };
  for (const name of ['queuedAt', 'startedAt', 'finishedAt']) {
    if (metadata[name]) {
      metadata[name] = moved(metadata[name]);
    }
  }
  return { ...event, eventTime: moved(event.eventTime), metadata };
}
