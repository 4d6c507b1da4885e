/** This device's connection to a class, where there is no server part: its token, and the state in a sentence. */
import { IConnectValues, IDevice, IQuestions, Refused } from './api';
import { IMemory, Memory, NOTHING } from './memory';
import { isBusy, Product } from './product';
import type { Problem } from './sender';
import { ISaid, textOf } from './texts';
import { CLIENT } from './version';

export class Connection {
  constructor(private readonly memory: Memory, private readonly product: Product) {}

  /** Get a token, if there is a code for it; ask whether the token that waits was confirmed. */
  async claim(): Promise<void> {
    const { token, class_code, user_id, user_name, team } = this.memory.values;
    this.problem = null;
    if (!token && class_code) {
      const body = {
        class_code,
        userId: user_id,
        userName: user_name || undefined,
        teamName: team || undefined,
        device: 'JupyterLite',
        client: CLIENT
      };
      const { status, value } = await this.product.ask('POST', '/api/v1/me/token', body);
      if (status === 201) {
        this.memory.put({ token: value, class_code: '' });
      } else if (isBusy(status)) {
        this.problem = textOf('busy', '{host} is busy. Nothing is lost; it is sent later.', { host: this.memory.host });
      } else {
        this.memory.put({ class_code: '' });
        this.problem = this.refusal(status, value);
      }
    } else if (token?.status === 'waiting') {
      const { status, value } = await this.product.ask('GET', '/api/v1/me/token');
      if (status === 200) {
        this.memory.put({ token: { ...token, ...value, token: token.token } });
      } else if (status === 401) {
        this.memory.put({ token: null });
      }
    }
  }

  /** Remember what was typed; the code is used by `claim`. Throws Refused for what is no address. */
  enter(values: IConnectValues): void {
    let url: string;
    try {
      url = new URL(values.url ?? this.memory.values.url).origin;
    } catch {
      throw new Refused(textOf('bad-address', 'This is not the address of a server.'), 409);
    }
    const { user_id, user_name, team } = { ...this.memory.values, ...values };
    const code = values.class_code?.trim() ?? '';
    const isOther = url !== this.memory.values.url || user_id.trim() !== this.memory.values.user_id || code !== '';
    this.memory.put({
      url,
      user_id: user_id.trim(),
      user_name: user_name.trim(),
      team: team.trim(),
      ...(code ? { class_code: code } : {}),
      ...(isOther ? { token: null } : {})
    });
  }

  /** Give the token up. */
  async leave(): Promise<void> {
    await this.product.ask('DELETE', '/api/v1/me/token').catch(() => undefined);
    this.memory.put({ ...NOTHING, drafts: this.memory.values.drafts, fetched: this.memory.values.fetched });
  }

  /** Take from JupyterLab's settings what is not known yet. */
  fill(values: Record<string, string>): void {
    const { serverUrl, userId, userName, teamName } = values;
    const found = { url: serverUrl, user_id: userId, user_name: userName, team: teamName };
    const missing = Object.entries(found).filter(([name, value]) => value && !this.memory.values[name as keyof IMemory]);
    this.memory.put(Object.fromEntries(missing));
  }

  async switchQuestions(mayBeAsked: boolean): Promise<IQuestions> {
    return (await this.product.ask('PUT', '/api/v1/me/question', { may_be_asked: mayBeAsked }, {}, 200)).value;
  }

  async ownPage(): Promise<string> {
    const { status, value } = await this.product.ask('POST', '/api/v1/me/page');
    if (status !== 201 || !/^https?:/.test(String(value?.url))) {
      throw new Refused(textOf('no-page', 'Your page cannot be opened right now.'), 409);
    }
    return value.url;
  }

  async devices(): Promise<IDevice[]> {
    const { value } = await this.product.ask('GET', '/api/v1/me/token', undefined, {}, 200);
    return value?.devices ?? [];
  }

  async confirm(deviceId: number): Promise<IDevice[]> {
    const { value } = await this.product.ask('POST', '/api/v1/me/token/confirm', { id: deviceId }, {}, 200);
    return value?.devices ?? [];
  }

  /** Return the state in a sentence. `problem` is the sender's. */
  text(problem: Problem | null): ISaid {
    const { url, user_id, token } = this.memory.values;
    const host = this.memory.host;
    if (!url || !user_id) {
      return textOf('not-configured', 'Cell Monitor is not set up yet. Enter the address, your name and the class code.');
    }
    if (!this.memory.isAllowed) {
      return textOf('consent-needed', 'Nothing is sent until you agree.');
    }
    if (this.memory.isPaused) {
      return textOf('paused', 'Paused: nothing is recorded.');
    }
    if (this.problem) {
      return this.problem;
    }
    if (!token) {
      return textOf('no-credential', '{host} requires a class code. Ask your teacher for it.', { host });
    }
    const texts: Record<Problem, [string, string]> = {
      unreachable: ['unreachable', '{host} cannot be reached. Nothing is lost; it is sent later.'],
      busy: ['busy', '{host} is busy. Nothing is lost; it is sent later.'],
      refused: ['refused', '{host} does not accept this device any more. Ask your teacher, or connect again.'],
      'wrong-address': ['wrong-address', '{host} answers, but it is not Cell Monitor. Check the address.']
    };
    if (problem) {
      return textOf(...texts[problem], { host });
    }
    return textOf('sending', 'Connected to {host}.', { host });
  }

  private refusal(status: number, value: any): ISaid {
    if (status === 401) {
      return textOf('code-unknown', 'This class code is not known, or it has expired. Ask your teacher for a new one.');
    }
    if (status === 422) {
      const text =
        '{host} does not take what you entered. Check e-mail or student number, name, team and class code; names may have 255 characters.';
      return textOf('not-taken', text, { host: this.memory.host });
    }
    return textOf('not-handed-in', 'Something went wrong: {detail}', { detail: String(value?.detail ?? status) });
  }

  /** Why the code gave no token. */
  private problem: ISaid | null = null;
}
