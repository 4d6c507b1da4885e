/** Asks the product with the student's token; nothing before the yes. */
import { Refused } from './api';
import { Memory } from './memory';
import { textOf } from './texts';

export class Product {
  constructor(private readonly memory: Memory, private readonly given?: typeof fetch) {}

  /** Ask, and return the answer. Throws Refused: without consent, without an answer, or with another status than `wanted`. */
  async ask(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
    wanted?: number
  ): Promise<{ status: number; value: any }> {
    if (!this.memory.isAllowed) {
      throw new Refused(textOf('consent-needed', 'Nothing is sent until you agree.'), 409);
    }
    const { token } = this.memory.values;
    let response: Response;
    try {
      response = await (this.given ?? fetch)(this.memory.values.url + path, {
        method,
        headers: {
          ...(token ? { Authorization: `Student ${token.token}` } : {}),
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...headers
        },
        body: body === undefined ? undefined : JSON.stringify(body),
        credentials: 'omit',
        redirect: 'error'
      });
    } catch {
      throw new Refused(textOf('offline', '{host} cannot be reached right now.', { host: this.memory.host }), 503);
    }
    const value = await response.json().catch(() => null);
    if (wanted !== undefined && isBusy(response.status)) {
      throw new Refused(textOf('busy-now', '{host} is busy right now. Try again in a minute.', { host: this.memory.host }), 503);
    }
    if (wanted !== undefined && response.status !== wanted) {
      throw new Refused(textOf('not-connected', 'This device is not connected to a class.'), 409);
    }
    return { status: response.status, value };
  }
}

/** Whether an answer says that the product, or a proxy before it, would answer another time. */
export function isBusy(status: number): boolean {
  return status >= 500 || status === 408 || status === 425 || status === 429;
}
