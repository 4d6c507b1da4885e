/** The plugin: puts panel, buttons, status and the watch over notebooks into JupyterLab or Notebook 7. */
import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, IToolbarWidgetRegistry } from '@jupyterlab/apputils';
import { PageConfig } from '@jupyterlab/coreutils';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import { Actions } from './actions';
import { IBackend, NOTICE, Notice } from './api';
import { codeFromAddress } from './connect';
import { DirectBackend } from './direct';
import { HelpButton, StateItem } from './help';
import { Model } from './model';
import { announceSchoolConsent, askForConsent, showNews, showQuestions } from './notifications';
import { Panel } from './panel';
import { monitorIcon } from './parts';
import { ServerBackend } from './request';
import { languageOf, setLanguage, t } from './texts';
import { watchNotebooks } from './watching';
import { isSetUp } from './words';

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
  announceSchoolConsent(app, model, openPanel);
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
    label: () => (isHelpOn() ? t('Cell Monitor: stop asking for help') : t('Cell Monitor: ask for help')),
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

/** The socket of Jupyter Events is open anyway; the server part tells through it what changes. */
function hearNotices(app: JupyterFrontEnd, model: Model): void {
  app.serviceManager.events?.stream.connect((_, emission) => {
    if (emission.schema_id === NOTICE) {
      model.hear({ kind: emission.kind, data: emission.data } as unknown as Notice);
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
