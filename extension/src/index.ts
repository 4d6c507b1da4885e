/** The plugin: puts panel, buttons, status and the watch over notebooks into JupyterLab or Notebook 7. */
import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, IToolbarWidgetRegistry, Notification } from '@jupyterlab/apputils';
import { PageConfig } from '@jupyterlab/coreutils';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import { Actions } from './actions';
import { IBackend, IState, NoServer, NOTICE, Notice, Refused } from './api';
import { codeFromAddress } from './connect';
import type { Event } from './contract';
import { DirectBackend } from './direct';
import { HelpButton, StateItem } from './help';
import { IKeptHint, NotebookWatch } from './hints';
import { uuid4 } from './ids';
import { Model } from './model';
import { Outbox } from './outbox';
import { Panel } from './panel';
import { monitorIcon } from './parts';
import { Poster } from './poster';
import { ServerBackend } from './request';
import { BrowserRuns, Teller } from './runs';
import { languageOf, said, setLanguage, t } from './texts';
import { isAllowed, isSetUp, newsWords, questionAnswers, summary } from './words';

const ID = 'cell-monitor-lab:plugin';
const OLDER_PACKAGE = 'cell-monitor';
const OLDER = `${OLDER_PACKAGE}:plugin`;
const SETTINGS = ['serverUrl', 'userId', 'userName', 'teamName'];

export const Commands = {
  open: 'cell-monitor-lab:open',
  help: 'cell-monitor-lab:help',
  pause: 'cell-monitor-lab:pause',
  sent: 'cell-monitor-lab:sent'
};

const plugin: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: "Help, news and assignments of Cell Monitor; tells which cell a run belongs to.",
  autoStart: true,
  requires: [INotebookTracker],
  optional: [ITranslator, ISettingRegistry, ICommandPalette, IToolbarWidgetRegistry, IStatusBar, ILayoutRestorer],
  activate
};

function activate(
  app: JupyterFrontEnd,
  tracker: INotebookTracker,
  translator: ITranslator | null,
  settings: ISettingRegistry | null,
  palette: ICommandPalette | null,
  toolbar: IToolbarWidgetRegistry | null,
  statusBar: IStatusBar | null,
  restorer: ILayoutRestorer | null
): void {
  setLanguage(languageOf(translator?.languageCode, navigator.language));
  // JupyterLite has no server: there the browser is its own other half.
  const direct = isLite() ? new DirectBackend({ contents: app.serviceManager.contents }) : null;
  const backend: IBackend = direct ?? new ServerBackend(app.serviceManager.serverSettings);
  const model = new Model(backend);
  const actions = new Actions(app, tracker, model);

  const panel = new Panel(model, actions);
  panel.title.icon = monitorIcon;
  panel.title.caption = 'Cell Monitor';
  app.shell.add(panel, 'left', { rank: 250 });
  restorer?.add(panel, panel.id);

  addCommands(app, model, actions, panel, palette);
  const openPanel = () => void app.commands.execute(Commands.open);
  const toggleHelp = () => void app.commands.execute(Commands.help);
  toolbar?.addFactory<NotebookPanel>('Notebook', 'cell-monitor-help', () => new HelpButton(model, toggleHelp));
  toolbar?.addFactory<NotebookPanel>('Notebook', 'cell-monitor-state', () => {
    if (!statusBar) {
      return new StateItem(model, openPanel); // Notebook 7 has no status bar
    }
    const nothing = new Widget();
    nothing.hide();
    return nothing;
  });
  statusBar?.registerStatusItem(ID, { item: new StateItem(model, openPanel), align: 'left', rank: 20 });

  watchNotebooks(app, tracker, model, backend, direct);
  if (direct) {
    direct.onNotice = notice => model.hear(notice);
    direct.start();
  } else {
    hearNotices(app, model);
  }
  showNews(model, actions, panel);
  showQuestions(model, actions);
  askForConsent(app, model, actions);
  tellOfSchoolsConsent(app, model, openPanel);
  if (settings) {
    void passSettings(settings, model);
  }
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) {
      void model.refresh();
      void model.refreshAssignments(true);
    }
  });
  void app.restored.then(async () => {
    model.noteOlderExtension(olderExtension(app));
    await model.refresh();
    const isNew = model.state !== null && !isSetUp(model.state) && codeFromAddress(window.location.search);
    if (isNew) {
      openPanel();
    }
  });
}

function addCommands(
  app: JupyterFrontEnd,
  model: Model,
  actions: Actions,
  panel: Panel,
  palette: ICommandPalette | null
): void {
  const { commands } = app;
  const isHelpOn = () => model.state?.help.is_on ?? false;
  commands.addCommand(Commands.open, {
    label: t('Cell Monitor: open the panel'),
    execute: () => app.shell.activateById(panel.id)
  });
  commands.addCommand(Commands.help, {
    label: () => (isHelpOn() ? t('Cell Monitor: ask no more for help') : t('Cell Monitor: ask for help')),
    isToggled: isHelpOn,
    execute: () => actions.toggleHelp()
  });
  commands.addCommand(Commands.pause, {
    label: () => (model.state?.privacy.paused ? t('Cell Monitor: resume') : t('Cell Monitor: pause for 15 minutes')),
    isEnabled: () => model.isConnected,
    execute: () => model.act(one => (model.state?.privacy.paused ? one.resume() : one.pause(15)))
  });
  commands.addCommand(Commands.sent, {
    label: t('Cell Monitor: what was sent'),
    isEnabled: () => model.state !== null,
    execute: () => actions.showSent()
  });
  Object.values(Commands).forEach(command => palette?.addItem({ command, category: 'Cell Monitor' }));
  model.changed.connect(() => Object.values(Commands).forEach(id => commands.notifyCommandChanged(id)));
}

/** Whether this is JupyterLite: its pages say where their site begins. */
function isLite(): boolean {
  return document.querySelector('#jupyter-config-data[data-jupyter-lite-root]') !== null;
}

/** Tell the other half what happens to notebooks, by way of a store that survives the page. */
function watchNotebooks(
  app: JupyterFrontEnd,
  tracker: INotebookTracker,
  model: Model,
  backend: IBackend,
  direct: DirectBackend | null
): void {
  const owner = uuid4();
  const { baseUrl } = app.serviceManager.serverSettings;
  const hints = new Poster<IKeptHint>({
    outbox: new Outbox<IKeptHint>({ name: `cell-monitor-lab ${baseUrl}`, owner }),
    post: (kept, keepalive) =>
      backend.hints(
        kept.map(({ hint, queuedAt }) => ({ ...hint, ageMs: Math.max(0, Date.now() - queuedAt) })),
        keepalive
      ),
    isWorthRepeating
  });
  // Events of kernels behind a gateway wait here for the server part. In JupyterLite `runs` stores them itself.
  const events = new Poster<Event>({
    outbox: new Outbox<Event>({ name: `cell-monitor-lab runs ${baseUrl}`, owner }),
    post: found => backend.runs(found),
    isWorthRepeating
  });
  const tellerOf = (id: string): Teller => {
    const kernel = model.state?.kernels.find(one => one.id === id);
    return direct ? 'page' : !kernel ? 'unknown' : kernel.is_watched ? 'server' : 'page';
  };
  const isRecording = () =>
    model.state === null || (isSetUp(model.state) && isAllowed(model.state) && !model.state.privacy.paused);
  const runs = new BrowserRuns(tellerOf, isRecording, found => {
    if (direct) {
      void direct.runs(found);
    } else {
      void events.add(found.map(event => ({ id: String(event.eventId), value: event })));
    }
  });
  model.changed.connect(() => runs.settle());
  const watch = new NotebookWatch(
    tracker,
    ({ hint, queuedAt }, id) => {
      // Before the student agreed nothing is kept, not even here.
      if (!isRecording()) {
        return;
      }
      runs.hint(hint, queuedAt);
      if (!direct || !hint.kernelId) {
        void hints.add([{ id, value: { hint, queuedAt } }]);
      }
    },
    (connection, args, where) => runs.listen(connection, args, where)
  );
  app.commands.commandExecuted.connect((_, { id }) => {
    if (id === 'docmanager:save' || id === 'docmanager:save-as') {
      watch.savedByHand();
    } else if (id === 'notebook:interrupt-kernel') {
      runs.interrupted(tracker.currentWidget?.sessionContext.session?.kernel?.id);
    }
  });
  // A kernel that the state does not name yet may be one behind a gateway.
  const asked = new Set<string>();
  app.serviceManager.sessions.runningChanged.connect((_, sessions) => {
    const known = model.state?.kernels.map(kernel => kernel.id);
    const isNew = (id: string | undefined) => id !== undefined && !asked.has(id) && known?.includes(id) === false;
    const found = sessions.map(session => session.kernel?.id).filter(isNew) as string[];
    if (!direct && found.length) {
      found.forEach(id => asked.add(id));
      void model.refresh();
    }
  });
  window.addEventListener('pagehide', event => {
    if (!event.persisted) {
      watch.closeAll();
    }
    runs.last(direct !== null && !event.persisted);
    hints.last();
    events.last();
    direct?.last();
  });
  hints.start();
  events.start();
}

function isWorthRepeating(error: unknown): boolean {
  return !(error instanceof Refused) && !isRefusedForGood(error);
}

/** Without the other half there is nobody who will ever want the hint. */
function isRefusedForGood(error: unknown): boolean {
  return error instanceof NoServer && error.what === 'missing';
}

/** The socket of Jupyter Events is open anyway; the server part tells through it what changes. */
function hearNotices(app: JupyterFrontEnd, model: Model): void {
  app.serviceManager.events?.stream.connect((_, emission) => {
    if (emission.schema_id === NOTICE) {
      model.hear({ kind: emission.kind, data: emission.data } as unknown as Notice);
    }
  });
}

function showNews(model: Model, actions: Actions, panel: Panel): void {
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
function showQuestions(model: Model, actions: Actions): void {
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

/** Tell whether the field's older extension is installed here, and whether it runs. */
function olderExtension(app: JupyterFrontEnd): 'on' | 'off' | null {
  if (app.hasPlugin(OLDER) && !PageConfig.Extension.isDisabled(OLDER)) {
    return 'on';
  }
  try {
    const found = JSON.parse(PageConfig.getOption('federated_extensions') || '[]') as { name?: string }[];
    return found.some(one => one.name === OLDER_PACKAGE) ? 'off' : null;
  } catch {
    return null;
  }
}

/** Ask at the first start, and again for another address; once a page. */
function askForConsent(app: JupyterFrontEnd, model: Model, actions: Actions): void {
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
function tellOfSchoolsConsent(app: JupyterFrontEnd, model: Model, openPanel: () => void): void {
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

/** Who sets addresses and names for a school may do it in JupyterLab's settings. */
async function passSettings(registry: ISettingRegistry, model: Model): Promise<void> {
  const settings = await registry.load(ID);
  const pass = () => {
    const values: Record<string, string> = {};
    for (const name of SETTINGS) {
      const value = settings.get(name).composite;
      if (typeof value === 'string' && value) {
        values[name] = value;
      }
    }
    void model.act(backend => backend.useSettings(values));
  };
  if (SETTINGS.some(name => settings.get(name).composite)) {
    pass();
  }
  settings.changed.connect(pass);
}

export default plugin;
