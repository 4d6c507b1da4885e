/** The panel in the left sidebar. Plain React; what touches JupyterLab is in actions.ts. */
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import React from 'react';

import type { IActions } from './actions';
import { Assignments } from './assignments';
import { ConnectForm, ConnectionBox } from './connect';
import type { Model } from './model';
import { NewsBox } from './news';
import { OlderExtensionBox } from './older';
import { Problem, StateBox } from './state';
import { said, t } from './texts';
import { helpWords, isAllowed, isSetUp, questionAnswers } from './words';

export class Panel extends ReactWidget {
  constructor(private readonly model: Model, private readonly actions: IActions) {
    super();
    this.id = 'cell-monitor-panel';
    this.addClass('cm-Panel');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', 'Cell Monitor');
  }

  protected onAfterShow(): void {
    void this.model.refresh();
    void this.model.refreshAssignments(true);
  }

  protected render(): JSX.Element {
    return (
      <UseSignal signal={this.model.changed}>
        {() => <PanelView model={this.model} actions={this.actions} />}
      </UseSignal>
    );
  }
}

interface IProps {
  model: Model;
  actions: IActions;
}

function PanelView({ model, actions }: IProps): JSX.Element {
  const [isEditing, setEditing] = React.useState(false);
  const { state, problem } = model;
  if (problem || !state) {
    return (
      <div className="cm-Content">
        <StateBox model={model} />
        {problem && <Problem model={model} actions={actions} />}
      </div>
    );
  }
  if (!isSetUp(state) || isEditing) {
    return (
      <div className="cm-Content">
        <StateBox model={model} />
        <ConnectForm model={model} state={state} onDone={() => setEditing(false)} canCancel={isSetUp(state)} />
      </div>
    );
  }
  if (!isAllowed(state)) {
    return (
      <div className="cm-Content">
        <StateBox model={model} />
        <section className="cm-Section" aria-labelledby="cm-consent">
          <h3 id="cm-consent">{t('May this be sent?')}</h3>
          <p>{said(state.consent_text)}</p>
          <p>{t('You appear as {name}.', { name: state.identity.user_name || state.identity.user_id })}</p>
          <div className="cm-Buttons">
            <button className="cm-Button cm-mod-accept" onClick={() => void model.act(one => one.consent(true))}>
              {t('Send')}
            </button>
            {state.privacy.consent === 'unasked' && (
              <button className="cm-Button" onClick={() => void model.act(one => one.consent(false))}>
                {t('Not now')}
              </button>
            )}
          </div>
        </section>
        <ConnectionBox model={model} state={state} actions={actions} onEdit={() => setEditing(true)} />
      </div>
    );
  }
  const isWaiting = state.device.status === 'waiting';
  return (
    <div className="cm-Content">
      <StateBox model={model} canPause onEdit={() => setEditing(true)} />
      {isWaiting && (
        <section className="cm-Section" aria-labelledby="cm-confirm">
          <h3 id="cm-confirm">{t('Confirm this device')}</h3>
          <p>{t('Tell your teacher this number, or confirm it on a device that you used before:')}</p>
          <p className="cm-Number">{state.device.check_number}</p>
          <p>{t('What you run in the meantime is kept and sent afterwards.')}</p>
        </section>
      )}
      <QuestionBox model={model} actions={actions} />
      <OlderExtensionBox model={model} />
      {!isWaiting && <DevicesBox model={model} />}
      <HelpBox model={model} actions={actions} />
      <NewsBox model={model} actions={actions} />
      {!isWaiting && <Assignments model={model} actions={actions} />}
      {state.device.status === 'active' && <OwnPageBox actions={actions} />}
      <ConnectionBox model={model} state={state} actions={actions} onEdit={() => setEditing(true)} />
    </div>
  );
}

function DevicesBox({ model }: { model: Model }): JSX.Element | null {
  const [problem, setProblem] = React.useState('');
  if (!model.waitingDevices.length) {
    return null;
  }
  return (
    <section className="cm-Section" aria-labelledby="cm-devices">
      <h3 id="cm-devices">{t('Another device wants to connect as you')}</h3>
      <p>{t('Confirm it only if it is yours and shows this number.')}</p>
      <ul className="cm-List">
        {model.waitingDevices.map(device => (
          <li className="cm-Item" key={device.id}>
            <p>{device.device}</p>
            <p className="cm-Number">{device.check_number}</p>
            <div className="cm-Buttons">
              <button className="cm-Button" onClick={() => void model.confirm(device).then(setProblem)}>
                {t('Confirm: {device}', { device: device.device })}
              </button>
            </div>
          </li>
        ))}
      </ul>
      {problem && (
        <p className="cm-Problem" role="alert">
          {problem}
        </p>
      )}
    </section>
  );
}

function QuestionBox({ model, actions }: IProps): JSX.Element | null {
  const question = model.state?.question;
  if (!question) {
    return null;
  }
  const answers = questionAnswers();
  return (
    <section className="cm-Section cm-Question" aria-labelledby="cm-question">
      <h3 id="cm-question">{t('Are you stuck?')}</h3>
      <p>{t('Your teacher asks students who may need help. Only you know.')}</p>
      <div className="cm-Buttons">
        {answers.map(({ answer, label }) => (
          <button
            className={`cm-Button ${answer === 'yes' ? 'cm-mod-accept' : ''}`}
            key={answer}
            onClick={() => void actions.answer(question.id, answer)}
          >
            {label}
          </button>
        ))}
      </div>
    </section>
  );
}

function OwnPageBox({ actions }: { actions: IActions }): JSX.Element {
  return (
    <section className="cm-Section" aria-labelledby="cm-own-page">
      <h3 id="cm-own-page">{t('My page')}</h3>
      <p>{t('What is stored about you, your progress and your feedback.')}</p>
      <div className="cm-Buttons">
        <button className="cm-Button" onClick={() => void actions.openOwnPage()}>
          {t('Open my page (new tab)')}
        </button>
      </div>
    </section>
  );
}

function HelpBox({ model, actions }: IProps): JSX.Element {
  const help = model.state?.help;
  const { label, detail, action } = helpWords(help);
  const isOn = help?.is_on ?? false;
  const isPaused = model.state?.privacy.paused ?? false;
  return (
    <section className="cm-Section" aria-labelledby="cm-help">
      <h3 id="cm-help">{t('Help')}</h3>
      <p role="status">{isPaused ? t('You cannot ask for help during a pause.') : detail}</p>
      <div className="cm-Buttons">
        <button
          className={`cm-Button ${isOn ? 'cm-mod-on' : 'cm-mod-accept'}`}
          disabled={isPaused}
          title={action}
          onClick={() => void actions.toggleHelp()}
        >
          {isOn ? action : label}
        </button>
      </div>
    </section>
  );
}
