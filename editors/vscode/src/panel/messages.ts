// What the posterior's view shows, and what it and its host say to each other.
//
// The view knows no editor: a host gives it a `Port`, which carries `ToView` one way and `FromView` the other.

import type { Histogram } from '../answers';

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

/** One number of a site: its label, and its figures as far as they are known. */
export interface Element {
  label: string;
  mean: number | null;
  sd: number | null;
  low: number | null;
  high: number | null;
  rHat: number | null;
}

/** A site's figures. `elements` are in the order of the model's levels; `left` says how many are not listed. */
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

/** All that the view shows. `subject` is the name under the cursor, `sites` all of the program. */
export interface Shown {
  file: string;
  program: string;
  subject: { name: string; type: string; place: Place; parents: Relative[]; children: Relative[] } | null;
  figures: Figures | null;
  sites: Figures[];
  standing: Standing;
  problems: string[];
  canRun: boolean;
}

export type ToView = { kind: 'show'; shown: Shown | null };

export type FromView = { kind: 'ready' } | { kind: 'reveal'; place: Place } | { kind: 'find'; name: string } | { kind: 'run' } | { kind: 'stop' };

/** How the view reaches its host. */
export interface Port {
  send(message: FromView): void;
  listen(take: (message: ToView) => void): void;
}
