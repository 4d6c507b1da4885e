/** What the panel says, in English or Japanese, and what the server part says in both. */
import ja from './ja.json';

/** A text of the server part. */
export interface ISaid {
  code: string;
  en: string;
  ja: string;
}

export type Language = 'en' | 'ja';

const JAPANESE = ja as unknown as Record<string, string[]>;

let language: Language = 'en';

/**
 * Return the language to speak: JupyterLab's where somebody chose one, else the browser's. JupyterLab speaks English
 * until a language pack is installed, so English is no choice.
 */
export function languageOf(lab: string | undefined, browser: string | undefined): Language {
  const chosen = (lab ?? '').toLowerCase().replace('-', '_');
  if (chosen.startsWith('ja')) {
    return 'ja';
  }
  if (chosen && chosen !== 'default' && !chosen.startsWith('en')) {
    return 'en';
  }
  return (browser ?? '').toLowerCase().startsWith('ja') ? 'ja' : 'en';
}

export function setLanguage(value: Language): void {
  language = value;
}

export function currentLanguage(): Language {
  return language;
}

/** Return a text with {names} replaced. The English text is its own key in ja.json. */
export function t(text: string, values: Record<string, string | number> = {}): string {
  const found = language === 'ja' ? JAPANESE[text]?.[0] || text : text;
  return found.replace(/\{(\w+)\}/g, (whole, name: string) => (name in values ? String(values[name]) : whole));
}

/** Return a text of the server part in the language of the panel. */
export function said(text: ISaid | null | undefined): string {
  return text ? text[language] || text.en || '' : '';
}

/** Return a point in time as people here write it; day and year where they are others. */
export function timeText(iso: string | null | undefined, now = Date.now()): string {
  const at = iso ? Date.parse(iso) : NaN;
  if (Number.isNaN(at)) {
    return '';
  }
  const date = new Date(at);
  const isToday = date.toDateString() === new Date(now).toDateString();
  const options: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit' };
  if (!isToday) {
    options.month = 'short';
    options.day = 'numeric';
  }
  if (date.getFullYear() !== new Date(now).getFullYear()) {
    options.year = 'numeric';
  }
  return new Intl.DateTimeFormat(language === 'ja' ? 'ja-JP' : 'en-GB', options).format(date);
}

/** Return how far away a point in time is, such as "in 2 hours" or "3 days ago". */
export function distanceText(iso: string, now = Date.now()): string {
  const minutes = Math.round((Date.parse(iso) - now) / 60_000);
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'always' });
  if (Math.abs(minutes) < 60) {
    return format.format(minutes, 'minute');
  }
  const hours = Math.trunc(minutes / 60);
  return Math.abs(hours) < 48 ? format.format(hours, 'hour') : format.format(Math.trunc(hours / 24), 'day');
}

export function sizeText(bytes: number): string {
  return bytes < 1024 * 1024 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

/** Return a text in both languages, in the form in which the server part says it. */
export function textOf(code: string, english: string, values: Record<string, string | number> = {}): ISaid {
  const filled = (text: string) =>
    text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in values ? String(values[name]) : whole));
  return { code, en: filled(english), ja: filled(JAPANESE[english]?.[0] || english) };
}
