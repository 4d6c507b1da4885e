/** What buttons do in JupyterLab: open notebooks, show cells, ask in dialogs. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Clipboard, Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';

import type { Answer, IAssignment, INews, IReceipt, ISent, ITrial } from './api';
import { Refused } from './api';
import { ConsentBody, HandInBody, ReceiptBody, SentBody } from './dialogs';
import { errorText, Model } from './model';
import { said, t } from './texts';
import { withoutOutputs } from './words';

export interface IActions {
  toggleHelp(): Promise<void>;
  answer(id: number, answer: Answer): Promise<void>;
  openOwnPage(): Promise<void>;
  showCell(item: INews): Promise<void>;
  open(path: string): Promise<NotebookPanel | null>;
  fetch(work: IAssignment): Promise<void>;
  handIn(work: IAssignment): Promise<void>;
  showSent(): Promise<void>;
  disconnect(): Promise<void>;
  copy(text: string): void;
}

const OPEN_MS = 10_000;

export class Actions implements IActions {
  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly tracker: INotebookTracker,
    private readonly model: Model
  ) {}

  async toggleHelp(): Promise<void> {
    const isOn = this.model.state?.help.is_on ?? false;
    this.warn(await this.model.help(!isOn, this.place()));
  }

  async answer(id: number, answer: Answer): Promise<void> {
    this.warn(await this.model.act(backend => backend.answer(id, answer, this.place())));
    if (answer === 'never') {
      void this.model.refreshAssignments();
    }
  }

  /** Open the student's own page in a new tab: made at once, because browsers allow that during a click alone. */
  async openOwnPage(): Promise<void> {
    const page = window.open('about:blank', '_blank');
    try {
      const url = await this.model.backend.ownPage();
      if (page) {
        page.opener = null;
        page.location.replace(url);
      } else {
        Notification.info(t('Your browser blocks new tabs.'), {
          autoClose: false,
          actions: [{ label: t('Open my page'), callback: () => window.open(url, '_blank', 'noopener') }]
        });
      }
    } catch (error) {
      page?.close();
      this.warn(errorText(error));
    }
  }

  async showCell(item: INews): Promise<void> {
    const path = item.notebook_path ?? '';
    const panel = this.find(path) ?? (await this.open(this.localPath(path)));
    void this.model.read([item.key]);
    if (!panel) {
      return;
    }
    this.app.shell.activateById(panel.id);
    await panel.revealed;
    const index = panel.content.widgets.findIndex(cell => cell.model.id === item.cell_id);
    if (index < 0) {
      if (item.cell_id) {
        this.warn(t('This cell is not in your notebook.'));
      }
      return;
    }
    panel.content.activeCellIndex = index;
    panel.content.deselectAll();
    await panel.content.scrollToItem(index, 'center');
    panel.content.activate();
  }

  async open(path: string): Promise<NotebookPanel | null> {
    try {
      await this.app.commands.execute('docmanager:open', { path, factory: 'Notebook' });
    } catch {
      this.warn(t('{path} is not in your files any more.', { path }));
      return null;
    }
    const end = Date.now() + OPEN_MS;
    for (;;) {
      const panel = this.tracker.find(one => one.context.path === path);
      if (panel) {
        await panel.context.ready.catch(() => undefined);
        return panel;
      }
      if (Date.now() > end) {
        return null;
      }
      await new Promise(resolve => setTimeout(resolve, 100));
    }
  }

  fetch(work: IAssignment): Promise<void> {
    return this.once(`fetch ${work.id}`, () => this.fetchIt(work));
  }

  handIn(work: IAssignment): Promise<void> {
    return this.once('hand in', () => this.handItIn(work));
  }

  /** Do something that is on its way already no second time: people click twice. */
  private async once(what: string, work: () => Promise<void>): Promise<void> {
    if (this.onTheirWay.has(what)) {
      return;
    }
    this.onTheirWay.add(what);
    try {
      await work();
    } finally {
      this.onTheirWay.delete(what);
    }
  }

  private async fetchIt(work: IAssignment): Promise<void> {
    try {
      const { path, text } = await this.model.backend.fetch(work.id, '');
      Notification.success(said(text), { autoClose: 5000 });
      await this.model.refreshAssignments();
      await this.open(path);
    } catch (error) {
      this.warn(errorText(error));
    }
  }

  private async handItIn(work: IAssignment): Promise<void> {
    const panel = await this.notebookOf(work);
    if (!panel) {
      await showDialog({
        title: t('Hand in: {title}', { title: work.title }),
        body: t('Open the notebook that you want to hand in first.'),
        buttons: [Dialog.okButton({ label: t('Close') })]
      });
      return;
    }
    try {
      await panel.context.save();
    } catch (error) {
      this.warn(t('The notebook could not be saved: {detail}', { detail: String(error) }));
      return;
    }
    let content: unknown = panel.context.model.toJSON();
    let trial: ITrial;
    try {
      trial = await this.model.backend.tryHandIn(work.id, content);
      const isTooLarge = trial.size > trial.limit;
      if (isTooLarge) {
        content = withoutOutputs(content);
        trial = await this.model.backend.tryHandIn(work.id, content);
      }
      const before = await this.model.backend.history(work.id).catch(() => []);
      const isSame = before.length > 0 && before[0].content_sha256 === trial.content_sha256;
      const isForeign = ours(panel).assignment !== work.id;
      const body = new HandInBody({ work, path: panel.context.path, content, trial, isTooLarge, isSame, isForeign });
      const answer = await showDialog({
        title: t('Hand in: {title}', { title: work.title }),
        body,
        buttons: [
          Dialog.cancelButton({ label: t('Cancel') }),
          ...(trial.size > trial.limit ? [] : [Dialog.okButton({ label: t('Hand in') })])
        ]
      });
      if (!answer.button.accept) {
        return;
      }
      const receipt = await this.model.backend.handIn(work.id, content, body.comment);
      void this.handedIn(work);
      await this.showReceipt(work, receipt);
    } catch (error) {
      void this.handedIn(work);
      const isDraft = error instanceof Refused && Boolean(error.more.is_draft);
      await showDialog({
        title: isDraft ? t('Not handed in yet') : t('Not handed in'),
        body: errorText(error),
        buttons: [Dialog.okButton({ label: t('Close') })]
      });
    }
  }

  showSent(): Promise<void> {
    return this.once('what was sent', () => this.showWhatWasSent());
  }

  disconnect(): Promise<void> {
    return this.once('disconnect', () => this.askToDisconnect());
  }

  private async showWhatWasSent(): Promise<void> {
    let sent: ISent;
    try {
      sent = await this.model.backend.sent();
    } catch (error) {
      this.warn(errorText(error));
      return;
    }
    const answer = await showDialog({
      title: t('What was sent'),
      body: new SentBody(sent),
      buttons: [
        Dialog.warnButton({ label: t('Delete this list and what is waiting') }),
        Dialog.okButton({ label: t('Close') })
      ],
      defaultButton: 1
    });
    if (answer.button.displayType === 'warn') {
      this.warn(await this.model.act(backend => backend.forget()));
    }
  }

  private async askToDisconnect(): Promise<void> {
    const answer = await showDialog({
      title: t('Disconnect this device?'),
      body: t('To connect again you need a class code. What you did so far stays with your teacher.'),
      buttons: [Dialog.cancelButton({ label: t('Cancel') }), Dialog.warnButton({ label: t('Disconnect') })],
      defaultButton: 0
    });
    if (answer.button.accept) {
      this.warn(await this.model.act(backend => backend.disconnect()));
    }
  }

  /** Ask once whether anything may be sent. Resolves when the question is gone. */
  async askConsent(): Promise<void> {
    const state = this.model.state;
    if (!state) {
      return;
    }
    const dialog = new Dialog({
      title: t('May Cell Monitor send what you run?'),
      body: new ConsentBody(said(state.consent_text), state.identity.user_name || state.identity.user_id),
      buttons: [Dialog.cancelButton({ label: t('Not now') }), Dialog.okButton({ label: t('Send') })],
      defaultButton: 0,
      hasClose: false
    });
    const answered = () => {
      if (this.model.state?.privacy.consent !== 'unasked') {
        dialog.dispose(); // in another tab
      }
    };
    this.model.changed.connect(answered);
    try {
      const answer = await dialog.launch();
      this.model.changed.disconnect(answered);
      const isGiven = answer.button.accept;
      this.warn(await this.model.act(backend => backend.consent(isGiven)));
    } catch {
      // The dialog is gone without an answer.
    } finally {
      this.model.changed.disconnect(answered);
    }
  }

  copy(text: string): void {
    Clipboard.copyToSystem(text);
    Notification.info(t('Copied.'), { autoClose: 2000 });
  }

  /** Return the notebook and cell that the student is at. */
  private place(): { path?: string; cellId?: string } {
    const panel = this.tracker.currentWidget;
    return panel ? { path: ours(panel).path ?? panel.context.path, cellId: panel.content.activeCell?.model.id } : {};
  }

  private readonly onTheirWay = new Set<string>();

  private warn(text: string): void {
    if (text) {
      Notification.warning(text, { autoClose: 10_000 });
    }
  }

  /** Return the open notebook of an assignment, else the one that was fetched for it, else the one in front. */
  private async notebookOf(work: IAssignment): Promise<NotebookPanel | null> {
    const open = this.tracker.find(panel => ours(panel).assignment === work.id);
    const path = this.model.assignments?.fetched?.[String(work.id)];
    if (open || !path) {
      return open ?? this.tracker.currentWidget;
    }
    return this.open(path);
  }

  /** Return the open notebook that the product knows by this path. */
  private find(path: string): NotebookPanel | undefined {
    return this.tracker.find(panel => ours(panel).path === path || panel.context.path === path);
  }

  /** Return where the notebook that the product knows by this path is in the student's files. */
  private localPath(path: string): string {
    const work = this.model.assignments?.assignments.find(one => one.notebook_path === path);
    return (work && this.model.assignments?.fetched?.[String(work.id)]) || path;
  }

  private async handedIn(work: IAssignment): Promise<void> {
    await this.model.refreshAssignments();
    await this.model.loadHistory(work.id);
  }

  private async showReceipt(work: IAssignment, receipt: IReceipt): Promise<void> {
    const number = receipt.content_sha256.slice(0, 12);
    const answer = await showDialog({
      title: t('Handed in: {title}', { title: work.title }),
      body: new ReceiptBody(receipt, number),
      buttons: [
        Dialog.cancelButton({ label: t('Copy the receipt'), actions: ['copy'] }),
        Dialog.okButton({ label: t('Close') })
      ],
      defaultButton: 1
    });
    if (answer.button.actions.includes('copy')) {
      // Escape is no accept either, and must leave the clipboard alone.
      this.copy(`${work.title}\n${said(receipt.text)}\nSHA-256 ${receipt.content_sha256}`);
    }
  }
}

function ours(panel: NotebookPanel): { assignment?: number; path?: string } {
  const value = panel.context.model?.getMetadata('cell_monitor') as unknown;
  return value && typeof value === 'object' ? value : {};
}
