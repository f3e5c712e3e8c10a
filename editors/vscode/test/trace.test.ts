import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LastResult, Site, TraceAnswer } from '../src/answers';
import { FIRST_LOOK, figuresOf, indexOf, type Look, shown, type Subject } from '../src/panel/state';
import { elementInWords, named, traceInWords } from '../src/view/figure';

const LEVELS = { School: ['Choate', 'Deerfield', '"a, b"'], Subject: ['art', 'math'] };
const site = (shape: number[], axes: string[]): Site => {
  const size = shape.reduce((product, each) => product * each, 1);
  const means = Array.from({ length: size }, (_, number) => (number * 7) % 5);
  return { axes, shape, mean: means, sd: means.map(() => 1), q5: means, q95: means, r_hat: 1, ess: 900, histogram: null };
};
const THETA = site([3], ['School']);
const W = site([3, 2], ['School', 'Subject']);
const TRACE: TraceAnswer = {
  name: 'tau',
  running: false,
  finished: '2026-01-01T10:00:00Z',
  draws: 1000,
  every: 4,
  chains: [[1, 2], [2, 3], [1, 1], [2, 2]],
  divergences: [[], [], [], []],
  divergent: [0, 0, 0, 0],
  histogram: null,
};

const place = { uri: 'file:///s.qvr', line: 1, character: 4 };
const on = (name: string): Subject => ({ uri: place.uri, file: 's.qvr', program: 'p', name: { name, type: 'Real', place, parents: [], children: [] } });
function last(sites: Record<string, Site>): LastResult {
  const result = { program: 'p', divergences: 0, seconds: { total: 1 }, problems: [], summary: {}, sites, labels: LEVELS };
  return { program: 'p', finished: '2026-01-01T10:00:00Z', stale: false, changed: [], result };
}
const look = (given: Partial<Look>): Look => ({ ...FIRST_LOOK, ...given });

test('elements go by the names that the data give, on each axis that has them', () => {
  assert.deepEqual(figuresOf('theta', THETA, {}, LEVELS).elements.map((each) => each.label), ['Choate', 'Deerfield', '"a, b"']);
  assert.deepEqual(figuresOf('w', W, {}, LEVELS).elements.map((each) => each.label).slice(0, 3), ['Choate, art', 'Choate, math', 'Deerfield, art']);
  assert.deepEqual(figuresOf('w', W, {}, { Subject: LEVELS.Subject }).elements[3]?.label, '2, math');
  assert.deepEqual(figuresOf('theta', THETA, {}, { School: ['one', 'two'] }).elements[2]?.label, '3');
});

test('a run under way names its elements by itself, before any result', () => {
  const partial = { kind: 'partial' as const, done: 5, total: 10, sites: { theta: { axes: ['School'], shape: [3], mean: [1, 2, 3], sd: [1, 1, 1], histogram: null } }, labels: LEVELS };
  const found = shown(on('theta'), { run: { uri: place.uri, program: 'p', percentage: 50, partial } }, true);
  assert.equal(found.figures?.elements[1]?.label, 'Deerfield');
});

test('by mean the greatest come first, of all elements and not of those listed alone', () => {
  const found = figuresOf('theta', { ...THETA, mean: [1, 9, 5] }, {}, LEVELS, look({ order: 'mean', most: 2 }));
  assert.deepEqual(found.elements.map((each) => [each.number, each.mean]), [[1, 9], [2, 5]]);
  assert.equal(found.left, 1);
});

test('the chosen element is known also where it is not listed, and one that is gone gives way to the last', () => {
  const known = { last: last({ theta: THETA }) };
  assert.equal(shown(on('theta'), known, true, look({ chosen: 2, most: 1 })).chosen?.label, '"a, b"');
  assert.equal(shown(on('theta'), known, true, look({ chosen: 12 })).chosen?.number, 2);
  assert.equal(shown(on('y'), known, true).chosen, null);
});

test('a flat place has its subscripts, the last axis fastest', () => {
  assert.deepEqual(indexOf(5, [3, 2]), [2, 1]);
  assert.deepEqual(indexOf(0, []), []);
});

test('a trace says in words what it shows', () => {
  assert.equal(traceInWords(TRACE, 1.001), 'Trace of tau: 4 chains of 1,000 draws, mix well, R̂ 1.00; no divergences');
  const bad = { ...TRACE, divergent: [1, 0, 0, 0] };
  assert.equal(traceInWords(bad, 1.2), 'Trace of tau: 4 chains of 1,000 draws, do not agree, R̂ 1.20; 1 divergence');
  assert.equal(traceInWords({ ...TRACE, running: true, chains: [[1]] }, null), 'Trace of tau: 1 chain of 1,000 draws so far; no divergences');
});

test('an element is called as in the results, and says its figures', () => {
  const each = figuresOf('theta', THETA, {}, LEVELS).elements[0];
  assert.ok(each);
  assert.equal(named('theta', each), 'theta[Choate]');
  assert.equal(elementInWords({ ...each, mean: 2, low: 1, high: 3 }), 'mean 2.0 plus or minus 1.0, 90 % between 1.00 and 3.00');
});
