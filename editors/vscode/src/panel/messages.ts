// What the posterior's view shows, and what it and its host say to each other.
//
// The view knows no editor: a host gives it a `Port`, which carries `ToView` one way and `FromView` the other.

import type { Histogram, TraceAnswer } from '../answers';

/** A name's place in a text; lines and characters count from 0. */
export interface Place {
  uri: string;
  line: number;
  character: number;
}

/** A name that another one is made from, or that is made from it. */
export interface Relative {
  name: string;
  type: string;
  place: Place;
}

/** One number of a site: its flat place, its label, and its figures as far as they are known. */
export interface Element {
  number: number;
  label: string;
  mean: number | null;
  sd: number | null;
  low: number | null;
  high: number | null;
  rHat: number | null;
}

/** A site's figures. `elements` are in the order of the data's levels or of their means; `left` says how many are
 * not listed. */
export interface Figures {
  name: string;
  axes: string[];
  shape: number[];
  elements: Element[];
  left: number;
  rHat: number | null;
  ess: number | null;
  histogram: Histogram | null;
}

/** Where figures come from, and how far they can be relied on. */
export type Standing =
  | { kind: 'none' }
  | { kind: 'running'; percentage: number; draws: number }
  | { kind: 'fresh'; finished: string }
  | { kind: 'stale'; finished: string; because: string[] }
  | { kind: 'prior'; draws: number };

/** The order in which a plate's elements are listed. */
export type Order = 'data' | 'mean';

/** The draws of one number. `site` and `number` say which; of those that are `gone`, `why` is a sentence. */
export type Trace = { site: string; number: number } & (
  | { kind: 'asked' }
  | { kind: 'gone'; why: string }
  | { kind: 'drawn'; answer: TraceAnswer }
);

/** All that the view shows. `subject` is the name under the cursor, `chosen` the one of its
 * numbers whose draws are shown, `sites` all of the program. */
export interface Shown {
  file: string;
  program: string;
  subject: { name: string; type: string; place: Place; parents: Relative[]; children: Relative[] } | null;
  figures: Figures | null;
  chosen: Element | null;
  order: Order;
  trace: Trace | null;
  sites: Figures[];
  standing: Standing;
  problems: string[];
  canRun: boolean;
}

export type ToView = { kind: 'show'; shown: Shown | null };

export type FromView =
  | { kind: 'ready' | 'run' | 'stop' | 'more' }
  | { kind: 'reveal'; place: Place }
  | { kind: 'find'; name: string }
  | { kind: 'choose'; number: number }
  | { kind: 'order'; order: Order };

/** How the view reaches its host. */
export interface Port {
  send(message: FromView): void;
  listen(take: (message: ToView) => void): void;
}
