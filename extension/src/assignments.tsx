/** Assignments: where each stands, and what can be done with it. */
import React from 'react';

import type { IActions } from './actions';
import type { IAssignment } from './api';
import type { Model } from './model';
import { t, timeText } from './texts';
import { dueText, workState } from './words';

interface IProps {
  model: Model;
  actions: IActions;
}

export function Assignments({ model, actions }: IProps): JSX.Element {
  const found = model.assignments;
  return (
    <section className="cm-Section" aria-labelledby="cm-work">
      <h3 id="cm-work">{t('Assignments')}</h3>
      {model.assignmentsProblem && (
        <p className="cm-Problem" role="alert">
          {model.assignmentsProblem}
        </p>
      )}
      {found?.is_stale && <p>{t('The server cannot be reached; this is what it said last.')}</p>}
      {found && !found.assignments.length && <p>{t('There are no assignments yet.')}</p>}
      <ul className="cm-List">
        {(found?.assignments ?? []).map(work => (
          <Assignment key={work.id} work={work} model={model} actions={actions} />
        ))}
      </ul>
      <div className="cm-Buttons">
        <button className="cm-Button" onClick={() => void model.refreshAssignments()}>
          {t('Refresh')}
        </button>
      </div>
    </section>
  );
}

function Assignment({ work, model, actions }: IProps & { work: IAssignment }): JSX.Element {
  const path = model.assignments?.fetched?.[String(work.id)];
  const hasDraft = String(work.id) in (model.assignments?.drafts ?? {});
  const state = workState(work, path !== undefined, hasDraft);
  const progress = model.progress[work.id];
  const facts = [dueText(work.due_date)];
  if (work.points) {
    facts.push(t('Points: {points}', { points: work.points }));
  }
  const label = (action: string) => `${action}: ${work.title}`;
  return (
    <li className="cm-Item">
      <h4 className="cm-Item-title">{work.title}</h4>
      <p className={`cm-Work cm-mod-${state.kind}`}>{state.label}</p>
      <p className="cm-Facts-line">{facts.join(' · ')}</p>
      {work.description && <p className="cm-Text">{work.description}</p>}
      {progress && progress.total_cells > 0 && (
        <div className="cm-Progress">
          <progress
            max={progress.total_cells}
            value={progress.completed_cells}
            aria-label={t('Cells done of {title}', { title: work.title })}
          />
          <span>{t('Cells done: {done} of {all}', { done: progress.completed_cells, all: progress.total_cells })}</span>
        </div>
      )}
      {work.feedback && (
        <div className="cm-Feedback">
          <strong>{t('Feedback')}</strong>
          <p className="cm-Text">{work.feedback}</p>
        </div>
      )}
      <div className="cm-Buttons">
        {path !== undefined ? (
          <button className="cm-Button" aria-label={label(t('Open'))} onClick={() => void actions.open(path)}>
            {t('Open')}
          </button>
        ) : (
          work.has_starter && (
            <button className="cm-Button cm-mod-accept" aria-label={label(t('Get it'))} onClick={() => void actions.fetch(work)}>
              {t('Get it')}
            </button>
          )
        )}
        <button className="cm-Button" aria-label={label(t('Hand in …'))} onClick={() => void actions.handIn(work)}>
          {hasDraft ? t('Hand in again …') : t('Hand in …')}
        </button>
      </div>
      <details
        className="cm-More"
        onToggle={event => {
          if ((event.target as HTMLDetailsElement).open) {
            void model.loadHistory(work.id);
          }
        }}
      >
        <summary aria-label={label(t('Hand-ins'))}>{t('Hand-ins')}</summary>
        <History work={work} model={model} />
        {path !== undefined && work.has_starter && (
          <div className="cm-Buttons">
            <button className="cm-Button" onClick={() => void actions.fetch(work)}>
              {t('Get a fresh copy')}
            </button>
          </div>
        )}
      </details>
    </li>
  );
}

function History({ work, model }: { work: IAssignment; model: Model }): JSX.Element {
  const found = model.history[work.id];
  if (!found) {
    return <p>{t('Loading …')}</p>;
  }
  if (!found.length) {
    return <p>{t('Nothing handed in yet.')}</p>;
  }
  return (
    <ol className="cm-List">
      {found.map((item, index) => (
        <li key={item.id}>
          <p>
            {t('Attempt {attempt}: {time}', {
              attempt: item.attempt ?? found.length - index,
              time: timeText(item.submitted_at)
            })}
            {item.grade !== null && item.grade !== undefined && ` · ${t('Grade: {grade}', { grade: item.grade })}`}
          </p>
          {item.content_sha256 && (
            <p>
              {t('Check number')} <code>{item.content_sha256.slice(0, 12)}</code>
            </p>
          )}
          {item.feedback && <p className="cm-Text">{item.feedback}</p>}
        </li>
      ))}
    </ol>
  );
}
