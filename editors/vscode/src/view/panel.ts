// The posterior's view: draws what it is shown into an element, and sends what the user asks for.
//
// It knows nothing of VS Code; colours are its theme's variables, with colours of its own where there are none.

import type { Element as Member, Figures, FromView, Port, Relative, Shown, Standing } from '../panel/messages';
import { become, button, element } from './elements';
import { COLOURS, density, elementInWords, interval, inWords, named, sparkline, traceInWords, traceOf } from './figure';
import { plusMinus, short } from './numbers';

const PAGE = 10; // rows
const SHORT = 4; // characters of a name that always fits

/** Show what comes through `port` in `root`, from now on. */
export function mount(root: HTMLElement, port: Port): void {
  const news = element('div', { class: 'unseen', role: 'status', 'aria-live': 'polite' });
  const body = element('div', { class: 'body' });
  root.replaceChildren(body, news);
  let told = '';
  let isPressed = false;
  let waiting: Shown | null | undefined;
  const draw = (shown: Shown | null): void => {
    const focus = focused(root);
    become(body, element('div', { class: 'body' }, ...(shown === null ? [nothing()] : parts(shown))));
    if (focus !== null && focused(root) !== focus) body.querySelector<HTMLElement>(`[data-key="${CSS.escape(focus)}"]`)?.focus();
    const now = shown === null ? '' : announced(shown.standing);
    if (now !== told) news.textContent = told = now; // figures that follow the cursor would say too much
  };
  root.addEventListener('click', (event) => {
    const sends = (event.target as Element | null)?.closest<HTMLElement>('[data-sends]')?.dataset['sends'];
    if (sends !== undefined) port.send(JSON.parse(sends) as FromView);
  });
  root.addEventListener('keydown', (event) => {
    const row = (event.target as Element | null)?.closest<HTMLElement>('tr[data-sends]');
    const next = row == null ? undefined : moved(row, event.key);
    if (next === undefined) return;
    event.preventDefault();
    next.focus();
    next.scrollIntoView({ block: 'nearest' });
    next.click();
  });
  // What is drawn anew between press and release would get no click.
  root.addEventListener('pointerdown', () => (isPressed = true));
  const released = (): void => {
    isPressed = false;
    if (waiting !== undefined) draw(waiting);
    waiting = undefined;
  };
  for (const name of ['pointerup', 'pointercancel']) window.addEventListener(name, () => setTimeout(released));
  port.listen(({ shown }) => {
    if (isPressed) waiting = shown;
    else draw(shown);
  });
  port.send({ kind: 'ready' });
}

/** The row that a key goes to from another one; the row itself for those that choose it. */
function moved(row: HTMLElement, key: string): HTMLElement | undefined {
  const rows = [...(row.parentElement?.children ?? [])] as HTMLElement[];
  const place = rows.indexOf(row);
  const steps: Record<string, number> = {
    ArrowDown: place + 1, ArrowUp: place - 1, PageDown: place + PAGE, PageUp: place - PAGE, Home: 0, End: rows.length - 1, Enter: place, ' ': place,
  };
  const to = steps[key];
  return to === undefined ? undefined : rows[Math.max(0, Math.min(rows.length - 1, to))];
}

function nothing(): HTMLElement {
  return element('p', { class: 'hint' }, 'Open a model (a .qvr file), and put the cursor on a name.');
}

function parts(shown: Shown): HTMLElement[] {
  const { subject, figures } = shown;
  const found = [head(shown)];
  const problems = shown.problems.map((problem) => element('p', { class: 'problem' }, problem));
  if (subject === null) return [...found, overview(shown), ...problems];
  const main = element('section', { class: 'site', 'aria-label': `Posterior of ${subject.name}` });
  if (figures === null) main.append(element('p', { class: 'hint' }, unknown(shown)));
  else main.append(...site(figures, shown));
  const family = element(
    'section',
    { class: 'family', 'aria-label': `What ${subject.name} depends on` },
    relatives('Made from', subject.parents),
    relatives('Makes', subject.children),
  );
  const table = figures === null || figures.shape.length === 0 ? null : elements(figures, shown);
  found.push(element('div', { class: table === null ? 'columns' : 'columns plate' }, main, table, family));
  return [...found, ...problems];
}

function head(shown: Shown): HTMLElement {
  const { subject, standing, program } = shown;
  const title = element('h1', {}, subject?.name ?? program);
  const type = subject === null || subject.type === '' ? null : element('span', { class: 'type' }, `: ${subject.type}`);
  const [badge, look, why] = badgeOf(standing);
  const mark = badge === '' ? null : element('span', { class: `badge ${look}`, title: why }, badge);
  const act =
    standing.kind === 'running'
      ? keyed('stop', button('■ Stop', `Stop the run of ${program}`, { kind: 'stop' }))
      : shown.canRun && standing.kind !== 'fresh'
        ? keyed('run', button('▶ Run', `Run ${program}`, { kind: 'run' }, 'primary'))
        : null;
  const bar =
    standing.kind === 'running'
      ? element('progress', { max: '100', value: `${standing.percentage}`, 'aria-label': `Run of ${program}` })
      : null;
  const because = why === '' ? null : element('p', { class: 'because' }, why);
  const where = subject === null ? shown.file : `${program} · ${shown.file}`;
  return element('header', {}, element('div', { class: 'title' }, title, type, mark, act), element('div', { class: 'where' }, where), bar, because);
}

function badgeOf(standing: Standing): [text: string, look: string, why: string] {
  if (standing.kind === 'running') return [`sampling ${standing.percentage} %`, 'running', ''];
  if (standing.kind === 'prior') return ['prior', 'prior', `${standing.draws.toLocaleString('en')} draws from the prior; no data were used.`];
  if (standing.kind !== 'stale') return ['', '', ''];
  const why = standing.because.length === 0 ? 'it is of an earlier state' : standing.because.join(', and ');
  return ['stale', 'stale', `These figures are stale: ${why}.`];
}

function announced(standing: Standing): string {
  if (standing.kind === 'running') return 'Sampling';
  if (standing.kind === 'fresh') return `The run of ${time(standing.finished)} is done`;
  return badgeOf(standing)[2];
}

function unknown(shown: Shown): string {
  if (shown.standing.kind === 'none') return shown.canRun ? 'Run the model to see its posterior.' : 'There is no result yet.';
  return `${shown.subject?.name ?? ''} is not among what was inferred.`;
}

// ------------------------------------------------------------------------------ one site

/** A figure with its name, and whether it asks for care. */
type Fact = [name: string, value: string, isBad?: boolean];

function site(figures: Figures, shown: Shown): HTMLElement[] {
  const { chosen, trace } = shown;
  const isPlate = figures.shape.length > 0;
  const answer = trace?.kind === 'drawn' ? trace.answer : null;
  const only = !isPlate || answer !== null ? chosen : null; // the number whose density is drawn
  const list = element('dl', {});
  for (const [name, value, isBad] of [...(only === null ? [] : ofOne(only)), ...ofAll(figures, isPlate)]) {
    list.append(element('div', isBad === true ? { class: 'bad' } : {}, element('dt', {}, name), element('dd', {}, isBad === true ? `${value} ⚠` : value)));
  }
  const which = isPlate && only !== null ? element('h2', { class: 'which', title: named(figures.name, only) }, named(figures.name, only)) : null;
  return [element('div', { class: 'shape' }, which, ...(density(figures, chosen, answer) ?? []), list), ...traced(shown)];
}

function ofOne(each: Member): Fact[] {
  const between: Fact[] = each.low === null || each.high === null ? [] : [['90 % interval', `${short(each.low)} … ${short(each.high)}`]];
  return [['mean ± sd', plusMinus(each.mean, each.sd)], ...between];
}

/** A plate has the worst R̂ and effective draws of its elements. */
function ofAll(figures: Figures, isPlate: boolean): Fact[] {
  const { rHat, ess } = figures;
  return [
    ...(rHat === null ? [] : [['R̂', `${isPlate ? '≤ ' : ''}${rHat.toFixed(2)}`, rHat > 1.01] satisfies Fact]),
    ...(ess === null ? [] : [['effective draws', `${isPlate ? '≥ ' : ''}${Math.round(ess).toLocaleString('en')}`, ess < 400] satisfies Fact]),
  ];
}

/** The trace of the number that is chosen, or why there is none. */
function traced({ trace, chosen, figures }: Shown): HTMLElement[] {
  if (trace === null || trace.kind === 'asked' || figures === null) return [];
  if (trace.kind === 'gone') return [element('p', { class: 'hint', 'data-testid': 'no-trace' }, trace.why)];
  const { answer } = trace;
  const rHat = answer.running ? null : (chosen?.rHat ?? null);
  const picture = traceOf(answer, rHat);
  if (picture === null) return [];
  const divergent = answer.divergent.reduce((sum, each) => sum + each, 0);
  const keys = answer.chains.map((_, number) => element('li', { class: `c${number % COLOURS}` }, `chain ${number + 1}`));
  if (divergent > 0) keys.push(element('li', { class: 'divergence' }, `${divergent.toLocaleString('en')} ${divergent === 1 ? 'divergence' : 'divergences'}`));
  return [
    keyed(
      'trace',
      element(
        'figure',
        { 'data-testid': 'trace', 'data-live': `${answer.running}` },
        element('h2', {}, 'Trace'),
        ...picture,
        element('ul', { class: 'chains', 'aria-hidden': 'true' }, ...keys),
        element('figcaption', { class: 'unseen' }, traceInWords(answer, rHat)),
      ),
    ),
  ];
}

function elements(figures: Figures, shown: Shown): HTMLElement {
  const ends = figures.elements.flatMap((each) => [each.low ?? each.mean, each.high ?? each.mean]).filter((end): end is number => end !== null);
  const [low, high] = [ends.reduce((one, other) => Math.min(one, other), Infinity), ends.reduce((one, other) => Math.max(one, other), -Infinity)];
  const at = figures.elements.findIndex((each) => each.number === shown.chosen?.number);
  const rows = figures.elements.map((each, place) => row(each, low, high, place === at, place === Math.max(at, 0)));
  const left = figures.left === 0 ? null : element('p', { class: 'left' }, `and ${figures.left.toLocaleString('en')} more `, keyed('more', button('Show more', `Show more elements of ${figures.name}`, { kind: 'more' })));
  const size = figures.shape.map((size, axis) => `${size.toLocaleString('en')}${figures.axes[axis] === undefined ? '' : ` ${figures.axes[axis]}`}`).join(' ⊗ ');
  const isNamed = figures.elements.some((each) => each.label.length > SHORT);
  const heads = ['element', '90 % interval', 'mean ± sd', 'R̂'].map((name) => element('th', { scope: 'col' }, name));
  return keyed(
    'elements',
    element(
      'div',
      { class: 'elements', role: 'region', 'aria-label': `Elements of ${figures.name}` },
      element('div', { class: 'orders', role: 'group', 'aria-label': 'Order of the elements' }, ...orders(shown), element('span', { class: 'hint' }, size)),
      element('table', { class: isNamed ? 'named' : '', role: 'grid', 'aria-label': `Elements of ${figures.name}; arrows choose the one whose draws are shown` }, element('thead', {}, element('tr', {}, ...heads)), element('tbody', {}, ...rows)),
      left,
    ),
  );
}

function orders({ order }: Shown): HTMLElement[] {
  return (['data', 'mean'] as const).map((by) => {
    const made = button(by === 'data' ? 'as in the data' : 'by mean', by === 'data' ? 'In the order of the data' : 'The greatest mean first', { kind: 'order', order: by }, 'small');
    made.setAttribute('aria-pressed', `${order === by}`);
    return keyed(`order ${by}`, made);
  });
}

function row(each: Member, low: number, high: number, isChosen: boolean, isReached: boolean): HTMLElement {
  const between = each.low === null || each.high === null ? '' : `from ${short(each.low)} to ${short(each.high)}`;
  const isBad = each.rHat !== null && each.rHat > 1.01;
  const choose: FromView = { kind: 'choose', number: each.number };
  const made = element(
    'tr',
    { 'aria-selected': `${isChosen}`, tabindex: isReached ? '0' : '-1', 'data-sends': JSON.stringify(choose), 'aria-label': `${each.label}: ${elementInWords(each)}` },
    element('th', { scope: 'row', title: each.label }, each.label),
    element('td', { title: between }, interval(each, low, high), element('span', { class: 'unseen' }, between)),
    element('td', {}, plusMinus(each.mean, each.sd)),
    element('td', isBad ? { class: 'bad' } : {}, each.rHat === null ? '' : `${each.rHat.toFixed(2)}${isBad ? ' ⚠' : ''}`),
  );
  return keyed(`element ${each.number}`, made);
}

function relatives(title: string, names: Relative[]): HTMLElement {
  const items = names.map((each) => {
    const act = button(each.name, `${each.name}, ${each.type}: go there`, { kind: 'reveal', place: each.place }, 'link');
    return element('li', {}, keyed(`${title} ${each.name}`, act), element('span', { class: 'type' }, each.type === '' ? '' : ` : ${each.type}`));
  });
  const list = items.length === 0 ? element('p', { class: 'hint' }, 'nothing') : element('ul', {}, ...items);
  return element('div', {}, element('h2', {}, title), list);
}

// ------------------------------------------------------------------------------ all sites

function overview(shown: Shown): HTMLElement {
  if (shown.sites.length === 0) return element('p', { class: 'hint' }, unknown(shown));
  const rows = shown.sites.map((each) => {
    const [only] = each.elements;
    const act = button(each.name, `${each.name}: ${inWords(each)}`, { kind: 'find', name: each.name }, 'link');
    return element(
      'tr',
      {},
      element('th', { scope: 'row' }, keyed(`site ${each.name}`, act)),
      element('td', {}, only === undefined ? each.shape.join(' × ') : plusMinus(only.mean, only.sd)),
      element('td', { class: 'spark', 'aria-hidden': 'true' }, sparkline(each)),
      element('td', (each.rHat ?? 1) > 1.01 ? { class: 'bad' } : {}, each.rHat === null ? '' : each.rHat.toFixed(2)),
    );
  });
  const heads = ['name', 'posterior', 'shape', 'R̂'].map((name) => element('th', { scope: 'col' }, name));
  return element('table', { class: 'overview' }, element('thead', {}, element('tr', {}, ...heads)), element('tbody', {}, ...rows));
}

// ------------------------------------------------------------------------------ small things

function keyed<Made extends HTMLElement>(key: string, made: Made): Made {
  made.dataset['key'] = key;
  return made;
}

/** What has the keyboard, so that it has it again when all is drawn anew. */
function focused(root: HTMLElement): string | null {
  const active = document.activeElement;
  return active instanceof HTMLElement && root.contains(active) ? (active.dataset['key'] ?? null) : null;
}

function time(finished: string): string {
  return new Date(finished).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}
