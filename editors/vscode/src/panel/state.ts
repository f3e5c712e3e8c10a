// What the panel shows, worked out from the last result, the run under way and the name under the cursor.

import type { LastResult, PriorAnswer, Row, Site } from '../answers';
import type { Running } from '../runs';
import type { Element, Figures, Place, Relative, Shown, Standing } from './messages';

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

export function shown(subject: Subject, known: Known, canRun: boolean): Shown {
  const { name } = subject;
  const standing = standingOf(known);
  const sites = sitesOf(known, standing);
  const labels = known.last?.result.summary ?? {};
  const figures = Object.entries(sites).map(([site, entry]) => figuresOf(site, entry, labels));
  return {
    file: subject.file,
    program: subject.program,
    subject: name ?? null,
    figures: figures.find((each) => each.name === name?.name) ?? null,
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
function sitesOf(known: Known, standing: Standing): Record<string, Site> {
  if (standing.kind === 'running' && known.run?.partial !== undefined) return known.run.partial.sites;
  if (standing.kind === 'prior') return known.prior?.sites ?? {};
  return known.last?.result.sites ?? {};
}

export function figuresOf(name: string, site: Site, summary: Record<string, Row>): Figures {
  const labels = labelsOf(name, site, summary);
  const elements = labels.slice(0, MOST_ELEMENTS).map(([label, row], number): Element => ({
    label,
    mean: site.mean[number] ?? null,
    sd: site.sd[number] ?? null,
    low: site.q5?.[number] ?? null,
    high: site.q95?.[number] ?? null,
    rHat: site.q5 === undefined ? null : (row?.r_hat ?? null),
  }));
  return {
    name,
    axes: site.axes ?? [],
    shape: site.shape,
    elements,
    left: Math.max(0, labels.length - MOST_ELEMENTS),
    rHat: site.r_hat ?? null,
    ess: site.ess ?? null,
    histogram: site.histogram,
  };
}

/** The levels of a site's elements, as the summary names them; numbers from 1 where there is none that fits. */
function labelsOf(name: string, site: Site, summary: Record<string, Row>): [label: string, row: Row | undefined][] {
  const count = site.mean.length;
  if (site.shape.length === 0) return [['', summary[name]]];
  const prefix = `${name}[`;
  const named = Object.entries(summary).filter(([key]) => key.startsWith(prefix));
  if (named.length === count) return named.map(([key, row]) => [key.slice(prefix.length, -1), row]);
  return Array.from({ length: count }, (_, number) => [indices(number, site.shape), undefined]);
}

function indices(number: number, shape: number[]): string {
  const found: number[] = [];
  for (const size of [...shape].reverse()) {
    found.unshift((number % size) + 1);
    number = Math.floor(number / size);
  }
  return found.join(', ');
}
