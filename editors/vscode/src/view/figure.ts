// The drawings: a number's density and its trace by chain, and an interval beside others on one scale. Each says in
// words what it shows.

import type { TraceAnswer } from '../answers';
import type { Element, Figures } from '../panel/messages';
import { drawn, element } from './elements';
import { plusMinus, short } from './numbers';

// Charts are drawn on this scale and stretched to the room that they have; strokes keep their width.
const WIDTH = 320;
const HEIGHT = 96;
export const COLOURS = 6; // of chains

/** The histogram of all draws, the bins inside the interval standing out, with a line for each chain where they are
 * known; of a plate whose draws are not, that of all its numbers. */
export function density(figures: Figures, chosen: Element | null, trace: TraceAnswer | null): [SVGElement, HTMLElement] | null {
  const chains = trace?.histogram?.counts ?? [];
  const histogram = trace?.histogram == null ? figures.histogram : { ...trace.histogram, counts: summed(chains) };
  if (histogram === null || histogram.counts.length === 0) return null;
  const { low, high, counts } = histogram;
  const most = Math.max(...counts, 1);
  const span = high - low || 1;
  const step = WIDTH / counts.length;
  const only = figures.shape.length === 0 || trace?.histogram != null ? (chosen ?? undefined) : undefined;
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
  const tallest = Math.max(...chains.flat(), 1);
  const lines = chains.map((each, number) =>
    drawn('polyline', {
      class: `chain c${number % COLOURS}`,
      points: each.map((count, bin) => `${((bin + 0.5) * step).toFixed(1)},${(HEIGHT - (count / tallest) * HEIGHT * 0.92).toFixed(1)}`).join(' '),
    }),
  );
  const label = `Density of ${only === undefined ? figures.name : named(figures.name, only)}: ${only === undefined ? inWords(figures) : elementInWords(only)}`;
  return [chart('density', label, ...bars, ...lines, ...marks), ticks(short(low), short(high))];
}

/** The draws of each chain in their order, with a tick below for each that diverged. */
export function traceOf(trace: TraceAnswer, rHat: number | null): [SVGElement, HTMLElement] | null {
  const values = trace.chains.flat().filter((value): value is number => value !== null);
  if (values.length === 0) return null;
  const [low, high] = [values.reduce((one, other) => Math.min(one, other)), values.reduce((one, other) => Math.max(one, other))];
  const span = high - low || 1;
  const last = Math.max(trace.draws - 1, 1);
  const across = (draw: number): string => ((draw / last) * WIDTH).toFixed(1);
  const lines = trace.chains.map((chain, number) =>
    drawn('polyline', {
      class: `chain c${number % COLOURS}`,
      points: chain
        .map((value, place) => (value === null ? '' : `${across(place * trace.every)},${(2 + (1 - (value - low) / span) * (HEIGHT - 12)).toFixed(1)}`))
        .filter((point) => point !== '')
        .join(' '),
    }),
  );
  const divergences = [...new Set(trace.divergences.flat().map((draw) => Math.round((draw / last) * WIDTH)))].map((x) =>
    drawn('line', { class: 'divergence', x1: `${x}`, x2: `${x}`, y1: `${HEIGHT - 7}`, y2: `${HEIGHT}` }),
  );
  return [
    chart('trace', traceInWords(trace, rHat), ...lines, ...divergences),
    ticks(`${short(low)} … ${short(high)}`, `draw ${trace.draws.toLocaleString('en')}`),
  ];
}

/** `Trace of tau: 4 chains of 1,000 draws, mix well, R̂ 1.00; no divergences`. */
export function traceInWords(trace: TraceAnswer, rHat: number | null): string {
  const count = trace.chains.length;
  const chains = `${count} ${count === 1 ? 'chain' : 'chains'} of ${trace.draws.toLocaleString('en')} draws${trace.running ? ' so far' : ''}`;
  const mixed = rHat === null || count < 2 ? '' : `, ${rHat > 1.01 ? 'do not agree' : 'mix well'}, R̂ ${rHat.toFixed(2)}`;
  const divergent = trace.divergent.reduce((sum, each) => sum + each, 0);
  return `Trace of ${trace.name}: ${chains}${mixed}; ${divergent === 0 ? 'no' : divergent.toLocaleString('en')} ${divergent === 1 ? 'divergence' : 'divergences'}`;
}

/** One element's interval on the scale of all. */
export function interval(each: Element, low: number, high: number): SVGElement {
  const span = high - low || 1;
  const at = (value: number): string => `${(3 + ((value - low) / span) * 94).toFixed(1)}%`;
  const parts: SVGElement[] = [];
  if (each.low !== null && each.high !== null) {
    parts.push(drawn('line', { class: 'reach', x1: at(each.low), x2: at(each.high), y1: '7', y2: '7' }));
  }
  if (each.mean !== null) parts.push(drawn('circle', { class: 'middle', cx: at(each.mean), cy: '7', r: '3' }));
  return drawn('svg', { class: 'interval', 'aria-hidden': 'true' }, ...parts);
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
  return only === undefined ? 'nothing is known' : elementInWords(only);
}

/** One number's figures in a sentence. */
export function elementInWords(each: Element): string {
  const between = each.low === null || each.high === null ? '' : `, 90 % between ${short(each.low)} and ${short(each.high)}`;
  return `mean ${plusMinus(each.mean, each.sd).replace('±', 'plus or minus')}${between}`;
}

/** An element as results call it. */
export function named(site: string, each: Element): string {
  return each.label === '' ? site : `${site}[${each.label}]`;
}

function summed(chains: number[][]): number[] {
  return (chains[0] ?? []).map((_, bin) => chains.reduce((sum, counts) => sum + (counts[bin] ?? 0), 0));
}

/** A drawing above its axis, which says in words what it shows. */
function chart(kind: string, label: string, ...parts: SVGElement[]): SVGElement {
  const axis = drawn('line', { class: 'axis', x1: '0', x2: `${WIDTH}`, y1: `${HEIGHT}`, y2: `${HEIGHT}` });
  return drawn('svg', { class: kind, role: 'img', 'aria-label': label, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none' }, ...parts, axis);
}

/** What stands at the two ends of an axis; apart from the chart, with which its letters would be stretched. */
function ticks(first: string, last: string): HTMLElement {
  return element('div', { class: 'ticks', 'aria-hidden': 'true' }, element('span', {}, first), element('span', {}, last));
}

function mark(x: number): SVGElement {
  return drawn('line', { class: 'mean', x1: x.toFixed(2), x2: x.toFixed(2), y1: '0', y2: `${HEIGHT}` });
}
