/** The panel's first box: what the state is, what to do about it, and the pause. */
import React from 'react';

import type { IActions } from './actions';
import type { Model } from './model';
import { Mark } from './parts';
import { t } from './texts';
import { needsPage, repairCommand, summary } from './words';

/** Codes of what the server part says where only a new connection helps. */
const NEEDS_CONNECTION = new Set(['refused', 'no-credential', 'code-unknown', 'bad-address', 'wrong-address', 'moved', 'not-taken', 'login-page']);

interface IStateProps {
  model: Model;
  canPause?: boolean;
  onEdit?: () => void;
}

export function StateBox({ model, canPause = false, onEdit }: IStateProps): JSX.Element {
  const { kind, label, detail } = summary(model.state, model.problem);
  const { state } = model;
  const school = state?.device.class?.name;
  const isPaused = state?.privacy.paused ?? false;
  return (
    <section className={`cm-Section cm-State cm-mod-${kind}`} aria-label={t('State')}>
      <div role="status">
        <p className="cm-State-label">
          <Mark kind={kind} />
          <span>{label}</span>
        </p>
        <p className="cm-State-detail">{detail}</p>
        {state && needsPage(state) && (
          <p className="cm-State-detail">
            {t('The Jupyter server cannot see one of your kernels: this page reports what runs there. Keep it open until your cells have finished.')}
          </p>
        )}
      </div>
      {school && <p className="cm-State-detail">{t('Class: {name}', { name: school })}</p>}
      {(state?.queue.dropped ?? 0) > 0 && (
        <p className="cm-State-detail">
          {t('{count} of the oldest events were dropped, because too many were waiting.', { count: state?.queue.dropped ?? 0 })}
        </p>
      )}
      {state && !state.queue.is_durable && (
        <p className="cm-State-detail">{t('What is waiting cannot be saved to disk: it is lost when the server stops.')}</p>
      )}
      {onEdit && NEEDS_CONNECTION.has(state?.text.code ?? '') && (
        <div className="cm-Buttons">
          <button className="cm-Button cm-mod-accept" onClick={onEdit}>
            {t('Connect again …')}
          </button>
        </div>
      )}
      {canPause && (
        <div className="cm-Buttons" role="group" aria-label={t('Pause')}>
          {isPaused ? (
            <button className="cm-Button cm-mod-accept" onClick={() => void model.act(one => one.resume())}>
              {t('Resume')}
            </button>
          ) : (
            <>
              <span className="cm-Buttons-label">{t('Pause:')}</span>
              <button className="cm-Button" onClick={() => void model.act(one => one.pause(15))}>
                {t('15 min')}
              </button>
              <button className="cm-Button" onClick={() => void model.act(one => one.pause(60))}>
                {t('60 min')}
              </button>
              <button className="cm-Button" onClick={() => void model.act(one => one.pause(null))}>
                {t('Until I resume')}
              </button>
            </>
          )}
        </div>
      )}
    </section>
  );
}

export function Problem({ model, actions }: { model: Model; actions: IActions }): JSX.Element {
  const command = model.problem ? repairCommand(model.problem) : '';
  return (
    <section className="cm-Section" aria-label={t('What to do')}>
      {command && (
        <p className="cm-Command">
          <code>{command}</code>
          <button className="cm-Button" onClick={() => actions.copy(command)}>
            {t('Copy')}
          </button>
        </p>
      )}
      {model.problem?.what === 'missing' && (
        <p>
          {t('If it is not installed where the Jupyter server runs:')} <code>pip install cell-monitor-lab</code>
        </p>
      )}
      <div className="cm-Buttons">
        <button className="cm-Button" onClick={() => void model.refresh()}>
          {t('Try again')}
        </button>
      </div>
    </section>
  );
}
