/**
 * Explores every world within bounds, breadth first, until none is new or one breaks a promise.
 *
 * 1. Takes worlds a part at a time: lists their moves, finds out the ledger's steps that are not known yet (all at once,
 *    on Redis), then makes the moves.
 * 2. Checks each new state of the ledger, each step of it, and each new world.
 * 3. The first broken promise ends it, with the shortest path there: breadth first finds no longer one earlier.
 */
import type { RedisClient } from '../../../src/redis/client';
import { brokenByStep, brokenInBooks, brokenInWorld, isQuiet } from './checks';
import { LedgerTable, type Step } from './ledger';
import { follow, type Move, Moves } from './moves';
import { readCallShape } from './qiscus';
import { type Bounds, firstWorld, Keys, ordersOf, type World } from './world';

export interface Exploration {
  /** Every world within the bounds was seen. */
  complete: boolean;
  worlds: number;
  transitions: number;
  /** Worlds where nothing was under way and both views were compared. */
  quiet: number;
  /** Moves from the first world to the farthest. */
  depth: number;
  /** Different states of the ledger, and scripts run to find them. */
  ledgerStates: number;
  scripts: number;
  violation: { broken: string[]; path: string[] } | null;
}

export interface Options {
  /** Ends incomplete at so many worlds. */
  mostWorlds?: number;
  /** Told now and then how far it is. */
  tell?: (line: string) => void;
}

const PART = 2_000;
const TELL_EVERY_MS = 5_000;
const AGENTS = ['a', 'b', 'c'];

/** @throws Error when the bounds name more agents than there are names, or Redis fails. */
export async function explore(client: RedisClient, bounds: Bounds, options: Options = {}): Promise<Exploration> {
  const agents = AGENTS.slice(0, bounds.agents);
  if (agents.length < bounds.agents) throw new Error(`at most ${AGENTS.length} agents`);
  const orders = ordersOf(bounds.rooms);
  const table = new LedgerTable(client, bounds.rooms, orders);
  const moves = new Moves(bounds, await readCallShape(bounds.again), agents);
  const keys = new Keys(orders);

  const seen = new Set<string>();
  const parents: number[] = [];
  const labels: string[] = [];
  const oneOf = new Map<string, string>();
  /** One string for equal labels: there are millions of moves, and few hundred labels. */
  const labelOf = (label: string): string => {
    const known = oneOf.get(label);
    if (known === undefined) oneOf.set(label, label);
    return known ?? label;
  };
  const found = { worlds: 0, transitions: 0, quiet: 0, depth: 0 };
  let broken: string[] = [];
  const brokenSteps = new Map<string, string[]>();
  table.onStep = (key, before, after) => {
    const words = brokenByStep(before, after);
    if (words.length > 0) brokenSteps.set(key, words);
  };
  let checked = 0;
  const brokenStates = new Map<number, string[]>();
  const checkStates = () => {
    for (; checked < table.states.length; checked++) {
      const books = table.states[checked];
      const words = books ? brokenInBooks(books) : [];
      if (words.length > 0) brokenStates.set(checked, words);
    }
  };
  const report = (violation: Exploration['violation'], complete: boolean): Exploration => ({
    complete,
    ...found,
    ledgerStates: table.states.length,
    scripts: table.steps,
    violation,
  });
  const pathTo = (world: number, last: string): string[] => {
    const path = [last];
    for (let at = world; at > 0; at = parents[at] ?? 0) path.unshift(labels[at] ?? '');
    return path;
  };
  /** True when it is new. */
  const visit = (world: World, parent: number, label: string): boolean => {
    const key = keys.of(world, table.renamed[world.books] ?? []);
    if (seen.has(key)) return false;
    seen.add(key);
    parents.push(parent);
    labels.push(labelOf(label));
    found.worlds += 1;
    const books = table.states[world.books];
    if (!books) throw new Error('no such state of the ledger');
    if (isQuiet(world, books, bounds)) found.quiet += 1;
    broken = brokenStates.get(world.books) ?? brokenInWorld(world, books, bounds, agents);
    return true;
  };

  const first = firstWorld(await table.begin(agents, bounds.limit), bounds);
  checkStates();
  visit(first, 0, '');
  if (broken.length > 0) return report({ broken, path: ['at the start'] }, false);
  let level = [{ number: 0, world: first }];
  let toldMs = performance.now();
  for (; level.length > 0; found.depth += 1) {
    const next: typeof level = [];
    for (let from = 0; from < level.length; from += PART) {
      const part = level.slice(from, from + PART).map(({ number, world }) => {
        const books = table.states[world.books];
        return { number, world, moves: books ? moves.of(world, books) : [] };
      });
      const raised = await findSteps(table, part);
      checkStates();
      for (const { number, world, moves: list } of part) {
        for (const { label, step, after } of list) {
          found.transitions += 1;
          const key = step ? `${world.books} ${step.key}` : '';
          const wrong = step ? (raised.get(key) ?? brokenSteps.get(key)) : undefined;
          if (wrong) return report({ broken: wrong, path: pathTo(number, label) }, false);
          const answer = step && table.known(world.books, step);
          const reached = answer ? follow(after, answer) : after;
          if (!visit(reached, number, label)) continue;
          if (broken.length > 0) return report({ broken, path: pathTo(number, label) }, false);
          next.push({ number: found.worlds - 1, world: reached });
        }
        if (list.length === 0) {
          const books = table.states[world.books];
          if (books && !isQuiet(world, books, bounds)) {
            return report(
              { broken: ['1 stuck: nothing can happen, and it is not quiet'], path: pathTo(number, '(end)') },
              false,
            );
          }
        }
      }
      if (options.tell && performance.now() - toldMs > TELL_EVERY_MS) {
        toldMs = performance.now();
        options.tell(
          `${found.worlds} worlds, ${found.transitions} transitions, depth ${found.depth}; ` +
            `${table.states.length} ledger states, ${table.steps} scripts run`,
        );
      }
      if (options.mostWorlds && found.worlds >= options.mostWorlds) return report(null, false);
    }
    level = next;
  }
  return report(null, true);
}

/** Finds out all steps that these moves need; answers which raised. */
async function findSteps(table: LedgerTable, part: { world: World; moves: Move[] }[]): Promise<Map<string, string[]>> {
  const raised = new Map<string, string[]>();
  const wanted = new Map<string, { state: number; step: Step }>();
  for (const { world, moves } of part) {
    for (const { step } of moves) {
      if (step && !table.known(world.books, step))
        wanted.set(`${world.books} ${step.key}`, { state: world.books, step });
    }
  }
  await Promise.all(
    [...wanted].map(async ([key, { state, step }]) => {
      try {
        await table.find(state, step);
      } catch (error) {
        raised.set(key, [`the script raised: ${error instanceof Error ? error.message : String(error)}`]);
      }
    }),
  );
  return raised;
}
