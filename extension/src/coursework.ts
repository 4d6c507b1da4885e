/** Assignments where there is no server part: starters, hand-ins, what became of them. */
import type { Contents } from '@jupyterlab/services';

import { IAssignments, IProgress, IReceipt, ISubmission, ITrial, Refused } from './api';
import { canonical, sha256 } from './canonical';
import { uuid4 } from './ids';
import { Memory } from './memory';
import { isBusy, Product } from './product';
import { ISaid, textOf } from './texts';

const LIMIT_BYTES = 5 * 1024 * 1024;

export type Files = Pick<Contents.IManager, 'get' | 'save'>;

export class Coursework {
  constructor(private readonly memory: Memory, private readonly product: Product, private readonly contents: Files) {}

  async assignments(): Promise<IAssignments> {
    try {
      const { value } = await this.product.ask('GET', '/api/v1/me', undefined, {}, 200);
      this.lastAssignments = value;
    } catch (error) {
      if (!this.lastAssignments || !(error instanceof Refused) || error.status !== 503) {
        throw error;
      }
      return { ...this.lastAssignments, is_stale: true, drafts: this.memory.values.drafts, fetched: this.memory.values.fetched };
    }
    return { ...(this.lastAssignments as IAssignments), is_stale: false, drafts: this.memory.values.drafts, fetched: this.memory.values.fetched };
  }

  async progress(): Promise<IProgress[]> {
    const id = this.memory.values.token?.student?.id;
    if (id === undefined) {
      return [];
    }
    const { value } = await this.product.ask('GET', `/api/v1/progress/student/${id}`, undefined, {}, 200);
    return Object.values(value?.progress?.assignments_progress ?? {});
  }

  async fetch(assignmentId: number, folder: string): Promise<{ path: string; text: ISaid }> {
    const { status, value } = await this.product.ask('GET', `/api/v1/assignments/${assignmentId}/starter`);
    if (isBusy(status)) {
      throw new Refused(textOf('busy-now', '{host} is busy right now. Try again in a minute.', { host: this.memory.host }), 503);
    }
    if (status !== 200) {
      throw new Refused(textOf('no-starter', 'This assignment has no notebook to start from.'), 404);
    }
    const listed = await this.contents.get(folder, { content: true });
    const taken = new Set((listed.content as { name: string }[]).map(item => item.name));
    const name = freeName(String(value.filename ?? ''), taken);
    const path = folder ? `${folder}/${name}` : name;
    await this.contents.save(path, { type: 'notebook', format: 'json', content: value.content });
    this.memory.put({ fetched: { ...this.memory.values.fetched, [assignmentId]: path } });
    return { path, text: textOf('fetched', '{path} is in your files.', { path }) };
  }

  async tryHandIn(_assignmentId: number, content: unknown): Promise<ITrial> {
    const bytes = canonical(content);
    return { size: bytes.length, limit: LIMIT_BYTES, content_sha256: await sha256(bytes) };
  }

  async handIn(assignmentId: number, content: unknown, comment: string): Promise<IReceipt> {
    const sha = await sha256(canonical(content));
    const known = this.memory.values.drafts[assignmentId];
    const draft = known?.sha256 === sha ? known : { sha256: sha, key: uuid4() };
    this.memory.put({ drafts: { ...this.memory.values.drafts, [assignmentId]: draft } });
    const body = {
      assignment_id: assignmentId,
      student_id: this.memory.values.token?.student?.id,
      notebook_content: content,
      submission_comment: comment || undefined
    };
    const answered = await this.product.ask('POST', '/api/v1/submissions', body, { 'Idempotency-Key': draft.key }).catch(error => {
      if (error instanceof Refused && error.text.code === 'offline') {
        return null;
      }
      throw error;
    });
    if (answered === null || isBusy(answered.status)) {
      const text = 'Not handed in yet: {host} cannot be reached. It is saved here; hand it in again later.';
      throw new Refused(textOf('draft', text, { host: this.memory.host }), 503, { is_draft: true });
    }
    const { [String(assignmentId)]: _gone, ...drafts } = this.memory.values.drafts;
    this.memory.put({ drafts });
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
            'Handed in, but the server received something other than what was sent. Tell your teacher.'
          )
    };
  }

  async history(assignmentId: number): Promise<ISubmission[]> {
    const path = `/api/v1/submissions?content=0&assignment_id=${assignmentId}`;
    return (await this.product.ask('GET', path, undefined, {}, 200)).value;
  }

  private lastAssignments: (Omit<IAssignments, 'is_stale'> & object) | null = null;
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
