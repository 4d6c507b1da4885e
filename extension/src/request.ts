/** The server part, asked over HTTP by JupyterLab's own means: login, XSRF and base address are theirs. */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import {
  Answer,
  IAssignments,
  IBackend,
  IConnectValues,
  IDevice,
  IHelp,
  IHint,
  IProgress,
  IQuestions,
  IReceipt,
  ISent,
  IState,
  ISubmission,
  ITrial,
  NoServer,
  Refused
} from './api';
import type { ISaid } from './texts';
import { VERSION } from './version';

export class ServerBackend implements IBackend {
  constructor(private readonly settings: ServerConnection.ISettings = ServerConnection.makeSettings()) {}

  /** The handshake. Raises NoServer if the other half is missing or too different. */
  async state(): Promise<IState> {
    const state = await this.ask<IState>('GET', 'state');
    if (minor(state.version) !== minor(VERSION)) {
      throw new NoServer('version', state.version);
    }
    return state;
  }

  async hints(hints: IHint[], keepalive = false): Promise<void> {
    await this.ask('POST', 'hints', { hints }, { keepalive });
  }

  async runs(events: Record<string, unknown>[]): Promise<void> {
    await this.ask('POST', 'runs', { events });
  }

  help(isOn: boolean, place: { path?: string; cellId?: string }): Promise<IHelp> {
    return this.ask('POST', 'help', { is_on: isOn, ...place });
  }

  answer(id: number, answer: Answer, place: { path?: string; cellId?: string }): Promise<IState> {
    return this.ask('POST', 'question', { id, answer, ...place });
  }

  switchQuestions(mayBeAsked: boolean): Promise<IQuestions> {
    return this.ask('POST', 'question', { may_be_asked: mayBeAsked });
  }

  async ownPage(): Promise<string> {
    return (await this.ask<{ url: string }>('POST', 'page')).url;
  }

  pause(minutes: number | null): Promise<IState> {
    return this.ask('POST', 'pause', { minutes });
  }

  resume(): Promise<IState> {
    return this.ask('POST', 'pause', { resume: true });
  }

  consent(isGiven: boolean): Promise<IState> {
    return this.ask('POST', 'consent', { is_given: isGiven });
  }

  connect(values: IConnectValues): Promise<IState> {
    return this.ask('POST', 'connect', values);
  }

  disconnect(): Promise<IState> {
    return this.ask('DELETE', 'connect');
  }

  useSettings(values: Record<string, string>): Promise<IState> {
    return this.ask('POST', 'settings', values);
  }

  assignments(): Promise<IAssignments> {
    return this.ask('GET', 'assignments');
  }

  async progress(): Promise<IProgress[]> {
    return (await this.ask<{ progress: IProgress[] }>('GET', 'progress')).progress;
  }

  async devices(): Promise<IDevice[]> {
    return (await this.ask<{ devices: IDevice[] }>('GET', 'devices')).devices;
  }

  async confirm(deviceId: number): Promise<IDevice[]> {
    return (await this.ask<{ devices: IDevice[] }>('POST', 'devices', { id: deviceId })).devices;
  }

  fetch(assignmentId: number, folder: string): Promise<{ path: string; text: ISaid }> {
    return this.ask('POST', 'fetch', { assignment_id: assignmentId, folder });
  }

  tryHandIn(assignmentId: number, content: unknown): Promise<ITrial> {
    return this.ask('POST', 'hand-in', { assignment_id: assignmentId, content, is_trial: true });
  }

  handIn(assignmentId: number, content: unknown, comment: string): Promise<IReceipt> {
    return this.ask('POST', 'hand-in', { assignment_id: assignmentId, content, comment: comment || undefined });
  }

  history(assignmentId: number): Promise<ISubmission[]> {
    return this.ask('GET', `history?assignment_id=${assignmentId}`);
  }

  sent(): Promise<ISent> {
    return this.ask('GET', 'sent');
  }

  forget(): Promise<IState> {
    return this.ask('DELETE', 'sent');
  }

  async read(keys: string[]): Promise<void> {
    await this.ask('POST', 'read', { keys });
  }

  private async ask<T>(method: string, path: string, body?: unknown, init: RequestInit = {}): Promise<T> {
    const url = URLExt.join(this.settings.baseUrl, 'cell-monitor-lab', path);
    const request: RequestInit = { method, ...init };
    if (body !== undefined) {
      request.body = JSON.stringify(body);
    }
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(url, request, this.settings);
    } catch (error) {
      throw new NoServer('silent', String(error));
    }
    return answered<T>(response);
  }
}

/** Return the JSON of an answer. Raises Refused with a text of the server part, NoServer for all else. */
export async function answered<T>(response: Response): Promise<T> {
  if (response.redirected && /\/login/.test(response.url)) {
    throw new NoServer('login');
  }
  const isJson = (response.headers.get('content-type') ?? '').includes('json');
  const value = isJson ? await response.json().catch(() => null) : null;
  if (response.ok && value !== null) {
    return value as T; // JupyterLite and some proxies answer pages to everything
  }
  if (value?.text?.code) {
    throw new Refused(value.text, response.status, value);
  }
  if (response.status === 404 || response.ok) {
    throw new NoServer('missing');
  }
  if (response.status === 401 || response.status === 403) {
    throw new NoServer('login');
  }
  throw new NoServer('silent', String(value?.message ?? response.status));
}

function minor(version: string): string {
  return String(version).split('.').slice(0, 2).join('.');
}
