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

interface IWatchedKernel {
  reducer: Reducer;
  timer?: ReturnType<typeof setTimeout>;
}

export class BrowserRuns {
  /** `isWanted` tells whether nobody else watches a kernel; `record` takes events in order. */
  constructor(
    private readonly isWanted: (kernelId: string) => boolean,
    private readonly isRecording: () => boolean,
    private readonly record: (events: Event[]) => void
  ) {}

  /** Take in which cell a run is. Return false if somebody else watches its kernel. */
  hint(hint: IHint, queuedAt: number): boolean {
    const { kernelId, msgId } = hint;
    if (!kernelId || !this.isWanted(kernelId)) {
      return false;
    }
    const kernel = this.kernels.get(kernelId);
    if (kernel && msgId) {
      const run = { msgId, cell: cellOf(hint), code: hint.code ?? '', queuedAt: queuedAt / 1000 };
      this.take(kernel, kernel.reducer.hint(run, seconds()));
    }
    return true;
  }

  /** Hear a message, in whichever direction it goes. */
  listen(connection: Kernel.IKernelConnection, args: Kernel.IAnyMessageArgs, where: Where): void {
    if (!this.isWanted(connection.id)) {
      return;
    }
    const kernel = this.kernels.get(connection.id) ?? this.watch(connection, where);
    const { msg, direction } = args;
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
    const kernel: IWatchedKernel = { reducer };
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
    if (outputs.length) {
      this.record(outputs.map(output => output.event));
    }
    clearTimeout(kernel.timer);
    const due = kernel.reducer.due();
    if (due !== null) {
      const delay = Math.max(10, (due - seconds()) * 1000);
      kernel.timer = setTimeout(() => this.take(kernel, kernel.reducer.tick(seconds())), delay);
    }
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
