/**
 * The panel at the side: one room or one agent, and why. What it shows stands in the address (#/rooms/12345, #/agents/7), so
 * that a link, a reload and the browser's Back lead there.
 *
 * 1. Reads what it shows when it opens, and again with every reading of the page.
 * 2. Takes the focus when it opens, and gives it back to what opened it. Escape and `Close` close it.
 * 3. Where it covers the page (a phone), the page behind cannot be reached meanwhile.
 */
import { html, nothing, type TemplateResult } from 'lit-html';
import { Refused } from './api.js';
import * as agent from './panel-agent.js';
import * as room from './panel-room.js';
import { change, nameIn, type State, state } from './state.js';

const PATHS = { room: 'rooms', agent: 'agents' } as const;
const VIEWS = { room, agent };
const COVERS = matchMedia('(max-width: 60rem)');

type Shown = State['shown'];

/** What is drawn, and whether it was found. */
let drawn: Shown = null;
let problem: 'unknown' | 'failed' | null = null;
let opener: Element | null = null;

const addressOf = (shown: Shown) => (shown === null ? '#/' : `#/${PATHS[shown.kind]}/${encodeURIComponent(shown.id)}`);

/** What the address names; null: no room and no agent. */
function shownByAddress(): Shown {
  const [, path, id = ''] = /^#\/(rooms|agents)\/([^/]+)$/.exec(location.hash) ?? [];
  if (path === undefined) return null;
  try {
    return { kind: path === 'rooms' ? 'room' : 'agent', id: decodeURIComponent(id) };
  } catch {
    return null;
  }
}

const isSame = (a: Shown, b: Shown) => a?.kind === b?.kind && a?.id === b?.id;

/** Follows the address from now on. */
export function begin(): void {
  const follow = () => {
    const named = shownByAddress();
    if (!isSame(named, state.shown)) change({ shown: named });
  };
  addEventListener('hashchange', follow);
  addEventListener('keydown', ({ key }) => {
    if (key === 'Escape' && state.shown !== null && document.querySelector('dialog[open]') === null) close();
  });
  follow();
}

const close = () => change({ shown: null });

/** Reads what is shown. What it is about not being there is no trouble of the page's. @throws Refused */
export async function read(): Promise<void> {
  const { shown } = state;
  if (shown === null) return;
  try {
    await VIEWS[shown.kind].read(shown.id, () => isSame(state.shown, shown));
    if (isSame(state.shown, shown)) problem = null;
  } catch (error) {
    const isUnknown = error instanceof Refused && /_UNKNOWN$/.test(error.code);
    if (isSame(state.shown, shown)) problem = isUnknown ? 'unknown' : 'failed';
    if (!isUnknown) throw error;
  } finally {
    change();
  }
}

export function draw(all: State): TemplateResult | typeof nothing {
  const { shown, words } = all;
  if (shown === null) return nothing;
  const texts = words.views.panel;
  const unknown = shown.kind === 'room' ? texts.unknownRoom : texts.unknownAgent;
  // Else what was read before may be another's.
  const view = isSame(shown, drawn) && problem !== 'unknown' ? VIEWS[shown.kind].draw(all) : nothing;
  const title = shown.kind === 'room' ? texts.room(shown.id) : nameIn(all, shown.id);
  return html`
    <header>
      <h2 id="panel-title" tabindex="-1"><bdi>${title}</bdi></h2>
      <button type="button" class="close" @click=${close}>${texts.close}</button>
    </header>
    ${problem === null ? nothing : html`<p class="problem" role="status">${problem === 'unknown' ? unknown : texts.failed}</p>`}
    ${view}`;
}

/** After the page is drawn: the address, the focus, and what lies behind follow what is shown. */
export function settle({ shown }: State): void {
  const behind = shown !== null && COVERS.matches;
  for (const part of document.querySelectorAll<HTMLElement>('main, #top, #banner')) part.inert = behind;
  if (isSame(shown, drawn)) return;
  // Only then: an address that has just changed is told to us a moment later, and must not be written over.
  if (!isSame(shown, shownByAddress())) history.pushState(null, '', addressOf(shown));
  const before = drawn;
  drawn = shown;
  problem = null;
  if (shown === null) {
    const goal = opener?.isConnected ? opener : document.getElementById('agents');
    if (goal instanceof HTMLElement) goal.focus();
    opener = null;
    return;
  }
  if (before === null) opener = document.activeElement === document.body ? null : document.activeElement;
  for (const view of Object.values(VIEWS)) view.forget();
  document.getElementById('panel-title')?.focus();
  // The readings of the page tell what is wrong.
  void read().catch(() => undefined);
}
