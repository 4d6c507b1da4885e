/** What the panel says of a state, in one place, so that status bar, panel and buttons agree. No Lab, no React. */
import type { Answer, IAssignment, IHelp, INews, IState, NoServer } from './api';
import { distanceText, said, t, timeText } from './texts';

export type StateKind = 'sending' | 'paused' | 'waiting' | 'off' | 'missing';

export interface ISummary {
  kind: StateKind;
  /** Two or three words for the status bar. */
  label: string;
  /** A sentence. */
  detail: string;
}

/** Codes of the server part's texts that mean that all is well. */
const FINE = new Set(['ready', 'sending']);
/** What has not left after so long waits; before that it is on its way. */
const ON_ITS_WAY_MS = 15_000;

export function summary(state: IState | null, problem: NoServer | null, now = Date.now()): ISummary {
  if (problem) {
    return { kind: 'missing', label: t('Not connected'), detail: problemText(problem) };
  }
  if (!state) {
    return { kind: 'off', label: t('Connecting …'), detail: t('Asking the Jupyter server.') };
  }
  const detail = said(state.text);
  const { queue, privacy } = state;
  if (!isSetUp(state)) {
    return { kind: 'off', label: t('Not set up'), detail };
  }
  if (!isAllowed(state)) {
    return { kind: 'off', label: t('Not sending'), detail };
  }
  if (privacy.paused) {
    const until = privacy.paused_until
      ? t('Paused until {time}. Nothing is recorded.', { time: timeText(privacy.paused_until, now) })
      : t('Paused until you resume. Nothing is recorded.');
    return { kind: 'paused', label: t('Paused'), detail: until };
  }
  if (state.device.status === 'waiting') {
    return { kind: 'waiting', label: t('To be confirmed'), detail };
  }
  const isLate = queue.waiting > 0 && now - Date.parse(queue.oldest ?? '') > ON_ITS_WAY_MS;
  if (queue.waiting > 0 && (!FINE.has(state.text.code) || isLate)) {
    return { kind: 'waiting', label: t('Waiting: {count}', { count: queue.waiting }), detail };
  }
  if (!FINE.has(state.text.code)) {
    return { kind: 'off', label: t('Not connected'), detail };
  }
  return { kind: 'sending', label: t('Sending'), detail };
}

export function isSetUp(state: IState): boolean {
  return Boolean(state.identity.url && state.identity.user_id);
}

export function isAllowed(state: IState): boolean {
  return state.privacy.consent === 'given' || state.privacy.consent === 'school';
}

/** Whether runs are told by the page alone, so that it must stay open. */
export function needsPage(state: IState): boolean {
  return state.kernels.some(kernel => kernel.needs_page);
}

/** Return what is wrong and the one command that repairs it. */
export function problemText(problem: NoServer): string {
  switch (problem.what) {
    case 'missing':
      return t('The part of Cell Monitor in the Jupyter server is missing or switched off. Run this command, then restart JupyterLab:');
    case 'version':
      return t('The part of Cell Monitor in the Jupyter server has version {version}, this page has another. Reload the page. If that does not help, run this command, then restart JupyterLab:', {
        version: problem.detail
      });
    case 'login':
      return t('JupyterLab wants you to log in again. Reload the page.');
    default:
      return t('The Jupyter server does not answer. What you run in the meantime is kept here and sent later.');
  }
}

/** Return the command that repairs a problem, if there is one. */
export function repairCommand(problem: NoServer): string {
  switch (problem.what) {
    case 'missing':
      return 'jupyter server extension enable cell_monitor_lab';
    case 'version':
      return 'pip install --upgrade cell-monitor-lab';
    default:
      return '';
  }
}

export interface IHelpWords {
  /** On the button. */
  label: string;
  /** A sentence. */
  detail: string;
  /** What a click does. */
  action: string;
}

export function helpWords(help: IHelp | null | undefined, now = Date.now()): IHelpWords {
  if (!help?.is_on) {
    const detail =
      help?.product?.state === 'answered'
        ? t('You have been helped.')
        : t('One click tells your teacher that you want help, and with which cell.');
    return { label: t('Ask for help'), detail, action: t('Ask your teacher for help') };
  }
  const action = t('Stop asking');
  const since = timeText(help.since, now);
  const { state, place, of, by_name: name } = help.product ?? {};
  if (help.text.code === 'help-asking') {
    return { label: t('Asking …'), detail: said(help.text), action };
  }
  if (state === 'coming') {
    const detail = name ? t('{name} is on the way.', { name }) : t('Somebody is on the way.');
    return { label: t('On the way'), detail, action };
  }
  if (state === 'not_found') {
    return { label: t('Help requested'), detail: t('You were not found. You are still in the queue: stay at your place.'), action };
  }
  const queue =
    place && of
      ? t('You are number {place} of {of}. You asked at {time}.', { place, of, time: since })
      : t('Your teacher sees that you have been asking for help since {time}.', { time: since });
  return { label: place ? t('Help requested: number {place}', { place }) : t('Help requested'), detail: queue, action };
}

/** Return the answers to "Are you stuck?", in their order. */
export function questionAnswers(): { answer: Answer; label: string }[] {
  return [
    { answer: 'yes', label: t('Yes, help me') },
    { answer: 'fine', label: t('I’m fine') },
    { answer: 'never', label: t('Don’t ask me again') }
  ];
}

export type WorkKind = 'graded' | 'handed-in' | 'late' | 'fetched' | 'open' | 'draft';

export interface IWork {
  kind: WorkKind;
  label: string;
}

/** Return where an assignment stands. */
export function workState(work: IAssignment, isFetched: boolean, hasDraft: boolean, now = Date.now()): IWork {
  if (hasDraft) {
    return { kind: 'draft', label: t('Not handed in yet: it is saved here') };
  }
  if (work.grade !== null && work.grade !== undefined) {
    const label = work.points
      ? t('Graded: {grade} of {points}', { grade: work.grade, points: work.points })
      : t('Graded: {grade}', { grade: work.grade });
    return { kind: 'graded', label };
  }
  if (work.submitted_at) {
    const isLate = work.due_date && Date.parse(work.submitted_at) > dueAt(work.due_date);
    const time = timeText(work.submitted_at, now);
    return { kind: 'handed-in', label: isLate ? t('Handed in late: {time}', { time }) : t('Handed in: {time}', { time }) };
  }
  if (work.due_date && now > dueAt(work.due_date)) {
    return { kind: 'late', label: t('Late: not handed in') };
  }
  return isFetched ? { kind: 'fetched', label: t('In your files') } : { kind: 'open', label: t('Not started') };
}

/** Return the last millisecond that is in time: a due time without seconds counts until the end of its minute.
 * `deadline` in lms/dates.py is the same rule; __tests__/lateness.json holds both to it. */
export function dueAt(due: string): number {
  const at = Date.parse(due);
  return at % 60_000 === 0 ? at + 59_999 : at;
}

export function dueText(due: string | null | undefined, now = Date.now()): string {
  if (!due || Number.isNaN(Date.parse(due))) {
    return t('No due date');
  }
  return t('Due {time} ({distance})', { time: timeText(due, now), distance: distanceText(due, now) });
}

/** Return title, text, writer and time of a notification or message of any form. */
export function newsWords(item: INews, now = Date.now()): { title: string; text: string; time: string } {
  const title = item.title || (item.instructor_name ? t('Message from {name}', { name: item.instructor_name }) : t('Message'));
  return { title, text: item.message ?? '', time: timeText(item.created_at ?? item.timestamp, now) };
}

export function unread(news: INews[]): INews[] {
  return news.filter(item => !item.is_read);
}

/** A notebook as JSON, as far as the panel reads it. */
interface INotebookJson {
  cells?: { cell_type?: string; source?: string | string[]; execution_count?: number | null; outputs?: unknown[] }[];
}

/** Return how many cells a notebook has, and how many with code have not run. */
export function countCells(content: unknown): { cells: number; unrun: number } {
  const cells = (content as INotebookJson).cells ?? [];
  const unrun = cells.filter(cell => {
    const source = Array.isArray(cell.source) ? cell.source.join('') : (cell.source ?? '');
    return cell.cell_type === 'code' && source.trim() !== '' && !cell.execution_count;
  });
  return { cells: cells.length, unrun: unrun.length };
}

/** Return a notebook without the outputs of its cells. */
export function withoutOutputs(content: unknown): unknown {
  const notebook = content as INotebookJson;
  return {
    ...notebook,
    cells: (notebook.cells ?? []).map(cell => (cell.cell_type === 'code' ? { ...cell, outputs: [], execution_count: null } : cell))
  };
}
