/** The notifications that JupyterLab shows: news, questions, and what is sent. */
import { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';

import { Actions } from './actions';
import { IState } from './api';
import { Model } from './model';
import { Panel } from './panel';
import { said, t } from './texts';
import { isSetUp, newsWords, questionAnswers, summary } from './words';

/** Show each unread item once, and their number beside the panel's icon. */
export function showNews(model: Model, actions: Actions, panel: Panel): void {
  const shown = new Set<string>();
  model.arrived.connect((_, news) => {
    for (const item of news) {
      if (item.is_read || shown.has(item.key)) {
        continue;
      }
      shown.add(item.key);
      const { title, text } = newsWords(item);
      // Shown as text, and cut where it is long; the panel has all of it.
      Notification.info(text ? `${title}: ${text}` : title, {
        autoClose: false,
        actions: item.notebook_path
          ? [{ label: t('Show me'), callback: () => void actions.showCell(item) }]
          : [{ label: t('Mark as read'), callback: () => void model.read([item.key]) }]
      });
    }
  });
  model.changed.connect(() => {
    const count = model.unread.length;
    // A number beside the icon, not its colour alone.
    panel.title.label = count ? String(count) : '';
    const { label } = summary(model.state, model.problem);
    panel.title.caption = count ? `Cell Monitor: ${label}, ${t('News: {count}', { count })}` : `Cell Monitor: ${label}`;
  });
}

/** Show each question as a notification too, for as long as it is open. */
export function showQuestions(model: Model, actions: Actions): void {
  let shown: { question: number; notification: string } | null = null;
  model.changed.connect(() => {
    const question = model.problem ? null : (model.state?.question ?? null);
    if (shown && shown.question !== question?.id) {
      Notification.dismiss(shown.notification);
      shown = null;
    }
    if (question && !shown) {
      const answers = questionAnswers().map(({ answer, label }) => ({
        label,
        displayType: answer === 'yes' ? ('accent' as const) : ('default' as const),
        callback: () => void actions.answer(question.id, answer)
      }));
      const notification = Notification.emit(t('Are you stuck?'), 'info', { autoClose: false, actions: answers });
      shown = { question: question.id, notification };
    }
  });
}

/** Ask at the first start, and again for another address; once a page. */
export function askForConsent(app: JupyterFrontEnd, model: Model, actions: Actions): void {
  const asked = new Set<string>();
  const look = (state: IState | null) => {
    if (state && !model.problem && isSetUp(state) && state.privacy.consent === 'unasked' && !asked.has(state.identity.url)) {
      asked.add(state.identity.url);
      void app.restored.then(() => actions.askConsent());
    }
  };
  model.changed.connect(() => look(model.state));
}

/** A school that has the consent on paper answers for its students: they are told what is sent, once a browser. */
export function announceSchoolConsent(app: JupyterFrontEnd, model: Model, openPanel: () => void): void {
  const look = () => {
    const { state } = model;
    if (!state || model.problem || !isSetUp(state) || state.privacy.consent !== 'school') {
      return;
    }
    model.changed.disconnect(look);
    const key = `cell-monitor-lab told ${state.identity.url}`;
    try {
      if (localStorage.getItem(key)) {
        return;
      }
      localStorage.setItem(key, new Date().toISOString());
    } catch {
      // Forbidden: told again at each start.
    }
    void app.restored.then(() =>
      Notification.info(said(state.consent_text), {
        autoClose: false,
        actions: [{ label: t('Pause, and what was sent'), callback: openPanel }]
      })
    );
  };
  model.changed.connect(look);
}
