// What the panel shows, worked out from the last result, the run under way and the name under the cursor.

import type { Labels, LastResult, PriorAnswer, Row, Site } from '../answers';
import type { Running } from '../runs';
import type { Element, Figures, Order, Place, Relative, Shown, Standing, Trace } from './messages';

export const MOST_ELEMENTS = 200;

/** What is known of one program. `earlier` says that the result is of a server that has ended since. */
export interface Known {
  last?: LastResult;
  earlier?: boolean;
  prior?: PriorAnswer;
  run?: Running;
}

/** What the cursor is on. */
export interface Subject {
  uri: string;
  file: string;
  program: string;
  name?: { name: string; type: string; place: Place; parents: Relative[]; children: Relative[] };
}

/** How the user looks at a site: which of its numbers, in which order, how many at most, and the trace there is. */
export interface Look {
  chosen: number;
  order: Order;
  most: number;
  trace: Trace | null;
}

export const FIRST_LOOK: Look = { chosen: 0, order: 'data', most: MOST_ELEMENTS, trace: null };

export function shown(subject: Subject, known: Known, canRun: boolean, look: Look = FIRST_LOOK): Shown {
  const { name } = subject;
  const standing = standingOf(known);
  const { sites, labels } = sitesOf(known, standing);
  const summary = known.last?.result.summary ?? {};
  const figures = Object.entries(sites).map(([site, entry]) => figuresOf(site, entry, summary, labels, look));
  const entry = name === undefined ? undefined : sites[name.name];
  return {
    file: subject.file,
    program: subject.program,
    subject: name ?? null,
    figures: figures.find((each) => each.name === name?.name) ?? null,
    chosen: name === undefined || entry === undefined ? null : chosenOf(name.name, entry, summary, labels, look.chosen),
    order: look.order,
    trace: look.trace,
    sites: figures.map((each) => ({ ...each, elements: each.shape.length === 0 ? each.elements : [] })),
    standing,
    problems: standing.kind === 'fresh' || standing.kind === 'stale' ? (known.last?.result.problems ?? []) : [],
    canRun,
  };
}

/** A run under way comes before the prior, the prior before the last result. */
export function standingOf(known: Known): Standing {
  if (known.run !== undefined) {
    return { kind: 'running', percentage: known.run.percentage, draws: known.run.partial?.done ?? 0 };
  }
  if (known.prior !== undefined) return { kind: 'prior', draws: known.prior.draws };
  if (known.last === undefined) return { kind: 'none' };
  const { finished, stale, changed } = known.last;
  const because = [
    ...(stale ? changed.map((each) => (each === 'model' ? 'the model has changed' : 'the data have changed')) : []),
    ...(known.earlier === true ? ['the server has been restarted since'] : []),
  ];
  return because.length > 0 || stale ? { kind: 'stale', finished, because } : { kind: 'fresh', finished };
}

/** Until a run has draws, its program's last figures stay. */
function sitesOf(known: Known, standing: Standing): { sites: Record<string, Site>; labels: Labels } {
  const last = known.last?.result;
  const from = standing.kind === 'running' && known.run?.partial !== undefined ? known.run.partial : standing.kind === 'prior' ? known.prior : last;
  return { sites: from?.sites ?? {}, labels: from?.labels ?? last?.labels ?? {} };
}

export function figuresOf(name: string, site: Site, summary: Record<string, Row>, labels: Labels = {}, look: Look = FIRST_LOOK): Figures {
  const count = site.mean.length;
  const named = namedOf(name, site, summary, labels);
  const numbers = Array.from({ length: count }, (_, number) => number);
  if (look.order === 'mean') numbers.sort((one, other) => (site.mean[other] ?? -Infinity) - (site.mean[one] ?? -Infinity) || one - other);
  const elements = numbers.slice(0, look.most).map((number) => elementOf(site, number, named));
  return {
    name,
    axes: site.axes ?? [],
    shape: site.shape,
    elements,
    left: Math.max(0, count - look.most),
    rHat: site.r_hat ?? null,
    ess: site.ess ?? null,
    histogram: site.histogram,
  };
}

function chosenOf(name: string, site: Site, summary: Record<string, Row>, labels: Labels, number: number): Element | null {
  if (site.mean.length === 0) return null;
  return elementOf(site, Math.min(number, site.mean.length - 1), namedOf(name, site, summary, labels));
}

type Named = (number: number) => [label: string, row: Row | undefined];

function elementOf(site: Site, number: number, named: Named): Element {
  const [label, row] = named(number);
  return {
    number,
    label,
    mean: site.mean[number] ?? null,
    sd: site.sd[number] ?? null,
    low: site.q5?.[number] ?? null,
    high: site.q95?.[number] ?? null,
    rHat: site.q5 === undefined ? null : (row?.r_hat ?? null),
  };
}

/** What each element is called, with its row of the summary: by the levels of its axes, else as the summary says. */
function namedOf(name: string, site: Site, summary: Record<string, Row>, labels: Labels): Named {
  if (site.shape.length === 0) return () => ['', summary[name]];
  const prefix = `${name}[`;
  const rows = Object.entries(summary).filter(([key]) => key.startsWith(prefix));
  const known = rows.length === site.mean.length ? rows : [];
  const levels = site.shape.map((_, axis) => labels[site.axes?.[axis] ?? '']).map((own, axis) => (own?.length === site.shape[axis] ? own : undefined));
  const isNamed = levels.some((own) => own !== undefined);
  return (number) => {
    const [key, row] = known[number] ?? [];
    if (!isNamed && key !== undefined) return [key.slice(prefix.length, -1), row];
    const parts = indexOf(number, site.shape).map((place, axis) => levels[axis]?.[place] ?? `${place + 1}`);
    return [parts.join(isNamed ? ', ' : ','), row];
  };
}

/** The subscripts from 0 of the number at a flat place; the last axis runs fastest. */
export function indexOf(number: number, shape: number[]): number[] {
  const found: number[] = [];
  for (const size of [...shape].reverse()) {
    found.unshift(number % size);
    number = Math.floor(number / size);
  }
  return found;
}
