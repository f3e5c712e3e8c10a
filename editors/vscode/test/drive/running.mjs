// Running a model: lens, progress, posteriors, the panel, staleness, stopping, crashes and reloads.

import { DATA, MODEL } from './models.mjs';
import { clickInto, command, frameWith, goTo, hush, lens, lineOf, notifications, openFile, panelOf, posteriorAt, revert, status, until } from './hands.mjs';

/** What doesn't fit into the panel: how far the whole and its table scroll, and what of the trace and of R̂ is outside. */
const hidden = (frame) =>
  frame.locator('#posterior').evaluate((root) => {
    const table = root.querySelector('.elements');
    const isSeen = (each) => each !== null && each.getBoundingClientRect().bottom <= innerHeight && each.getBoundingClientRect().right <= innerWidth;
    return {
      room: [innerWidth, innerHeight],
      scrolls: [root.scrollHeight - root.clientHeight, root.scrollWidth - root.clientWidth, ...(table === null ? [] : [table.scrollHeight - table.clientHeight, table.scrollWidth - table.clientWidth])],
      cut: ['svg.density', 'svg.trace', '.family', ...(table === null ? [] : ['.elements tr:last-child td:last-child'])].filter((each) => !isSeen(root.querySelector(each))),
    };
  });
const isWhole = ({ scrolls, cut }) => cut.length === 0 && scrolls.every((each) => each <= 1);

const figuresOf = (frame) => frame.locator('dl').first().innerText();

/** The figures of the last run in the panel, once the server has found it on the disk and they are fresh. */
async function savedResult(page) {
  const frame = await panelOf(page);
  if ((await frame.locator('.badge.stale, .badge.running').count()) > 0) return '';
  const told = await figuresOf(frame).catch(() => '');
  return told.includes('90 %') ? told : '';
}

export async function running(drive, seen) {
  const files = { 'schools.qvr': MODEL, 'schools.data.json': DATA };
  const window = await drive.open('running', { files, machine: { 'qvr.path': drive.python }, settings: { 'qvr.run.seed': 7 } });
  const { page } = window;
  const { see, need, shot } = seen.part('running', window);
  const onLine = async (part, column = 12) => goTo(page, await lineOf(page, part), column);
  await need('the lens', async () => {
    await openFile(page, 'schools.qvr');
    const found = lens(page, 'Run eight_schools_centred');
    await found.waitFor({ timeout: 60_000 });
    return found.innerText();
  });
  await need('a run from the lens, with the posterior in the line', async () => {
    await lens(page, 'Run').click();
    return until('posteriors', () => posteriorAt(page, 'sample mu'), 120);
  });
  await see('the posterior in the panel', async () => {
    await clickInto(page);
    await onLine('sample tau');
    const frame = await panelOf(page);
    await until('tau in the panel', async () => (await frame.locator('h1').innerText()) === 'tau');
    await frame.locator('svg.density').first().waitFor();
    const label = await frame.locator('svg.density').first().getAttribute('aria-label');
    await until('all of it to be seen at once', async () => isWhole(await hidden(frame)), 20);
    await shot('posterior');
    return { room: (await hidden(frame)).room, facts: await figuresOf(frame), type: await frame.locator('.title .type').innerText(), label };
  });
  await see('a plate in the panel', async () => {
    await onLine('sample theta');
    const frame = await panelOf(page);
    await until('theta in the panel', async () => (await frame.locator('h1').innerText()) === 'theta');
    const rows = await frame.locator('.elements tbody tr').allInnerTexts();
    if (rows.length !== 8) throw new Error(`${rows.length} elements instead of 8`);
    await until('all of it to be seen at once', async () => isWhole(await hidden(frame)), 20).catch(async (error) => {
      throw new Error(`${error.message}: ${JSON.stringify(await hidden(frame))}`);
    });
    await shot('plate');
    return rows;
  });
  await see('from name to name by the keyboard', async () => {
    const frame = await panelOf(page);
    await frame.locator('.family button', { hasText: 'mu' }).first().focus();
    await page.keyboard.press('Enter');
    await until('mu in the panel', async () => (await frame.locator('h1').innerText()) === 'mu');
  });
  await see('stale after an edit, and fresh after its undoing', async () => {
    const line = await lineOf(page, 'sample tau');
    await clickInto(page);
    await goTo(page, line, 1);
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.type('1');
    await goTo(page, line, 12);
    const frame = await panelOf(page);
    const why = await until('the mark', async () => ((await frame.locator('.badge.stale').count()) > 0 ? frame.locator('.because').innerText() : ''));
    await shot('stale');
    await revert(page);
    await until('no mark', async () => (await frame.locator('.badge.stale').count()) === 0);
    return why;
  });
  await see('the report of the run', async () => {
    await clickInto(page);
    await command(page, 'QVR: Open Report of the Last Run');
    const report = await frameWith(page, 'main > section, main > figure, main > h2');
    const title = await report.locator('h1').first().innerText();
    await until('a posterior in the report', async () => (await report.locator('main').innerText()).includes('theta'));
    await shot('report');
    await page.locator('.tab', { hasText: 'schools-eight_schools_centred' }).locator('.action-label').first().click();
    await page.locator('.tab', { hasText: 'schools-eight_schools_centred' }).waitFor({ state: 'detached' });
    return title;
  });
  await see('the plate diagram, whose nodes lead to their steps', async () => {
    await clickInto(page);
    await command(page, 'QVR: Show Plate Diagram');
    const diagram = await frameWith(page, '.qvr-plate .node');
    const names = (await diagram.locator('.qvr-plate .node').allTextContents()).map((each) => each.trim());
    await diagram.locator('.qvr-plate .node').filter({ hasText: /^\s*tau/ }).first().click();
    await page.locator('.statusbar-item', { hasText: /^Ln 8,/ }).first().waitFor();
    await shot('plate-diagram');
    const tab = page.locator('.tab', { hasText: 'Plates of' });
    await tab.locator('.action-label').first().click();
    await tab.waitFor({ state: 'detached' });
    return names;
  });
  await see('progress, live figures and cancelling', async () => {
    window.set({ 'qvr.run.draws': 1_000_000 });
    await clickInto(page);
    await onLine('sample tau');
    const frame = await panelOf(page);
    // Figures of the run itself have no interval yet, unlike the last result's. A run that began before the setting
    // was read is over soon, and another one is begun.
    const live = await until('live figures', async () => {
      if ((await frame.locator('.badge.running').count()) === 0) {
        await page.keyboard.press('Control+Alt+Enter');
        await frame.locator('.badge.running').waitFor({ timeout: 5000 }).catch(() => undefined);
      }
      const told = await figuresOf(frame).catch(() => '');
      return told.includes('mean') && !told.includes('90 %') ? `${await frame.locator('.badge').first().innerText()}: ${told}` : '';
    }, 90);
    const bar = await status(page).innerText();
    const progress = await until('progress with draws', async () =>
      (await notifications(page).allInnerTexts()).find((each) => /draws/.test(each)));
    await shot('live');
    await frame.locator('button', { hasText: 'Stop' }).click();
    await until('the end of the run', async () => (await frame.locator('.badge.running').count()) === 0);
    return { live, bar, progress, after: await figuresOf(frame) };
  });
  await see('the server killed, and back', async () => {
    window.set({});
    const killed = window.languageServer();
    process.kill(killed, 'SIGKILL');
    const message = await until('a message', async () => (await notifications(page).allInnerTexts()).find((each) => each.includes('started again')));
    await until('a new server', async () => ![undefined, killed].includes(window.languageServer()));
    const figures = await until('the saved result', () => savedResult(page));
    await shot('after-a-crash');
    return { message, figures };
  });
  await see('a run by the new server', async () => {
    await hush(page);
    await lens(page, 'Run').click();
    const frame = await panelOf(page);
    await until('fresh figures', async () => (await frame.locator('.badge.stale, .badge.running').count()) === 0 && /90 %/.test(await figuresOf(frame)), 60);
    return until('posteriors', () => posteriorAt(page, 'sample mu'));
  });
  await see('the last result after a reload of the window', async () => {
    await page.reload();
    await page.waitForSelector('.monaco-editor .view-line', { timeout: 60_000 });
    const figures = await until('the saved result', () => savedResult(page), 30);
    const line = await until('posteriors', () => posteriorAt(page, 'sample mu'));
    await shot('after-a-reload');
    return { figures, line };
  });
  await window.close();
}
