/**
 * The tables of the READMEs, made from results/*.json: between two marks, in the README's language.
 *
 * `bun test/bench/table.ts` writes them anew, and the plot; a full run does so by itself. test/contract/bench.test.ts
 * checks that they agree.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FIGURES, isMet, type Language, shortNumber, targetText } from './figures';
import { draw } from './plot';
import { RESULTS, type Results, readResults } from './results';

const ROOT = join(import.meta.dir, '..', '..');
export const READMES: Record<Language, string> = { en: 'README.md', id: 'README.id.md' };
const BLOCK = /(?<=<!-- bench -->\n).*?(?=<!-- \/bench -->)/s;

const WORDS = {
  en: {
    head: ['what', 'measured', 'against', 'ratio', 'target'],
    missed: 'missed',
    none: 'No full run is kept yet.',
    about: ['The figures', 'how far each is from its target'],
    stamp: (day: string, { cores, bun, redis, bullmq }: Results['machine']) =>
      `Measured on ${day}: ${cores} cores, Bun ${bun}, Redis ${redis}, BullMQ ${bullmq}.`,
  },
  id: {
    head: ['apa', 'hasil', 'dibandingkan', 'rasio', 'target'],
    missed: 'tidak tercapai',
    none: 'Belum ada pengukuran penuh yang disimpan.',
    about: ['Angkanya', 'seberapa jauh masing-masing dari targetnya'],
    stamp: (day: string, { cores, bun, redis, bullmq }: Results['machine']) =>
      `Diukur pada ${day}: ${cores} core, Bun ${bun}, Redis ${redis}, BullMQ ${bullmq}.`,
  },
};
/** English units that read differently in Indonesian. */
const UNITS: Record<string, string> = {
  'requests/s': 'permintaan/detik',
  'rooms/s': 'room/detik',
  'commands/room': 'perintah/room',
  calls: 'panggilan',
  agents: 'agen',
  'entries/s': 'entri/detik',
  'µs/entry': 'µs/entri',
  bytes: 'byte',
};

/** What belongs between the marks. */
export function tableOf(runs: Results[], language: Language): string {
  const { head, missed, none, about, stamp } = WORDS[language];
  if (runs.length === 0) return `\n${none}\n\n`;
  const rows = runs
    .flatMap(({ figures }) => figures)
    .map((figure) => {
      const [what, against] = FIGURES[figure.id][language];
      const unit = language === 'en' ? figure.unit : (UNITS[figure.unit] ?? figure.unit);
      const values = `${shortNumber(figure.measured, language)} / ${shortNumber(figure.baseline, language)} ${unit}`;
      const target = targetText(figure, language);
      const verdict = isMet(figure) === false ? `${target}, **${missed}**` : target;
      return [what, values, against, shortNumber(figure.ratio, language), verdict];
    });
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  const stamps = runs.map(({ at, machine }) => stamp(at.slice(0, 10), machine));
  const [figures, picture] = about;
  const links = `${figures}: [latest.json](test/bench/results/latest.json).`;
  return [
    '',
    `${[...new Set(stamps)].join(' ')} ${links}`,
    '',
    ...lines,
    '',
    `![${picture}](test/bench/results/latest.svg)`,
    '',
    '',
  ].join('\n');
}

/** What is between the marks now; null: there are no marks. */
export function blockOf(readme: string): string | null {
  return BLOCK.exec(readme)?.[0] ?? null;
}

/** Writes the tables of all READMEs anew. */
export async function writeTables(): Promise<void> {
  const runs = readResults();
  for (const [language, name] of Object.entries(READMES) as [Language, string][]) {
    const path = join(ROOT, name);
    const text = readFileSync(path, 'utf8');
    writeFileSync(
      path,
      text.replace(BLOCK, () => tableOf(runs, language)),
    );
  }
}

if (import.meta.main) {
  await writeTables();
  if (readResults().length > 0) await draw(RESULTS);
}
