/** What the product and teachers told this student. */
import React from 'react';

import type { IActions } from './actions';
import type { INews } from './api';
import type { Model } from './model';
import { t } from './texts';
import { newsWords } from './words';

interface IProps {
  model: Model;
  actions: IActions;
}

const SHOWN_NEWS = 5;

export function NewsBox({ model, actions }: IProps): JSX.Element | null {
  const [isWhole, setWhole] = React.useState(false);
  const news = [...(model.state?.news ?? [])].reverse();
  if (!news.length) {
    return null;
  }
  const shown = isWhole ? news : news.slice(0, SHOWN_NEWS);
  const count = model.unread.length;
  return (
    <section className="cm-Section" aria-labelledby="cm-news">
      <h3 id="cm-news">{count ? t('News ({count} unread)', { count }) : t('News')}</h3>
      <ul className="cm-List">
        {shown.map(item => (
          <NewsItem key={item.key} item={item} model={model} actions={actions} />
        ))}
      </ul>
      <div className="cm-Buttons">
        {count > 0 && (
          <button className="cm-Button" onClick={() => void model.read(model.unread.map(item => item.key))}>
            {t('Mark all as read')}
          </button>
        )}
        {news.length > SHOWN_NEWS && (
          <button className="cm-Button" aria-expanded={isWhole} onClick={() => setWhole(!isWhole)}>
            {isWhole ? t('Show fewer') : t('Show all {count}', { count: news.length })}
          </button>
        )}
      </div>
    </section>
  );
}

function NewsItem({ item, model, actions }: IProps & { item: INews }): JSX.Element {
  const { title, text, time } = newsWords(item);
  return (
    <li className={item.is_read ? 'cm-Item' : 'cm-Item cm-mod-unread'}>
      <p className="cm-Item-title">
        {!item.is_read && <span className="cm-New">{t('New')}</span>}
        <strong>{title}</strong> <span className="cm-Time">{time}</span>
      </p>
      {text && <p className="cm-Text">{text}</p>}
      {(item.notebook_path || !item.is_read) && (
        <div className="cm-Buttons">
          {item.notebook_path && (
            <button className="cm-Button" onClick={() => void actions.showCell(item)}>
              {t('Show me')}
            </button>
          )}
          {!item.is_read && (
            <button
              className="cm-Button"
              aria-label={t('Mark as read: {title}', { title })}
              onClick={() => void model.read([item.key])}
            >
              {t('Mark as read')}
            </button>
          )}
        </div>
      )}
    </li>
  );
}
