/** The product's clock, as far as this browser's differs from it. */
import { Event, iso } from './contract';
import { Product } from './product';

/** Clocks that differ less are left alone. */
const OFFSET_MS = 2000;

/** Return how many milliseconds the product's clock is ahead; 0 where the difference is small, or not known. */
export async function measuredOffset(product: Product): Promise<number> {
  const before = Date.now();
  const { value } = await product.ask('GET', '/api/v1/events/health');
  const theirs = Date.parse(value?.timestamp ?? '');
  const offset = theirs - (before + Date.now()) / 2;
  return Math.abs(offset) > OFFSET_MS ? offset : 0;
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
