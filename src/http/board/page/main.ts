/**
 * Puts the page together: every part draws itself from the state into its own element, so that one that fails does not
 * take the others with it.
 */
import { nothing, render } from 'lit-html';
import * as agents from './agents.js';
import { readAgents, readAppId, readDefaultLimit, readReady } from './api.js';
import * as banner from './banner.js';
import * as charts from './charts.js';
import * as decisions from './decisions.js';
import * as dryRun from './dry-run.js';
import * as glance from './glance.js';
import * as hands from './hands.js';
import * as letters from './letters.js';
import * as line from './line.js';
import { follow } from './live.js';
import * as panel from './panel.js';
import { begin, change, onDraw, onRead, type State, state } from './state.js';
import * as top from './top.js';

/** What is drawn where (index.html), at every change. A part that answers `nothing` hides its element. */
const PARTS: Record<string, (state: State) => unknown> = {
  top: top.draw,
  banner: banner.draw,
  glance: glance.draw,
  agents: agents.draw,
  line: line.draw,
  charts: charts.draw,
  decisions: decisions.draw,
  letters: letters.draw,
  'dry-run': dryRun.draw,
  panel: panel.draw,
};

/** What is read afresh when something happened. */
const READINGS: (() => Promise<void>)[] = [
  async () => change({ agents: await readAgents() }),
  async () => change({ ready: await readReady() }),
  async () => change({ defaultLimit: await readDefaultLimit() }),
  line.read,
  charts.read,
  letters.read,
  dryRun.read,
  panel.read,
];

for (const [id, draw] of Object.entries(PARTS)) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`index.html has no element ${id}`);
  onDraw(id, () => {
    const drawn = draw(state);
    if (element.hidden !== (drawn === nothing)) element.hidden = drawn === nothing;
    render(drawn, element);
  });
}
onDraw('hands', () => hands.draw(state));
onDraw('plots', () => charts.paint(state));
onDraw('focus', () => panel.settle(state));
onDraw('document', () => {
  const { words, language, waiting } = state;
  const title = waiting ? `(${waiting}) ${words.page.title}` : words.page.title;
  if (document.title !== title) document.title = title;
  // Writing it would have the whole page styled anew.
  if (document.documentElement.lang === language) return;
  document.documentElement.lang = language;
  const skip = document.querySelector('a.skip');
  if (skip) skip.textContent = words.page.skip;
  document.getElementById('banner')?.setAttribute('aria-label', words.page.notices);
});
READINGS.forEach(onRead);
panel.begin();

/** Ages tick. */
setInterval(change, 1_000);
change();
begin();
void follow();
readAppId().then(
  (appId) => change({ appId }),
  () => undefined,
);
