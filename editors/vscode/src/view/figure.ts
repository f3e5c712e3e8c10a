// The drawings: a site's density, and an interval beside others on one scale. Each says in words what it shows.

import type { Element, Figures } from '../panel/messages';
import { drawn } from './elements';
import { plusMinus, short } from './numbers';

const WIDTH = 320;
const HEIGHT = 96;
const FOOT = 16;

/** The histogram of all draws; of a scalar, the bins inside the interval stand out. */
export function density(figures: Figures): SVGElement | null {
  const { histogram } = figures;
  if (histogram === null || histogram.counts.length === 0) return null;
  const { low, high, counts } = histogram;
  const most = Math.max(...counts, 1);
  const span = high - low || 1;
  const step = WIDTH / counts.length;
  const [only] = figures.shape.length === 0 ? figures.elements : [];
  const inside = (number: number): boolean => {
    if (only === undefined || only.low === null || only.high === null) return true;
    const middle = low + ((number + 0.5) / counts.length) * span;
    return only.low <= middle && middle <= only.high;
  };
  const bars = counts.map((count, number) => {
    const height = (count / most) * HEIGHT;
    return drawn('rect', {
      class: inside(number) ? 'bar' : 'bar tail',
      x: (number * step).toFixed(2),
      y: (HEIGHT - height).toFixed(2),
      width: Math.max(step - 0.6, 0.4).toFixed(2),
      height: height.toFixed(2),
    });
  });
  const marks = only?.mean == null ? [] : [mark(((only.mean - low) / span) * WIDTH)];
  const label = `Density of ${figures.name}: ${inWords(figures)}`;
  return drawn(
    'svg',
    { class: 'density', role: 'img', 'aria-label': label, viewBox: `0 0 ${WIDTH} ${HEIGHT + FOOT}` },
    ...bars,
    ...marks,
    drawn('line', { class: 'axis', x1: '0', x2: `${WIDTH}`, y1: `${HEIGHT}`, y2: `${HEIGHT}` }),
    drawn('text', { class: 'tick', x: '0', y: `${HEIGHT + 12}` }, short(low)),
    drawn('text', { class: 'tick end', x: `${WIDTH}`, y: `${HEIGHT + 12}`, 'text-anchor': 'end' }, short(high)),
  );
}

/** One element's interval on the scale of all. */
export function interval(each: Element, low: number, high: number): SVGElement {
  const span = high - low || 1;
  const at = (value: number): string => (4 + ((value - low) / span) * 112).toFixed(1);
  const parts: SVGElement[] = [];
  if (each.low !== null && each.high !== null) {
    parts.push(drawn('line', { class: 'reach', x1: at(each.low), x2: at(each.high), y1: '7', y2: '7' }));
  }
  if (each.mean !== null) parts.push(drawn('circle', { class: 'middle', cx: at(each.mean), cy: '7', r: '3' }));
  return drawn('svg', { class: 'interval', 'aria-hidden': 'true', viewBox: '0 0 120 14' }, ...parts);
}

/** The shape of the draws in one line, as it stands at the end of a line of code. */
export function sparkline(figures: Figures): string {
  const counts = figures.histogram?.counts ?? [];
  if (counts.length === 0) return '';
  const bins = Array.from({ length: 8 }, (_, bin) =>
    counts.slice(Math.floor((bin * counts.length) / 8), Math.max(Math.floor(((bin + 1) * counts.length) / 8), Math.floor((bin * counts.length) / 8) + 1)).reduce((sum, count) => sum + count, 0),
  );
  const most = Math.max(...bins, 1);
  return bins.map((count) => '▁▂▃▄▅▆▇█'[Math.min(7, Math.floor((count / most) * 8))]).join('');
}

/** A site's figures in a sentence. */
export function inWords(figures: Figures): string {
  const [only] = figures.elements;
  if (figures.shape.length > 0) {
    const means = figures.elements.map((each) => each.mean).filter((mean): mean is number => mean !== null);
    const count = figures.shape.reduce((product, size) => product * size, 1);
    return means.length === 0 ? `${count} elements` : `${count} elements, means from ${short(Math.min(...means))} to ${short(Math.max(...means))}`;
  }
  if (only === undefined) return 'nothing is known';
  const between = only.low === null || only.high === null ? '' : `, 90 % between ${short(only.low)} and ${short(only.high)}`;
  return `mean ${plusMinus(only.mean, only.sd).replace('±', 'plus or minus')}${between}`;
}

function mark(x: number): SVGElement {
  return drawn('line', { class: 'mean', x1: x.toFixed(2), x2: x.toFixed(2), y1: '0', y2: `${HEIGHT}` });
}
