/** What dialogs show: the question of consent, a hand-in and its receipt, what was sent. */
import { ReactWidget } from '@jupyterlab/ui-components';
import React from 'react';

import type { IAssignment, IReceipt, ISent, ITrial } from './api';
import { said, sizeText, t, timeText } from './texts';
import { countCells } from './words';

export class ConsentBody extends ReactWidget {
  constructor(private readonly text: string, private readonly name: string) {
    super();
    this.addClass('cm-Dialog');
  }

  protected render(): JSX.Element {
    return (
      <>
        <p>{this.text}</p>
        <p>{t('You appear as {name}.', { name: this.name })}</p>
        <p>{t('You can change your mind in the panel at any time.')}</p>
      </>
    );
  }
}

interface IHandInProps {
  work: IAssignment;
  path: string;
  content: unknown;
  trial: ITrial;
  isTooLarge: boolean;
  isSame: boolean;
  isForeign: boolean;
}

export class HandInBody extends ReactWidget {
  constructor(private readonly props: IHandInProps) {
    super();
    this.addClass('cm-Dialog');
  }

  comment = '';

  protected render(): JSX.Element {
    const { work, path, content, trial, isTooLarge, isSame, isForeign } = this.props;
    const { cells, unrun } = countCells(content);
    const isLate = work.due_date && Date.now() > Date.parse(work.due_date);
    return (
      <>
        <p>{t('This will be handed in, as it is now:')}</p>
        <dl className="cm-Facts">
          <dt>{t('Notebook')}</dt>
          <dd>{path}</dd>
          <dt>{t('Cells')}</dt>
          <dd>{cells}</dd>
          <dt>{t('Size')}</dt>
          <dd>{sizeText(trial.size)}</dd>
        </dl>
        {isForeign && <p className="cm-Warning">{t('This notebook was not made for this assignment. Is it the right one?')}</p>}
        {unrun > 0 && <p className="cm-Warning">{t('Cells with code that have not run: {count}.', { count: unrun })}</p>}
        {isSame && <p className="cm-Warning">{t('Nothing has changed since you last handed it in.')}</p>}
        {isLate && <p className="cm-Warning">{t('It is late, but you can still hand it in.')}</p>}
        {isTooLarge && trial.size <= trial.limit && (
          <p className="cm-Warning">
            {t('With its outputs it is larger than {limit}, so it will be handed in without them.', { limit: sizeText(trial.limit) })}
          </p>
        )}
        {trial.size > trial.limit && (
          <p className="cm-Warning">
            {t('Even without outputs it is larger than {limit}. Take out large pictures or texts.', { limit: sizeText(trial.limit) })}
          </p>
        )}
        <label htmlFor="cm-comment">{t('Comment for your teacher')}</label>
        <textarea
          id="cm-comment"
          className="cm-Input"
          rows={2}
          maxLength={1000}
          onChange={event => {
            this.comment = event.target.value;
          }}
        />
      </>
    );
  }
}

export class ReceiptBody extends ReactWidget {
  constructor(private readonly receipt: IReceipt, private readonly number: string) {
    super();
    this.addClass('cm-Dialog');
  }

  protected render(): JSX.Element {
    const { attempt, submitted_at: at, is_same: isSame, text } = this.receipt;
    return (
      <>
        <dl className="cm-Facts">
          <dt>{t('Attempt')}</dt>
          <dd>{attempt}</dd>
          <dt>{t('Received')}</dt>
          <dd>{timeText(at)}</dd>
          <dt>{t('Check number')}</dt>
          <dd>
            <code>{this.number}</code>
          </dd>
        </dl>
        {!isSame && <p className="cm-Warning">{said(text)}</p>}
      </>
    );
  }
}

export class SentBody extends ReactWidget {
  constructor(private readonly sent: ISent) {
    super();
    this.addClass('cm-Dialog');
    this.addClass('cm-Sent');
  }

  protected render(): JSX.Element {
    const { sent, refused } = this.sent;
    return (
      <>
        <p>{t('The last events, as they left this computer: {count}. Select one to see its details.', { count: sent.length })}</p>
        {refused.length > 0 && (
          <section aria-labelledby="cm-refused">
            <h3 id="cm-refused">{t('Refused by the server')}</h3>
            {refused.map((item, index) => (
              <Event key={index} at={item.refused_at} event={item.event} why={item.reason} />
            ))}
          </section>
        )}
        {sent.map((item, index) => (
          <Event key={index} at={item.sent_at} event={item.event} />
        ))}
      </>
    );
  }
}

function Event({ at, event, why }: { at: string; event: Record<string, unknown>; why?: string }): JSX.Element {
  const place = [event.notebookPath, event.cellIndex === undefined ? '' : t('cell {number}', { number: Number(event.cellIndex) + 1 })];
  return (
    <details className="cm-Event">
      <summary>
        {[timeText(at), String(event.eventType ?? ''), ...place, why].filter(Boolean).join(' · ')}
      </summary>
      <pre tabIndex={0} aria-label={t('The event')}>
        {JSON.stringify(event, null, 2)}
      </pre>
    </details>
  );
}
