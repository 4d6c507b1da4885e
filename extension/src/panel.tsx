/** The panel in the left sidebar. Plain React; what touches JupyterLab is in actions.tsx. */
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import React from 'react';

import type { IActions } from './actions';
import type { INews } from './api';
import { Assignments } from './assignments';
import { ConnectForm, ConnectionBox } from './connect';
import type { Model } from './model';
import { Mark } from './parts';
import { said, t } from './texts';
import { helpWords, isAllowed, isSetUp, needsPage, newsWords, questionAnswers, repairCommand, summary } from './words';

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
          <p>{t('What you run meanwhile is kept and sent afterwards.')}</p>
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

/** Codes of what the server part says where only a new connection helps. */
const NEEDS_CONNECTION = new Set(['refused', 'no-credential', 'code-unknown', 'bad-address', 'wrong-address', 'moved']);

interface IStateProps {
  model: Model;
  canPause?: boolean;
  onEdit?: () => void;
}

function StateBox({ model, canPause = false, onEdit }: IStateProps): JSX.Element {
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
            {t('The Jupyter server cannot see a kernel of yours: this page tells what runs there. Keep it open until your cells have ended.')}
          </p>
        )}
      </div>
      {school && <p className="cm-State-detail">{t('Class: {name}', { name: school })}</p>}
      {(state?.queue.dropped ?? 0) > 0 && (
        <p className="cm-State-detail">
          {t('{count} of the oldest were given up, because too many waited.', { count: state?.queue.dropped ?? 0 })}
        </p>
      )}
      {state && !state.queue.is_durable && (
        <p className="cm-State-detail">{t('What waits cannot be stored: it is lost when the server stops.')}</p>
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

function Problem({ model, actions }: IProps): JSX.Element {
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
      <p>{t('Your teacher asks those who may need help. Only you know.')}</p>
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

const OLDER_KEY = 'cell-monitor-lab told of the older extension';

function OlderExtensionBox({ model }: { model: Model }): JSX.Element | null {
  const [isTold, setTold] = React.useState(() => stored(OLDER_KEY));
  const older = model.olderExtension;
  if (!older || isTold === older) {
    return null;
  }
  const command = 'jupyter labextension disable cell-monitor:plugin';
  return (
    <section className="cm-Section" aria-labelledby="cm-older">
      <h3 id="cm-older">{t('The older extension is installed too')}</h3>
      {older === 'off' ? (
        <p>{t('This one has switched it off, so each run counts once. You need do nothing; the older one may be uninstalled.')}</p>
      ) : (
        <>
          <p>{t('Both are on, so each run may count twice. Switch the older one off, and reload the page:')}</p>
          <p className="cm-Command">
            <code>{command}</code>
          </p>
        </>
      )}
      <div className="cm-Buttons">
        <button
          className="cm-Button"
          onClick={() => {
            store(OLDER_KEY, older);
            setTold(older);
          }}
        >
          {t('Understood')}
        </button>
      </div>
    </section>
  );
}

function stored(key: string): string {
  try {
    return localStorage.getItem(key) ?? '';
  } catch {
    return ''; // forbidden: told again in the next page
  }
}

function store(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // The same.
  }
}

function OwnPageBox({ actions }: { actions: IActions }): JSX.Element {
  return (
    <section className="cm-Section" aria-labelledby="cm-own-page">
      <h3 id="cm-own-page">{t('My page')}</h3>
      <p>{t('What is stored of you, your progress and feedback.')}</p>
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
      <p role="status">{isPaused ? t('Help cannot be asked for during a pause.') : detail}</p>
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

const SHOWN_NEWS = 5;

function NewsBox({ model, actions }: IProps): JSX.Element | null {
  const [isWhole, setWhole] = React.useState(false);
  const news = [...(model.state?.news ?? [])].reverse();
  if (!news.length) {
    return null;
  }
  const shown = isWhole ? news : news.slice(0, SHOWN_NEWS);
  const count = model.unread.length;
  return (
    <section className="cm-Section" aria-labelledby="cm-news">
      <h3 id="cm-news">{count ? t('News ({count} unread)', { count }) : t('News')}</h3>
      <ul className="cm-List">
        {shown.map(item => (
          <NewsItem key={item.key} item={item} model={model} actions={actions} />
        ))}
      </ul>
      <div className="cm-Buttons">
        {count > 0 && (
          <button className="cm-Button" onClick={() => void model.read(model.unread.map(item => item.key))}>
            {t('Mark all as read')}
          </button>
        )}
        {news.length > SHOWN_NEWS && (
          <button className="cm-Button" aria-expanded={isWhole} onClick={() => setWhole(!isWhole)}>
            {isWhole ? t('Show fewer') : t('Show all {count}', { count: news.length })}
          </button>
        )}
      </div>
    </section>
  );
}

function NewsItem({ item, model, actions }: IProps & { item: INews }): JSX.Element {
  const { title, text, time } = newsWords(item);
  return (
    <li className={item.is_read ? 'cm-Item' : 'cm-Item cm-mod-unread'}>
      <p className="cm-Item-title">
        {!item.is_read && <span className="cm-New">{t('New')}</span>}
        <strong>{title}</strong> <span className="cm-Time">{time}</span>
      </p>
      {text && <p className="cm-Text">{text}</p>}
      {(item.notebook_path || !item.is_read) && (
        <div className="cm-Buttons">
          {item.notebook_path && (
            <button className="cm-Button" onClick={() => void actions.showCell(item)}>
              {t('Show me')}
            </button>
          )}
          {!item.is_read && (
            <button
              className="cm-Button"
              aria-label={t('Mark as read: {title}', { title })}
              onClick={() => void model.read([item.key])}
            >
              {t('Mark as read')}
            </button>
          )}
        </div>
      )}
    </li>
  );
}
