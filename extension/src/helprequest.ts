/** The student's request for help, and what became of it, where there is no server part. */
import { IHelp } from './api';
import { Event, iso } from './contract';
import { textOf } from './texts';

const IN_QUEUE = new Set(['asked', 'coming', 'not_found']);

export class HelpRequest {
  /** Where help is asked for, as events have it. */
  place: Event = {};

  get isOn(): boolean {
    return this.since !== null;
  }

  start(place: { path?: string; cellId?: string }): void {
    this.since = Date.now();
    this.place = { notebookPath: place.path, cellId: place.cellId };
    this.isDelivered = this.isKnown = false;
    this.product = {};
  }

  stop(): void {
    this.since = null;
  }

  delivered(): void {
    this.isDelivered = true;
  }

  /** Take in what the product says of it. Return whether that is meant for this request. */
  hear(said: NonNullable<IHelp['product']>): boolean {
    if (this.since !== null && !this.isDelivered) {
      return false;
    }
    this.product = said;
    const isInQueue = IN_QUEUE.has(String(said.state));
    this.isKnown = this.isKnown || isInQueue;
    // The product says `off` until it has stored the request, a moment after it took it.
    if (this.isKnown && !isInQueue) {
      this.since = null;
    }
    return true;
  }

  state(host: string): IHelp {
    const text = !this.isOn
      ? textOf('help-off', 'You are not asking for help.')
      : this.isDelivered
        ? textOf('help-asked', 'Your teacher sees that you are asking for help.')
        : textOf('help-asking', 'Your request waits until {host} can be reached.', { host });
    const since = this.since === null ? null : iso(this.since / 1000);
    return { is_on: this.isOn, since, text, product: this.product };
  }

  private isDelivered = false;
  private isKnown = false; // the product said that the request is in its queue
  private product: IHelp['product'] = {};
  private since: number | null = null;
}
