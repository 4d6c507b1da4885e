/** Who the student is and where to send: the first page of the panel, and its last section. */
import React from 'react';

import type { IActions } from './actions';
import type { IConnectValues, IState } from './api';
import type { Model } from './model';
import { said, t } from './texts';

interface IFormProps {
  model: Model;
  state: IState;
  canCancel: boolean;
  onDone: () => void;
}

const SCHOOL = new Set(['school', 'hub']);

export function ConnectForm({ model, state, canCancel, onDone }: IFormProps): JSX.Element {
  const { identity } = state;
  const [values, setValues] = React.useState<Required<IConnectValues>>({
    url: identity.url,
    user_id: identity.user_id,
    user_name: identity.user_name,
    team: identity.team,
    class_code: codeFromAddress(window.location.search)
  });
  const [problem, setProblem] = React.useState('');
  const submit = async (event: React.FormEvent) => {
    event.preventDefault();
    const failed = await model.connect(values);
    setProblem(failed);
    if (!failed) {
      onDone();
    }
  };
  const field = (name: keyof IConnectValues, label: string, help: string, isRequired: boolean, more = {}) => {
    const isFixed = SCHOOL.has(identity.sources[name]);
    return (
      <div className="cm-Field">
        <label htmlFor={`cm-${name}`}>
          {label}
          {isRequired && !isFixed && <span className="cm-Required"> {t('(required)')}</span>}
        </label>
        <input
          id={`cm-${name}`}
          className="cm-Input"
          value={values[name]}
          required={isRequired}
          readOnly={isFixed}
          aria-describedby={`cm-${name}-help`}
          autoComplete="off"
          spellCheck={false}
          onChange={event => setValues({ ...values, [name]: event.target.value })}
          {...more}
        />
        <p className="cm-Help" id={`cm-${name}-help`}>
          {isFixed ? t('Set by your school.') : help}
        </p>
      </div>
    );
  };
  return (
    <form className="cm-Section" aria-labelledby="cm-connect" onSubmit={event => void submit(event)}>
      <h3 id="cm-connect">{t('Connect to your class')}</h3>
      {field('url', t('Address'), t('Ask your teacher for it. It looks like https://monitor.school.example'), true, { type: 'url' })}
      {field('user_id', t('E-mail or student number'), t('Your teacher knows you by this.'), true)}
      {field('user_name', t('Name'), t('Your teacher sees it.'), false)}
      {field('team', t('Team'), t('If your class works in teams.'), false)}
      {field('class_code', t('Class code'), t('Eight letters and digits that your teacher shows you, such as K7QF-2M9X.'), false)}
      {problem && (
        <p className="cm-Problem" role="alert">
          {problem}
        </p>
      )}
      <div className="cm-Buttons">
        <button className="cm-Button cm-mod-accept" type="submit" disabled={model.isBusy}>
          {model.isBusy ? t('Connecting …') : t('Connect')}
        </button>
        {canCancel && (
          <button className="cm-Button" type="button" onClick={onDone}>
            {t('Cancel')}
          </button>
        )}
      </div>
    </form>
  );
}

/** Return the class code of a link such as …/lab?cell_monitor_code=K7QF-2M9X. */
export function codeFromAddress(search: string): string {
  return (new URLSearchParams(search).get('cell_monitor_code') ?? '').slice(0, 20);
}

interface IBoxProps {
  model: Model;
  state: IState;
  actions: IActions;
  onEdit: () => void;
}

export function ConnectionBox({ model, state, actions, onEdit }: IBoxProps): JSX.Element {
  const { identity, privacy, queue } = state;
  const [problem, setProblem] = React.useState('');
  const questions = model.assignments?.questions;
  const who = identity.user_name ? `${identity.user_name} (${identity.user_id})` : identity.user_id;
  return (
    <details className="cm-Section">
      <summary>{t('Connection and what was sent')}</summary>
      <dl className="cm-Facts">
        <dt>{t('You')}</dt>
        <dd>{who}</dd>
        <dt>{t('Address')}</dt>
        <dd>{identity.url}</dd>
        <dt>{t('Waiting to be sent')}</dt>
        <dd>{queue.waiting}</dd>
        {queue.refused > 0 && (
          <>
            <dt>{t('Refused by the server')}</dt>
            <dd>{queue.refused}</dd>
          </>
        )}
        <dt>{t('Version')}</dt>
        <dd>{state.version}</dd>
      </dl>
      {privacy.consent === 'school' && <p>{said(state.consent_text)}</p>}
      {questions?.is_on && (
        <p>
          <label className="cm-Check">
            <input
              type="checkbox"
              checked={questions.may_be_asked}
              onChange={event => void model.switchQuestions(event.target.checked).then(setProblem)}
            />{' '}
            {t('Ask me now and then whether I am stuck')}
          </label>
        </p>
      )}
      {problem && (
        <p className="cm-Problem" role="alert">
          {problem}
        </p>
      )}
      <div className="cm-Buttons">
        <button className="cm-Button" onClick={() => void actions.showSent()}>
          {t('What was sent …')}
        </button>
        <button className="cm-Button" onClick={onEdit}>
          {t('Change the connection …')}
        </button>
        {privacy.consent === 'given' && (
          <button className="cm-Button" onClick={() => void model.act(one => one.consent(false))}>
            {t('Stop sending')}
          </button>
        )}
        {state.device.status !== 'none' && (
          <button className="cm-Button" onClick={() => void actions.disconnect()}>
            {t('Disconnect …')}
          </button>
        )}
      </div>
    </details>
  );
}
