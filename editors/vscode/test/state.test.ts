import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LastResult, Site } from '../src/answers';
import { type Known, MOST_ELEMENTS, type Subject, figuresOf, shown, standingOf } from '../src/panel/state';
import { plusMinus, short } from '../src/view/numbers';

const MU: Site = { role: 'latent', axes: [], shape: [], mean: [4.3], sd: [3.3], q5: [-1.2], q95: [9.8], r_hat: 1, ess: 2000, histogram: { low: -8, high: 16, counts: [1, 5, 2] } };
const THETA: Site = { ...MU, axes: ['School'], shape: [2], mean: [5, 6], sd: [1, 2], q5: [3, 2], q95: [7, 9] };
const row = (mean: number): { mean: number; sd: number; r_hat: number } => ({ mean, sd: 1, r_hat: 1.001 });

function last(given: Partial<LastResult> = {}): LastResult {
  return {
    program: 'schools',
    finished: '2026-01-01T10:00:00Z',
    stale: false,
    changed: [],
    result: {
      program: 'schools',
      divergences: 0,
      seconds: { total: 1 },
      problems: [],
      summary: { mu: row(4.3), 'theta[Deerfield]': row(5), 'theta[Andover]': row(6) },
      sites: { mu: MU, theta: THETA },
    },
    ...given,
  };
}

function on(name: string): Subject {
  const place = { uri: 'file:///s.qvr', line: 1, character: 4 };
  return { uri: place.uri, file: 's.qvr', program: 'schools', name: { name, type: 'Real', place, parents: [], children: [] } };
}

test('a site under the cursor has its figures, and elements go by their levels in the order of the model', () => {
  const found = shown(on('theta'), { last: last() }, true);
  assert.deepEqual(found.figures?.elements.map((each) => [each.label, each.mean, each.low, each.high, each.rHat]), [
    ['Deerfield', 5, 3, 7, 1.001],
    ['Andover', 6, 2, 9, 1.001],
  ]);
});

test('a name that was not inferred has no figures, and the program has its sites all the same', () => {
  const found = shown(on('y'), { last: last() }, true);
  assert.equal(found.figures, null);
  assert.deepEqual(found.sites.map((each) => each.name), ['mu', 'theta']);
});

test('a result is stale with its reasons, and stays', () => {
  const found = shown(on('mu'), { last: last({ stale: true, changed: ['model', 'data'] }) }, true);
  assert.deepEqual(found.standing, {
    kind: 'stale',
    finished: '2026-01-01T10:00:00Z',
    because: ['the model has changed', 'the data have changed'],
  });
  assert.equal(found.figures?.elements[0]?.mean, 4.3);
});

test('a result of a server that has ended is never shown as fresh', () => {
  const standing = standingOf({ last: last(), earlier: true });
  assert.equal(standing.kind, 'stale');
});

test('the last figures stay until a run has draws of its own, which then have no interval', () => {
  const run = { uri: 'file:///s.qvr', program: 'schools', percentage: 10 };
  assert.equal(shown(on('mu'), { last: last(), run }, true).figures?.elements[0]?.mean, 4.3);
  const partial: Site = { shape: [], mean: [9], sd: [1], histogram: null };
  const known: Known = { last: last(), run: { ...run, partial: { kind: 'partial', done: 50, total: 100, sites: { mu: partial } } } };
  const found = shown(on('mu'), known, true);
  assert.equal(found.figures?.elements[0]?.mean, 9);
  assert.equal(found.figures?.elements[0]?.low, null);
  assert.deepEqual(found.standing, { kind: 'running', percentage: 10, draws: 50 });
});

test('while sampling, elements have the levels of the last result, else numbers from 1', () => {
  const partial: Site = { shape: [2], mean: [1, 2], sd: [1, 1], histogram: null };
  assert.deepEqual(figuresOf('theta', partial, last().result.summary).elements.map((each) => each.label), ['Deerfield', 'Andover']);
  const table: Site = { shape: [2, 2], mean: [1, 2, 3, 4], sd: [1, 1, 1, 1], histogram: null };
  assert.deepEqual(figuresOf('w', table, {}).elements.map((each) => each.label), ['1,1', '1,2', '2,1', '2,2']);
});

test('of a large plate only the first elements are listed, and how many are not', () => {
  const size = MOST_ELEMENTS + 7;
  const many = Array<number>(size).fill(0);
  const found = figuresOf('theta', { shape: [size], mean: many, sd: many, histogram: null }, {});
  assert.equal(found.elements.length, MOST_ELEMENTS);
  assert.equal(found.left, 7);
});

test('without a result there are no figures and nothing is invented', () => {
  const found = shown(on('mu'), {}, false);
  assert.deepEqual([found.figures, found.sites, found.standing], [null, [], { kind: 'none' }]);
});

test('draws from the prior say that they are', () => {
  const prior = { program: 'schools', draws: 500, sites: { mu: MU }, problems: [] };
  assert.deepEqual(shown(on('mu'), { last: last(), prior }, true).standing, { kind: 'prior', draws: 500 });
});

test('numbers end where their spread begins to say something', () => {
  assert.equal(plusMinus(4.3426, 3.3421), '4.3 ± 3.3');
  assert.equal(plusMinus(-0.01234, 0.00345), '−0.0123 ± 0.0034');
  assert.equal(plusMinus(12345.6, 234.5), '12346 ± 235');
  assert.equal(plusMinus(2, 0), '2.00');
  assert.equal(short(null), '–');
  assert.equal(short(0.0000123), '1.23e−5');
});
