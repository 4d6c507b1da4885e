/** Small things that several parts of the panel show. */
import { LabIcon } from '@jupyterlab/ui-components';
import React from 'react';

import type { StateKind } from './words';

const EYE =
  'M12 5C6.5 5 2.7 9.6 1.6 11.2a1.4 1.4 0 0 0 0 1.6C2.7 14.4 6.5 19 12 19s9.3-4.6 10.4-6.2a1.4 1.4 0 0 0 0-1.6C21.3 9.6 17.5 5 12 5Zm0 12c-4.3 0-7.400-3.500-8.500-5C4.600 10.500 7.700 7 12 7s7.400 3.500 8.500 5c-1.100 1.500-4.200 5-8.500 5Zm0-8a3 3 0 1 0 0 6 3 3 0 0 0 0-6Z';

export const monitorIcon = new LabIcon({
  name: 'cell-monitor:panel',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 24 24"><path class="jp-icon3 jp-icon-selectable" fill="#616161" d="${EYE}"/></svg>`
});

/** A sign for each state, so that colour alone says nothing. */
const MARKS: Record<StateKind, string> = { sending: '✓', paused: '❚❚', waiting: '…', off: '○', missing: '!' };

export function Mark({ kind }: { kind: StateKind }): JSX.Element {
  return (
    <span className={`cm-Mark cm-mod-${kind}`} aria-hidden="true">
      {MARKS[kind]}
    </span>
  );
}
