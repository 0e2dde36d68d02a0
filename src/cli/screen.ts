/**
 * What a terminal is given: tables that fit it, colours where they help, and nothing that could move it.
 *
 * 1. Widths are those that a terminal shows: an emoji or a Han character takes two columns, an accent none.
 * 2. Colours only on a terminal, and never with NO_COLOR.
 * 3. Texts of others pass `clean` before they are printed: an escape sequence in a name must not reach the terminal.
 *
 * All pure but `screenOf`; there is nothing to stop.
 */
import { styleText } from 'node:util';

export type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'cyan';
export type Paint = (style: Style, text: string) => string;

/** Where a command prints. */
export interface Screen {
  /** Columns; Infinity where nobody looks, so that a pipe gets whole texts. */
  width: number;
  paint: Paint;
  print(text: string): void;
}

export const plain: Paint = (_, text) => text;
const coloured: Paint = (style, text) => styleText(style, text, { validateStream: false });

const OLDEST_TERMINAL = 80;

/** A reader that went away (`| head`) ends the process quietly; a disk that is full does not. */
export function endWithReader(stream: NodeJS.WriteStream): void {
  stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
}

/** The screen behind a stream. */
export function screenOf(stream: NodeJS.WriteStream, env: Record<string, string | undefined>): Screen {
  endWithReader(stream);
  return {
    width: stream.isTTY ? stream.columns || OLDEST_TERMINAL : Number.POSITIVE_INFINITY,
    paint: stream.isTTY && !env.NO_COLOR && env.TERM !== 'dumb' ? coloured : plain,
    print: (text) => void stream.write(`${text}\n`),
  };
}

/** Control characters, changes of direction, and what is not seen but for the joiners that emoji are made of. */
const UNSEEN = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** A text of others without anything that a terminal obeys or hides; line ends become blanks. */
export const clean = (text: string): string =>
  Bun.stripANSI(text)
    .replace(/[\r\n\t]+/g, ' ')
    .replace(UNSEEN, '');

const graphemes = new Intl.Segmenter();

/** At most `width` columns of a text; what is cut ends in `…`. Takes texts without colours. */
export function cut(text: string, width: number): string {
  if (Bun.stringWidth(text) <= width) return text;
  let kept = '';
  let used = 1;
  for (const { segment } of graphemes.segment(text)) {
    used += Bun.stringWidth(segment);
    if (used > width) break;
    kept += segment;
  }
  return width < 1 ? '' : `${kept}…`;
}

export interface Column {
  title: string;
  right?: boolean;
  /** How narrow it may get where the table does not fit; absent: it keeps its width. */
  least?: number;
  /** Of the last one: what does not fit goes on in the next line. */
  wraps?: boolean;
}

/** A text, or a text with its colour. */
export type Cell = string | { text: string; style: Style };

const textOf = (cell: Cell | undefined): string => (typeof cell === 'object' ? cell.text : (cell ?? ''));
const GAP = '  ';

/**
 * The lines of a table. Where it is too wide the widest columns that may give way do, a column at a time; what still does
 * not fit is cut at the edge.
 */
export function table(
  columns: readonly Column[],
  rows: readonly Cell[][],
  { width, paint }: Omit<Screen, 'print'>,
): string[] {
  const widths = columns.map(({ title }, at) =>
    Math.max(Bun.stringWidth(title), ...rows.map((row) => Bun.stringWidth(textOf(row[at])))),
  );
  const excess = () => widths.reduce((sum, one) => sum + one, GAP.length * (widths.length - 1)) - width;
  while (excess() > 0) {
    const spare = widths.map((one, at) => (one > (columns[at]?.least ?? one) ? one : 0));
    const widest = spare.indexOf(Math.max(...spare));
    if (!spare[widest]) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  const line = (cells: readonly Cell[]): string => {
    let left = width;
    const shown = columns.map(({ right }, at) => {
      const cell = cells[at];
      const room = Math.max(0, Math.min(widths[at] ?? 0, left));
      left -= room + GAP.length;
      const text = cut(textOf(cell), room);
      const blanks = ' '.repeat(room - Bun.stringWidth(text));
      const inked = typeof cell === 'object' ? paint(cell.style, text) : text;
      // Nothing follows the last one: blanks at the end of a line help nobody.
      return right ? blanks + inked : at === columns.length - 1 ? inked : inked + blanks;
    });
    const fitting = shown.filter(
      (_, at) => widths.slice(0, at).reduce((sum, one) => sum + one + GAP.length, 0) < width,
    );
    return fitting.join(GAP).trimEnd();
  };
  const last = columns.length - 1;
  /** The row, and what its last cell goes on with. */
  const linesOf = (cells: readonly Cell[]): string[] => {
    const before = widths.slice(0, last).reduce((sum, one) => sum + one + GAP.length, 0);
    const lastWidth = Math.min(widths[last] ?? 0, width - before);
    if (!columns[last]?.wraps || lastWidth < 1) return [line(cells)];
    const [first = '', ...more] = wrap(textOf(cells[last]), lastWidth);
    return [
      line([...cells.slice(0, last), first]),
      ...more.map((text) => line([...cells.slice(0, last).fill(''), text])),
    ];
  };
  return [line(columns.map(({ title }) => ({ text: title, style: 'bold' }))), ...rows.flatMap(linesOf)];
}

/** A text in lines of at most `width` columns, broken between words. */
export const wrap = (text: string, width: number): string[] =>
  Number.isFinite(width) ? Bun.wrapAnsi(text, Math.max(1, width), { hard: true }).split('\n') : [text];

/** Lines `  name   text`, the names as wide as the widest, long texts below each other. */
export function facts(
  pairs: readonly (readonly [name: string, text: Cell])[],
  { width, paint }: Omit<Screen, 'print'>,
): string[] {
  const name = Math.max(0, ...pairs.map(([one]) => Bun.stringWidth(one)));
  return pairs.flatMap(([one, cell]) =>
    wrap(textOf(cell), width - name - 2 * GAP.length).map((text, nth) => {
      const inked = typeof cell === 'object' ? paint(cell.style, text) : text;
      return `${GAP}${paint('dim', (nth === 0 ? one : '').padEnd(name))}${GAP}${inked}`;
    }),
  );
}
