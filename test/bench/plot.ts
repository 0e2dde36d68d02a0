/** One plain bar chart: each figure's ratio to its baseline, and a line where its target is. */
import { type Figure, isMet } from './measure';

const ROW = 30;
const LEFT = 400;
const WIDTH = 860;
const COLORS = { met: '#2a7d4f', missed: '#b3392f', open: '#5b6b7a' };

/** An SVG of its own height. Bars are drawn so that the targets stand in one line, at half of the scale. */
export function plot(figures: readonly Figure[]): string {
  const height = figures.length * ROW + 60;
  const rows = figures.map((figure, i) => {
    const { what, ratio, target } = figure;
    const goal = target === null ? 1 : 'atLeast' in target ? target.atLeast : target.atMost;
    const scale = (WIDTH - LEFT - 160) / 2;
    const length = Math.min(2, ratio / goal) * scale;
    const met = isMet(figure);
    const color = met === null ? COLORS.open : met ? COLORS.met : COLORS.missed;
    const word = target === null ? 'no target' : 'atLeast' in target ? `≥ ${goal.toFixed(2)}` : `≤ ${goal.toFixed(2)}`;
    const y = 40 + i * ROW;
    return `  <text x="${LEFT - 10}" y="${y + 15}" text-anchor="end">${escaped(what)}</text>
  <rect x="${LEFT}" y="${y}" width="${length.toFixed(1)}" height="20" fill="${color}"/>
  <line x1="${LEFT + scale}" x2="${LEFT + scale}" y1="${y - 4}" y2="${y + 24}" stroke="#222" stroke-width="2"/>
  <text x="${WIDTH - 150}" y="${y + 15}">${ratio.toFixed(2)} (${word})</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="13" fill="#222">
  <rect width="100%" height="100%" fill="#fff"/>
  <text x="10" y="22" font-size="15">Ratio to the baseline; the line is the target (≥: at least, ≤: at most)</text>
${rows.join('\n')}
</svg>
`;
}

function escaped(text: string): string {
  return text.replace(/[&<>]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[sign] ?? '');
}
