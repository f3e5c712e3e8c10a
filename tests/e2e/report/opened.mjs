// Opens each report in a real Chromium without a network, uses it, and prints as JSON what was seen.
//
//   node opened.mjs --modules FOLDER --chromium FILE [--screens FOLDER] REPORT…

import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const { values: given, positionals: reports } = parseArgs({
  allowPositionals: true,
  options: { modules: { type: 'string' }, chromium: { type: 'string' }, screens: { type: 'string' } },
});
const require = createRequire(path.join(given.modules, 'package.json'));
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
if (given.screens) mkdirSync(given.screens, { recursive: true });

const WCAG = { runOnly: ['wcag2a', 'wcag2aa'] };
const CONTRAST = { runOnly: { type: 'rule', values: ['color-contrast'] } };
const ALL_BUT_CONTRAST = { ...WCAG, rules: { 'color-contrast': { enabled: false } } };

const browser = await chromium.launch({ executablePath: given.chromium, args: ['--no-sandbox', '--disable-gpu'] });
const seen = {};
try {
  for (const report of reports) seen[path.basename(report, '.html')] = await look(report);
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));

async function look(report) {
  const address = pathToFileURL(report).href;
  const told = [];
  const requests = [];
  /** A window with nothing but the file; all else is refused and counted. */
  async function open(options) {
    const context = await browser.newContext({ viewport: { width: 1240, height: 900 }, offline: true, ...options });
    await context.route('**/*', (route) => {
      if (route.request().url() === address) return route.continue();
      requests.push(route.request().url());
      return route.abort();
    });
    const page = await context.newPage();
    page.on('console', (each) => told.push(`${each.type()}: ${each.text()}`));
    page.on('pageerror', (error) => told.push(`uncaught: ${error.message}`));
    await page.goto(address);
    return page;
  }
  const light = await open({ colorScheme: 'light' });
  const dark = await open({ colorScheme: 'dark' });
  const narrow = await open({ colorScheme: 'light', viewport: { width: 360, height: 800 } });
  const bare = await open({ colorScheme: 'light', javaScriptEnabled: false });
  const found = {
    bytes: readFileSync(report).length,
    charts: await light.evaluate(charts),
    chartsWithoutScript: (await bare.locator('.plot > svg .marks path').count()) > 0,
    hovered: await hovered(light),
    zoomed: await zoomed(light),
    dragged: await dragged(light),
    read: await readAloud(light),
    grounds: [await ground(light), await ground(dark)],
    explained: await explained(light),
    chosen: await chosen(light),
    letters: await narrow.evaluate(() => Math.min(...[...document.querySelectorAll('.plot > svg')].map((svg) => 11 * (svg.clientWidth / svg.viewBox.baseVal.width)))),
    sideways: await narrow.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth),
    violations: [...(await violations(light, WCAG)), ...(await violations(dark, CONTRAST)), ...(await violations(narrow, ALL_BUT_CONTRAST))],
  };
  await light.emulateMedia({ media: 'print', colorScheme: 'dark' });
  found.print = { ground: await ground(light), navigation: await light.locator('nav').isVisible(), bytes: (await light.pdf()).length };
  await light.emulateMedia({ media: 'screen', colorScheme: 'light' });
  if (given.screens) await screens(path.basename(report, '.html'), light, dark);
  for (const page of [light, dark, narrow, bare]) await page.context().close();
  return { ...found, told, requests };
}

/** Each chart's size on the screen and how much is drawn in it. */
function charts() {
  return [...document.querySelectorAll('.plot')].map((plot) => {
    const { width, height } = plot.querySelector('svg').getBoundingClientRect();
    const marks = [...plot.querySelectorAll('.marks path')].map((each) => {
      const { width: wide, height: tall } = each.getBBox();
      return Math.max(wide, tall);
    });
    return { name: plot.querySelector('svg').getAttribute('aria-label'), width, height, marks: Math.max(0, ...marks) };
  });
}

function ticks(plot) {
  return plot.locator('.x.axis text').allTextContents();
}

/** What the first chart of each kind says where the mouse stands over its middle. */
async function hovered(page) {
  const texts = {};
  for (const word of ['Density', 'Elements', 'Trace', 'Ranks', 'k̂', 'Energies', 'against']) {
    const plot = page.locator('figure', { has: page.locator('figcaption b', { hasText: word }) }).locator('.plot').first();
    if ((await plot.count()) === 0) continue;
    await plot.scrollIntoViewIfNeeded();
    // Of a scatter, where a point is; else anywhere.
    const { x, y, width, height } = await plot.locator('svg').boundingBox();
    const scatter = await plot.evaluate((each) => {
      const d = each.querySelector('.marks .points, .marks .squares')?.getAttribute('d');
      const { near } = JSON.parse(each.querySelector('script').textContent);
      if (near !== 'xy' || !d) return undefined;
      const [, left, top] = /^M([\d.]+) ([\d.]+)h0/.exec(d).map(Number);
      const { width: wide, height: tall } = each.querySelector('svg').viewBox.baseVal;
      return [left / wide, top / tall];
    });
    const [across, down] = scatter ?? [0.6, 0.45];
    await page.mouse.move(x + width * across, y + height * down);
    const tip = plot.locator('.tip');
    texts[word] = (await tip.isVisible()) ? await tip.innerText() : '';
  }
  return texts;
}

/** The first axis before, after pressing the zooming button twice, and after showing all again. */
async function zoomed(page) {
  const plot = page.locator('.plot').first();
  await plot.scrollIntoViewIfNeeded();
  await plot.hover();
  const before = await ticks(plot);
  for (let n = 0; n < 2; n++) await plot.getByRole('button', { name: 'Zoom in' }).click();
  const near = await ticks(plot);
  const transform = await plot.locator('.marks').getAttribute('transform');
  await plot.getByRole('button', { name: 'Show all' }).click();
  return { before, near, transform, after: await ticks(plot) };
}

/** A trace before and after its middle is drawn out with the mouse. */
async function dragged(page) {
  const plot = page.locator('.trace .plot').first();
  await plot.scrollIntoViewIfNeeded();
  const before = await ticks(plot);
  const { x, y, width, height } = await plot.locator('svg').boundingBox();
  await page.mouse.move(x + width * 0.4, y + height * 0.5);
  await page.mouse.down();
  await page.mouse.move(x + width * 0.6, y + height * 0.55, { steps: 4 });
  await page.mouse.up();
  const near = await ticks(plot);
  await page.keyboard.press('0');
  return { before, near, after: await ticks(plot) };
}

/** What a screen reader is told where the arrow keys walk along the first chart. */
async function readAloud(page) {
  const plot = page.locator('.plot').first();
  await plot.focus();
  const said = [];
  for (const key of ['ArrowRight', 'ArrowRight', 'End']) {
    await page.keyboard.press(key);
    said.push(await plot.getByRole('status').innerText());
  }
  await page.keyboard.press('Escape');
  return said;
}

/** A trace and its ranks before another element is chosen with the keyboard, after it, and when the first is again. */
async function chosen(page) {
  const place = page.locator('.mixed', { has: page.locator('select') }).first();
  if ((await place.count()) === 0) return undefined;
  const seen = async () => ({
    titles: await place.locator('figcaption b').allTextContents(),
    starts: await place.locator('.marks .line, .marks .step').evaluateAll((all) => all.map((each) => each.getAttribute('d').match(/[\d.]+/g).slice(0, 40).map(Number))),
    label: await place.locator('svg').first().getAttribute('aria-label'),
  });
  const before = await seen();
  await place.locator('select').focus();
  await page.keyboard.press('ArrowDown');
  const after = await seen();
  const option = await place.locator('option').nth(1).textContent();
  await page.keyboard.press('Home');
  return { before, after, option, again: await seen() };
}

async function explained(page) {
  const line = page.locator('.meaning');
  const before = await line.innerText();
  await page.getByRole('button', { name: 'R̂' }).focus();
  return { before, after: await line.innerText() };
}

function ground(page) {
  return page.evaluate(() => getComputedStyle(document.body).backgroundColor);
}

/** Contrast takes axe most of its time, and does not hang on the width. */
async function violations(page, rules) {
  await page.evaluate(axe);
  const { violations: found } = await page.evaluate((asked) => window.axe.run(document, { ...asked, resultTypes: ['violations'], preload: false }), rules);
  return found.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map((each) => each.html.slice(0, 200)).join(' | ')}`);
}

/** Pictures for the documentation: the top, the posterior, and what a trace says under the mouse. */
async function screens(name, light, dark) {
  const save = async (page, part, selector) => {
    await page.evaluate((to) => document.querySelector(to)?.scrollIntoView({ block: 'start', behavior: 'instant' }), selector);
    await page.waitForTimeout(200);
    await page.screenshot({ path: path.join(given.screens, `${name}-${part}.png`) });
  };
  await save(light, 'top', 'body');
  await save(light, 'posterior', '#posterior');
  await save(light, 'checks', '#checks');
  await save(dark, 'pairs', '#pairs');
  await light.evaluate(() => document.querySelector('#chains').scrollIntoView({ block: 'start', behavior: 'instant' }));
  const { x, y, width, height } = await light.locator('.trace .plot svg').first().boundingBox();
  await light.mouse.move(x + width * 0.6, y + height * 0.4);
  await light.waitForTimeout(200);
  await light.screenshot({ path: path.join(given.screens, `${name}-chains.png`) });
}
