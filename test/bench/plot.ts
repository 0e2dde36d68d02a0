/**
 * The plot of the results, by ECharts: how far each figure is on the good side of its target, as SVG, and as PNG where a
 * Chromium can take the picture.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BarChart } from 'echarts/charts';
import { GridComponent, MarkLineComponent, TitleComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { type Figure, isMet, targetText } from './figures';
import type { Results } from './results';

use([BarChart, GridComponent, MarkLineComponent, TitleComponent, SVGRenderer]);

const WIDTH = 1_150;
const ROW = 30;
const COLORS = { met: '#2a7d4f', missed: '#b3392f' };
/** Bars end here: what is better than 8 times its target needs no more room. */
const MOST = 8;

/** 1: exactly on target; 2: twice as good. */
function margin({ ratio, target }: Figure): number {
  if (!target) return 1;
  const times = 'atLeast' in target ? ratio / target.atLeast : target.atMost / ratio;
  return Math.min(MOST, Math.max(1 / MOST, times));
}

/** An SVG of the figures that have a target above 0. */
export function plot({ figures, at, machine }: Results): string {
  const shown = figures.filter(({ target }) => target && !('atMost' in target && target.atMost === 0)).toReversed();
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: shown.length * ROW + 130 });
  chart.setOption({
    animation: false,
    backgroundColor: '#fff',
    title: {
      text: 'How far from the target: right of the line is better',
      subtext: `${at.slice(0, 10)}, ${machine.cores} cores, Bun ${machine.bun}, Redis ${machine.redis}; the figure is the ratio`,
      left: 12,
      top: 8,
    },
    grid: { left: 610, right: 40, top: 70, bottom: 36 },
    xAxis: {
      type: 'log',
      logBase: 2,
      min: 1 / MOST,
      max: MOST,
      // At 1 there is the line's own word.
      axisLabel: {
        formatter: (times: number) => (times === 1 ? '' : times < 1 ? `1/${Math.round(1 / times)}×` : `${times}×`),
      },
      minorSplitLine: { show: false },
    },
    yAxis: {
      type: 'category',
      data: shown.map(({ what, against }) => `${what}, against ${against}`.replaceAll('`', '')),
      axisLabel: { width: 590, overflow: 'truncate' },
      axisTick: { show: false },
    },
    series: [
      {
        type: 'bar',
        barWidth: 16,
        data: shown.map((figure) => ({
          value: margin(figure),
          itemStyle: { color: isMet(figure) ? COLORS.met : COLORS.missed },
        })),
        label: {
          show: true,
          position: 'right',
          formatter: ({ dataIndex }: { dataIndex: number }) => {
            const figure = shown[dataIndex];
            return figure ? `${figure.ratio.toFixed(2)}  (${targetText(figure, 'en')})` : '';
          },
        },
        markLine: {
          symbol: 'none',
          silent: true,
          label: { formatter: 'target', position: 'start' },
          lineStyle: { color: '#222', type: 'solid', width: 2 },
          data: [{ xAxis: 1 }],
        },
      },
    ],
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  // Their numbers go on through a process: the same results must give the same file.
  const names = new Map<string, string>();
  return svg.replace(/zr\d+-[a-z-]*\d+/g, (name) => {
    if (!names.has(name)) names.set(name, `p${names.size}`);
    return names.get(name) ?? name;
  });
}

/** Writes latest.svg, and latest.png when there is a Chromium, from latest.json in `folder`. */
export async function draw(folder: string): Promise<void> {
  const svg = plot(JSON.parse(readFileSync(join(folder, 'latest.json'), 'utf8')) as Results);
  await Bun.write(join(folder, 'latest.svg'), svg);
  // Says by itself that there is none.
  const { hasBrowser, launchBrowser } = await import('../support/browser');
  if (!hasBrowser) return;
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage({ deviceScaleFactor: 2 });
    await page.setContent(`<body style="margin:0">${svg}</body>`);
    await page.locator('svg').screenshot({ path: join(folder, 'latest.png') });
  } finally {
    await browser.close();
  }
}
