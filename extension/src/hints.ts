/**
 * Tells which cell a run belongs to, and what happens to notebooks.
 *
 * `NotebookActions.executed` is no use: it is missing for restarts and deleted cells. The msg id of a run is in the
 * `execute_request` that the kernel connection sends; its metadata has the id of the cell.
 */
import type { ICellModel } from '@jupyterlab/cells';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import { INotebookModel, INotebookTracker, NotebookActions, NotebookPanel } from '@jupyterlab/notebook';
import type { Kernel, KernelMessage } from '@jupyterlab/services';

import type { IHint } from './api';
import type { ICell } from './contract';
import { uuid4 } from './ids';
import { cellOf } from './runs';

type Context = DocumentRegistry.IContext<INotebookModel>;

/** How long a scheduled cell waits for its request; without one, the server runs the cell. */
const SCHEDULED_MS = 500;
/** How long after the command a save counts as the student's own. */
const MANUAL_MS = 10_000;

/** What a hint says beside its times; `queuedAt` by Date.now(). */
export interface IKeptHint {
  hint: IHint;
  queuedAt: number;
}

export type Tell = (kept: IKeptHint, id: string) => void;
/** Hears every message of a notebook's kernel, both directions. */
export type Listen = (connection: Kernel.IKernelConnection, args: Kernel.IAnyMessageArgs, where: Where) => void;

/** The notebook that a kernel connection belongs to. */
export class Where {
  constructor(readonly context: Context) {}

  get path(): string {
    return this.context.path;
  }

  /** What a starter's notebook says of its assignment: {assignment, path, off}. */
  get ours(): { assignment?: number; path?: string; off?: boolean } {
    const value = this.context.model?.getMetadata('cell_monitor') as unknown;
    return value && typeof value === 'object' ? value : {};
  }

  /** Return a cell by its id, with its place. */
  find(cellId: string | undefined): { cell: ICellModel; index: number } | null {
    const cells = this.context.model?.cells;
    if (!cellId || !cells) {
      return null;
    }
    for (let index = 0; index < cells.length; index++) {
      const cell = cells.get(index);
      if (cell.id === cellId) {
        return { cell, index };
      }
    }
    return null;
  }

  /** Return the one cell with code that has this source. */
  locate(code: string): ICell | null {
    const cells = this.context.model?.cells;
    const found: ICellModel[] = [];
    for (let index = 0; index < (cells?.length ?? 0); index++) {
      const cell = cells.get(index);
      if (cell.type === 'code' && cell.sharedModel.getSource() === code) {
        found.push(cell);
      }
    }
    return found.length === 1 ? cellOf(this.describe('run', '', found[0].id)) : null;
  }

  /** Return what a hint says of the notebook and of one of its cells. */
  describe(kind: IHint['kind'], kernelId?: string, cellId?: string, code = ''): IHint {
    const { path: assignmentPath, off } = this.ours;
    const hint: IHint = { kind, path: this.path };
    if (assignmentPath) {
      hint.assignmentPath = String(assignmentPath);
    }
    if (off) {
      hint.off = true;
    }
    if (kernelId === undefined) {
      return hint;
    }
    hint.kernelId = kernelId;
    const found = this.find(cellId);
    if (cellId) {
      hint.cellId = cellId;
    }
    if (found) {
      hint.cellIndex = found.index;
      hint.cellType = found.cell.type;
      const tags = found.cell.getMetadata('tags') as unknown;
      hint.private = Array.isArray(tags) && tags.includes('private');
    }
    hint.code = hint.private || hint.off ? '' : code;
    return hint;
  }
}

/** Watches every notebook of the application. Views of one file share its context, and are watched once. */
export class NotebookWatch {
  constructor(tracker: INotebookTracker, private readonly tell: Tell, private readonly listen?: Listen) {
    tracker.forEach(panel => this.add(panel));
    tracker.widgetAdded.connect((_, panel) => this.add(panel));
    NotebookActions.executionScheduled.connect((_, { notebook, cell }) => {
      const panel = tracker.find(other => other.content === notebook);
      if (panel) {
        this.scheduled(panel, cell.model);
      }
    });
  }

  /** Note that the student saves now. */
  savedByHand(): void {
    this.manualAt = Date.now();
  }

  /** The page goes, and with it every notebook. */
  closeAll(): void {
    [...this.watched.keys()].forEach(context => this.forget(context));
  }

  private add(panel: NotebookPanel): void {
    const context = panel.context;
    const known = this.watched.get(context);
    panel.disposed.connect(() => this.removeView(context));
    if (known) {
      known.views += 1;
      return;
    }
    const where = new Where(context);
    const watched: IWatched = { where, views: 1, connection: null, requested: new Map(), isOpened: false };
    this.watched.set(context, watched);
    void context.ready.then(() => {
      if (this.watched.get(context) === watched) {
        watched.isOpened = true;
        this.event(where.describe('opened'));
      }
    });
    context.saveState.connect((_, state) => {
      if (state === 'completed') {
        const manual = Date.now() - this.manualAt < MANUAL_MS;
        this.manualAt = 0;
        this.event({ ...where.describe('saved'), manual });
      }
    });
    const session = context.sessionContext;
    const attach = () => {
      const connection = session.session?.kernel ?? null;
      if (connection === watched.connection) {
        return;
      }
      watched.connection = connection;
      connection?.anyMessage.connect((_, args) => {
        this.listen?.(connection, args, where);
        if (args.direction === 'send' && args.msg.header.msg_type === 'execute_request') {
          this.requested(watched, connection, args.msg as KernelMessage.IExecuteRequestMsg);
        }
      });
    };
    session.kernelChanged.connect(attach);
    session.sessionChanged.connect(attach);
    attach();
  }

  private removeView(context: Context): void {
    const watched = this.watched.get(context);
    if (watched) {
      watched.views -= 1;
      if (watched.views <= 0) {
        this.forget(context);
      }
    }
  }

  private forget(context: Context): void {
    const watched = this.watched.get(context);
    this.watched.delete(context);
    if (watched?.isOpened) {
      this.event(watched.where.describe('closed'));
    }
  }

  /** A run left this tab. */
  private requested(watched: IWatched, kernel: Kernel.IKernelConnection, msg: KernelMessage.IExecuteRequestMsg): void {
    const { silent, store_history: isStored, code } = msg.content;
    const cellId = (msg.metadata as { cellId?: string }).cellId;
    if (silent || isStored === false || !cellId) {
      return;
    }
    watched.requested.set(cellId, Date.now());
    const hint = watched.where.describe('run', kernel.id, cellId, code);
    hint.msgId = msg.header.msg_id;
    this.tell({ hint, queuedAt: Date.now() }, `run:${hint.msgId}`);
  }

  /** A cell is about to run. If this tab sends no request for it, the server runs it. */
  private scheduled(panel: NotebookPanel, cell: ICellModel): void {
    const watched = this.watched.get(panel.context);
    const code = cell.sharedModel.getSource();
    if (!watched || cell.type !== 'code' || !code.trim()) {
      return;
    }
    const queuedAt = Date.now();
    setTimeout(() => {
      const kernel = watched.connection;
      if (!kernel || (watched.requested.get(cell.id) ?? 0) >= queuedAt) {
        return;
      }
      const hint = watched.where.describe('scheduled', kernel.id, cell.id, code);
      this.tell({ hint, queuedAt }, uuid4());
    }, SCHEDULED_MS);
  }

  private event(hint: IHint): void {
    const eventId = uuid4();
    this.tell({ hint: { ...hint, eventId }, queuedAt: Date.now() }, eventId);
  }

  private manualAt = 0;
  private readonly watched = new Map<Context, IWatched>();
}

interface IWatched {
  where: Where;
  views: number;
  connection: Kernel.IKernelConnection | null;
  /** When a cell's request was sent last. */
  requested: Map<string, number>;
  isOpened: boolean;
}
