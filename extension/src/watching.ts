/** Watches notebooks and, where the server part cannot, kernels; keeps what it saw until the other half has it. */
import { JupyterFrontEnd } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';

import { IBackend, NoServer, Refused } from './api';
import type { Event } from './contract';
import { DirectBackend } from './direct';
import { IKeptHint, NotebookWatch } from './hints';
import { uuid4 } from './ids';
import { Model } from './model';
import { Outbox } from './outbox';
import { Poster } from './poster';
import { BrowserRuns, Teller } from './runs';
import { isAllowed, isSetUp } from './words';

/** Tell the other half what happens to notebooks, by way of a store that survives the page. */
export function watchNotebooks(
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
