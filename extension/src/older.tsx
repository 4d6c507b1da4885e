/** Says once that the older extension is installed too. */
import React from 'react';

import type { Model } from './model';
import { t } from './texts';

const OLDER_KEY = 'cell-monitor-lab told of the older extension';

export function OlderExtensionBox({ model }: { model: Model }): JSX.Element | null {
  const [isTold, setTold] = React.useState(() => stored(OLDER_KEY));
  const older = model.olderExtension;
  if (!older || isTold === older) {
    return null;
  }
  const command = 'jupyter labextension disable cell-monitor:plugin';
  return (
    <section className="cm-Section" aria-labelledby="cm-older">
      <h3 id="cm-older">{t('The older extension is installed too')}</h3>
      {older === 'off' ? (
        <p>{t('This one has switched it off, so each run counts once. You do not need to do anything; you may uninstall the older one.')}</p>
      ) : (
        <>
          <p>{t('Both are on, so each run may count twice. Switch the older one off, and reload the page:')}</p>
          <p className="cm-Command">
            <code>{command}</code>
          </p>
        </>
      )}
      <div className="cm-Buttons">
        <button
          className="cm-Button"
          onClick={() => {
            store(OLDER_KEY, older);
            setTold(older);
          }}
        >
          {t('Understood')}
        </button>
      </div>
    </section>
  );
}

function stored(key: string): string {
  try {
    return localStorage.getItem(key) ?? '';
  } catch {
    return ''; // forbidden: told again in the next page
  }
}

function store(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // The same.
  }
}
