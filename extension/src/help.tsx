/** The help button of the notebook's toolbar, and the state in the status bar or, in Notebook 7, in the toolbar. */
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import React from 'react';

import type { Model } from './model';
import { Mark } from './parts';
import { t } from './texts';
import { helpWords, summary } from './words';

export class HelpButton extends ReactWidget {
  constructor(private readonly model: Model, private readonly toggle: () => void) {
    super();
    this.addClass('cm-HelpButton');
  }

  protected render(): JSX.Element {
    return (
      <UseSignal signal={this.model.changed}>
        {() => {
          const { label, detail, action } = helpWords(this.model.state?.help);
          const isOn = this.model.state?.help.is_on ?? false;
          return (
            <button
              type="button"
              className={isOn ? 'cm-ToolbarButton cm-mod-on' : 'cm-ToolbarButton'}
              aria-pressed={isOn}
              title={isOn ? `${detail} ${action}` : action}
              onClick={this.toggle}
            >
              {label}
            </button>
          );
        }}
      </UseSignal>
    );
  }
}

export class StateItem extends ReactWidget {
  constructor(private readonly model: Model, private readonly open: () => void) {
    super();
    this.addClass('cm-StateItem');
  }

  protected render(): JSX.Element {
    return (
      <UseSignal signal={this.model.changed}>
        {() => {
          const { kind, label, detail } = summary(this.model.state, this.model.problem);
          const news = this.model.unread.length;
          const said = news ? `${label} · ${t('News: {count}', { count: news })}` : label;
          return (
            <button type="button" className="cm-ToolbarButton" title={`Cell Monitor: ${detail}`} onClick={this.open}>
              <Mark kind={kind} /> <span className="cm-hidden">Cell Monitor: </span>
              {said}
            </button>
          );
        }}
      </UseSignal>
    );
  }
}
