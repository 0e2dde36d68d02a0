/** What a run keeps: results/latest.json of the last full run, results/long.json of the last long one. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Figure } from './figures';

export interface Results {
  /** ISO time. */
  at: string;
  machine: { cores: number } & Record<'cpu' | 'bun' | 'redis' | 'elysia' | 'ioredis' | 'bullmq', string | number>;
  figures: Figure[];
}

export const RESULTS = join(import.meta.dir, 'results');
/** The results that are kept: the last full run, and the last long one if there was any. */
export function readResults(): Results[] {
  return ['latest.json', 'long.json']
    .map((file) => join(RESULTS, file))
    .filter(existsSync)
    .map((path) => JSON.parse(readFileSync(path, 'utf8')) as Results);
}
