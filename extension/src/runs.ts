/** Runs of kernels that only the browser sees: those behind a gateway, and those of JupyterLite. */
import type { Kernel, KernelMessage } from '@jupyterlab/services';

import type { IHint } from './api';
import type { Event, ICell } from './contract';
import type { Where } from './hints';
import { IOutput, Reducer } from './reducer';

/** How a kernel's status says that its process ended. */
const ENDS: Partial<Record<Kernel.Status, 'restarted' | 'died' | 'shutdown'>> = {
  restarting: 'restarted',
  autorestarting: 'died',
  dead: 'died',
  terminating: 'shutdown'
};

/** Who tells of a kernel's runs. Before the other half was asked, nobody knows. */
export type Teller = 'page' | 'server' | 'unknown';

/** At most so many events are held until it is known who tells. */
const MAX_HELD = 1000;

interface IWatchedKernel {
  reducer: Reducer;
  held: Event[];
  /** Whether its runs were the page's to tell. Those that were begun then stay so to their end. */
  isOurs: boolean;
  timer?: ReturnType<typeof setTimeout>;
}

export class BrowserRuns {
  /** `record` takes events in order. */
  constructor(
    private readonly tellerOf: (kernelId: string) => Teller,
    private readonly isRecording: () => boolean,
    private readonly record: (events: Event[]) => void
  ) {}

  /** Take in which cell a run is. The server part hears it too: a run that was queued before it watched is not its own. */
  hint(hint: IHint, queuedAt: number): void {
    const { kernelId, msgId } = hint;
    const kernel = kernelId && this.tellerOf(kernelId) !== 'server' ? this.kernels.get(kernelId) : undefined;
    if (kernel && msgId) {
      const run = { msgId, cell: cellOf(hint), code: hint.code ?? '', queuedAt: queuedAt / 1000 };
      this.take(kernel, kernel.reducer.hint(run, seconds()));
    }
  }

  /** It may have become known who tells of a kernel: what was held is told, or was seen by the server part. */
  settle(): void {
    for (const [id, kernel] of this.kernels) {
      const teller = this.tellerOf(id);
      const held = teller === 'page' ? kernel.held.splice(0) : [];
      if (held.length && this.isRecording()) {
        this.record(held);
      }
      kernel.isOurs = kernel.isOurs || teller === 'page';
      if (teller === 'server' && !kernel.isOurs) {
        this.forget(id, kernel);
      }
    }
  }

  /** Hear a message, in whichever direction it goes. */
  listen(connection: Kernel.IKernelConnection, args: Kernel.IAnyMessageArgs, where: Where): void {
    const { msg, direction } = args;
    const known = this.kernels.get(connection.id);
    if (this.tellerOf(connection.id) === 'server') {
      if (known && !known.reducer.isBusy) {
        this.forget(connection.id, known);
      }
      if (direction === 'send' || !known?.reducer.knows((msg.parent_header as Partial<KernelMessage.IHeader>).msg_id)) {
        return;
      }
    }
    const kernel = known ?? this.watch(connection, where);
    if (direction === 'send') {
      if (msg.header.msg_type === ('interrupt_request' as KernelMessage.MessageType)) {
        this.interrupted(connection.id);
      }
      return;
    }
    const parent = msg.parent_header as Partial<KernelMessage.IHeader> & { subshell_id?: string };
    const date = Date.parse(msg.header.date) / 1000;
    const message = {
      type: msg.header.msg_type as string,
      date: Number.isNaN(date) ? seconds() : date,
      parentId: parent.msg_id ?? null,
      parentType: (parent.msg_type as string | undefined) ?? null,
      content: msg.content as Record<string, unknown>,
      subshellId: parent.subshell_id
    };
    this.take(kernel, kernel.reducer.message(message, seconds()));
  }

  /** Somebody interrupts a kernel. */
  interrupted(kernelId: string | undefined): void {
    const kernel = kernelId === undefined ? undefined : this.kernels.get(kernelId);
    if (kernel) {
      this.take(kernel, kernel.reducer.interrupted(seconds()));
    }
  }

  /** The page goes; kernels of JupyterLite live in it. */
  last(isKernelGone: boolean): void {
    for (const kernel of this.kernels.values()) {
      this.take(kernel, kernel.reducer.close(isKernelGone, seconds()));
    }
  }

  private watch(connection: Kernel.IKernelConnection, where: Where): IWatchedKernel {
    const reducer = new Reducer({
      kernelId: connection.id,
      isRecording: this.isRecording,
      locate: code => where.locate(code)
    });
    const kernel: IWatchedKernel = { reducer, held: [], isOurs: this.tellerOf(connection.id) === 'page' };
    this.kernels.set(connection.id, kernel);
    connection.statusChanged.connect((_, status) => {
      const reason = ENDS[status];
      if (reason) {
        this.take(kernel, reducer.lifeEnded(reason, seconds()));
      }
    });
    return kernel;
  }

  private take(kernel: IWatchedKernel, outputs: IOutput[]): void {
    const events = outputs.map(output => output.event);
    if (events.length && kernel.isOurs) {
      this.record(events);
    } else {
      kernel.held = [...kernel.held, ...events].slice(-MAX_HELD);
    }
    clearTimeout(kernel.timer);
    const due = kernel.reducer.due();
    if (due !== null) {
      const delay = Math.max(10, (due - seconds()) * 1000);
      kernel.timer = setTimeout(() => this.take(kernel, kernel.reducer.tick(seconds())), delay);
    }
  }

  private forget(id: string, kernel: IWatchedKernel): void {
    clearTimeout(kernel.timer);
    this.kernels.delete(id);
  }

  private readonly kernels = new Map<string, IWatchedKernel>();
}

/** Return where a hint says that a run belongs. */
export function cellOf(hint: IHint): ICell {
  return {
    path: hint.assignmentPath || hint.path,
    localPath: hint.path,
    cellId: hint.cellId,
    cellIndex: hint.cellIndex,
    cellType: hint.cellType,
    isPrivate: hint.private,
    isOff: hint.off
  };
}

function seconds(): number {
  return Date.now() / 1000;
}
