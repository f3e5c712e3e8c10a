// The page of the panel in a document: what stays while it is drawn anew, what the keyboard does, what is said in words.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { Window } from 'happy-dom';
import type { Element as Member, Figures, FromView, Shown, ToView, Trace } from '../src/panel/messages';
import { mount } from '../src/view/panel';

const place = { uri: 'file:///s.qvr', line: 3, character: 11 };
const NAMES = ['Choate', 'Deerfield', 'Phillips Andover'];
const member = (number: number, label: string): Member => ({ number, label, mean: number + 1, sd: 1, low: number, high: number + 2, rHat: 1 });
const TAU: Figures = { name: 'tau', axes: [], shape: [], elements: [member(0, '')], left: 0, rHat: 1.02, ess: 900, histogram: { low: 0, high: 3, counts: [1, 4, 2] } };
const THETA: Figures = { ...TAU, name: 'theta', axes: ['School'], shape: [3], elements: NAMES.map((label, number) => member(number, label)), rHat: 1, ess: 2847 };
const drawn = (figures: Figures, number = 0): Trace => ({
  site: figures.name,
  number,
  kind: 'drawn',
  answer: {
    name: figures.shape.length === 0 ? figures.name : `${figures.name}[${figures.elements[number]?.label}]`,
    running: false,
    finished: '2026-01-01T10:00:00Z',
    draws: 1000,
    every: 500,
    chains: [[1, 2], [2, 1]],
    divergences: [[7], []],
    divergent: [1, 0],
    histogram: { low: 0, high: 3, counts: [[1, 2, 1], [0, 2, 1]] },
  },
});
const of = (figures: Figures, given: Partial<Shown> = {}): Shown => ({
  file: 's.qvr',
  program: 'p',
  subject: { name: figures.name, type: 'Real', place, parents: [{ name: 'mu', type: 'Real', place }], children: [] },
  figures,
  chosen: figures.elements[0] ?? null,
  order: 'data',
  trace: drawn(figures),
  sites: [],
  standing: { kind: 'fresh', finished: '2026-01-01T10:00:00Z' },
  problems: [],
  canRun: true,
  ...given,
});

let window: Window;
let root: HTMLElement;
let sent: FromView[];
let show: (shown: Shown | null) => void;

beforeEach(() => {
  window = new Window();
  const { document, Node, Element, HTMLElement, CSS } = window;
  Object.assign(globalThis, { window, document, Node, Element, HTMLElement, CSS });
  root = window.document.createElement('main') as unknown as HTMLElement;
  document.body.append(root as never);
  sent = [];
  mount(root, { send: (message) => sent.push(message), listen: (take: (message: ToView) => void) => (show = (shown) => take({ kind: 'show', shown })) });
});
afterEach(() => window.close());

const all = (selector: string): HTMLElement[] => [...root.querySelectorAll<HTMLElement>(selector)];
const one = (selector: string): HTMLElement => {
  const [found, ...others] = all(selector);
  assert.ok(found !== undefined && others.length === 0, `${selector}: ${others.length + (found === undefined ? 0 : 1)} elements`);
  return found;
};
const text = (selector: string): string => one(selector).textContent ?? '';
const focused = (): string | undefined => (document.activeElement as HTMLElement | null)?.dataset['key'];
const press = (key: string): void => {
  document.activeElement?.dispatchEvent(new window.KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }) as never);
};

test('it asks for what there is, and says what to do as long as there is nothing', () => {
  assert.deepEqual(sent, [{ kind: 'ready' }]);
  show(null);
  assert.match(text('.hint'), /put the cursor on a name/);
});

test('the keyboard stays where it is while figures are drawn anew', () => {
  show(of(THETA));
  const row = all('tbody tr')[1];
  row?.focus();
  assert.equal(focused(), 'element 1');
  show(of({ ...THETA, elements: THETA.elements.map((each) => ({ ...each, mean: 9, rHat: 1.2 })) }, { standing: { kind: 'running', percentage: 40, draws: 400 } }));
  assert.equal(focused(), 'element 1');
  assert.equal(all('tbody tr')[1], row, 'the row itself has stayed');
  assert.match(row?.textContent ?? '', /9\.0 ± 1\.0/);
});

test('the keyboard goes with an element that gets another place', () => {
  show(of(THETA));
  all('tbody tr')[2]?.focus();
  show(of({ ...THETA, elements: [...THETA.elements].reverse() }, { order: 'mean' }));
  assert.equal(focused(), 'element 2');
  assert.equal(all('tbody tr')[0], document.activeElement);
});

test('arrows, Home and End choose the element whose draws are shown, and stop at the ends', () => {
  show(of(THETA));
  all('tbody tr')[0]?.focus();
  sent.length = 0;
  for (const key of ['ArrowDown', 'End', 'ArrowDown', 'ArrowUp', 'Home', 'x']) press(key);
  assert.deepEqual(sent, [1, 2, 2, 1, 0].map((number) => ({ kind: 'choose', number })));
  assert.equal(focused(), 'element 0');
});

test('one row alone is in the order of the tab key: the chosen one', () => {
  show(of(THETA, { chosen: THETA.elements[2] ?? null }));
  assert.deepEqual(all('tbody tr').map((each) => each.getAttribute('tabindex')), ['-1', '-1', '0']);
  assert.deepEqual(all('tbody tr').map((each) => each.getAttribute('aria-selected')), ['false', 'false', 'true']);
});

test('each chart is an image that says in words what it shows, and its letters are not read twice', () => {
  show(of(TAU));
  const charts = all('svg');
  assert.deepEqual(charts.map((each) => [each.getAttribute('role'), each.getAttribute('aria-label')]), [
    ['img', 'Density of tau: mean 1.0 plus or minus 1.0, 90 % between 0 and 2.00'],
    ['img', 'Trace of tau: 2 chains of 1,000 draws, mix well, R̂ 1.00; 1 divergence'],
  ]);
  assert.equal(all('svg text').length, 0);
  assert.deepEqual(all('.ticks').map((each) => each.getAttribute('aria-hidden')), ['true', 'true']);
  show(of(THETA));
  assert.equal(all('svg.interval:not([aria-hidden])').length, 0);
  assert.deepEqual(all('td .unseen').map((each) => each.textContent), ['from 0 to 2.00', 'from 1.00 to 3.00', 'from 2.00 to 4.00']);
});

test('a name with markup is text', () => {
  show(of({ ...THETA, elements: [member(0, '<img src=x>'), member(1, 'b')] }));
  assert.equal(all('img').length, 0);
  assert.match(text('.which'), /theta\[<img src=x>\]/);
});

test('what is stale says why, to eyes and to screen readers once', () => {
  show(of(TAU, { standing: { kind: 'stale', finished: '', because: ['the model has changed'] } }));
  assert.equal(text('.badge.stale'), 'stale');
  assert.equal(text('.because'), 'These figures are stale: the model has changed.');
  assert.equal(text('[role="status"]'), 'These figures are stale: the model has changed.');
  show(of(TAU));
  assert.equal(all('.badge').length, 0);
});

test('draws that are gone are told of in the place of the trace, and the figures stay', () => {
  show(of(THETA, { trace: { site: 'theta', number: 0, kind: 'gone', why: 'The draws are gone: run the model again.' } }));
  assert.equal(text('[data-testid="no-trace"]'), 'The draws are gone: run the model again.');
  assert.equal(all('svg.trace').length, 0);
  assert.equal(all('tbody tr').length, 3);
});

test('figures that ask for care are marked by more than a colour', () => {
  show(of(TAU));
  assert.match(text('dl .bad'), /R̂1\.02 ⚠/);
  show(of({ ...THETA, ess: 100 }));
  assert.match(text('dl .bad'), /≥ 100 ⚠/);
});

test('a button that is drawn anew between press and release gets its click', () => {
  show(of(TAU, { standing: { kind: 'running', percentage: 10, draws: 100 } }));
  const stop = all('button').find((each) => each.textContent === '■ Stop');
  stop?.dispatchEvent(new window.Event('pointerdown', { bubbles: true }) as never);
  show(of(TAU));
  assert.ok(root.contains(stop ?? null), 'nothing is drawn while it is pressed');
  stop?.click();
  assert.deepEqual(sent.at(-1), { kind: 'stop' });
});
