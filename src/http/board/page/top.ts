/** The page's head: what it is, which app, whether it is live; language and colours. */
import { html, type TemplateResult } from 'lit-html';
import { change, type State } from './state.js';
import { type Language, recall, remember, rememberLanguage, wordsIn } from './words.js';

const THEMES = ['auto', 'light', 'dark'] as const;
type Theme = (typeof THEMES)[number];
const REMEMBERED = 'board.theme';

let theme: Theme = THEMES.find((name) => name === recall(REMEMBERED)) ?? 'auto';

/** The style sheet follows the attribute; without one the system's wish. */
function paint(): void {
  if (theme === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}
paint();

function themed({ currentTarget }: Event): void {
  const chosen = currentTarget instanceof HTMLSelectElement ? currentTarget.value : '';
  theme = THEMES.find((name) => name === chosen) ?? 'auto';
  remember(REMEMBERED, theme);
  paint();
  change();
}

function speak(language: Language): void {
  rememberLanguage(language);
  change({ language, words: wordsIn(language) });
}

export function draw({ words: { page }, language, appId, link }: State): TemplateResult {
  const tongue = (one: Language, name: string) => html`
    <button type="button" lang=${one} aria-pressed=${language === one} @click=${() => speak(one)}>${name}</button>`;
  return html`
    <h1>${page.title}</h1>
    <p class="app"><span class="unseen">${page.app} </span><bdi>${appId ?? ''}</bdi></p>
    <p class="link" role="status"><span class="dot ${link}"></span>${page.links[link]}</p>
    <nav aria-label=${page.title}><a href="/docs">${page.console}</a></nav>
    <div class="tongues" role="group" aria-label=${page.language}>
      ${tongue('en', 'EN')}${tongue('id', 'ID')}
    </div>
    <select class="theme" aria-label=${page.theme} @change=${themed}>
      ${THEMES.map((name) => html`<option value=${name} ?selected=${name === theme}>${page.themes[name]}</option>`)}
    </select>`;
}
