/** In what a replayed state differs from the books, in words: nothing, when the journal tells all. */
import type { Books } from './books';

export type Replayed = Pick<Books, 'limit' | 'rooms' | 'agents'>;

/** Of one room or agent; undefined: one side does not know it. */
export function differences(id: string, ours: object | undefined, theirs: object | undefined): string[] {
  if (!ours || !theirs) return ours === theirs ? [] : [`${id} is ${ours ? 'not in the books' : 'unknown'}`];
  const told = new Map(Object.entries(theirs));
  return Object.entries(ours).flatMap(([name, value]) =>
    told.get(name) === value ? [] : [`${id}: ${name} ${value}, in the books ${told.get(name)}`],
  );
}

/** In what the replayed state differs from the books. */
export function differencesFrom(books: Replayed, replayed: Replayed): string[] {
  const found = books.limit === replayed.limit ? [] : [`the limit ${replayed.limit}, in the books ${books.limit}`];
  for (const id of new Set([...books.rooms.keys(), ...replayed.rooms.keys()]))
    found.push(...differences(`room ${id}`, replayed.rooms.get(id), books.rooms.get(id)));
  for (const id of new Set([...books.agents.keys(), ...replayed.agents.keys()]))
    found.push(...differences(`agent ${id}`, replayed.agents.get(id), books.agents.get(id)));
  return found.map((words) => `7 replay: ${words}`);
}
