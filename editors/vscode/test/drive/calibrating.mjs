// The test explorer: a program that is calibrated passes, one that is not fails at the line of its site, one that can't
// be checked is an error at its line, and a check is cancelled.

import { NONCENTRED, DATA } from './models.mjs';
import { command, editor, openFile, until } from './hands.mjs';

const FLAT = `object Item : FinSet 5

program flat_prior : Item -> Item
    sample mu <- Flat()
    observe y : Item <- Normal(mu, 1.0)
    return y
`;
// Its posterior has two modes, and a chain stays in one: the ranks of mu gather at both ends, whatever the seed.
const MODES = `object Item : FinSet 5

program two_modes : Item -> Item
    sample mu <- Normal(0.0, 3.0)
    observe y : Item <- Normal(mu * mu, 1.0)
    return y
`;
// Each fit takes long enough to be cancelled.
const SLOW = `object Item : FinSet 4000

program many_items : Item -> Item
    sample mu <- Normal(0.0, 1.0)
    sample theta : Item <- Normal(mu, 1.0)
    observe y : Item <- Normal(theta, 1.0)
    return y
`;

const rows = (page) => page.locator('.test-explorer .monaco-list-row');
const row = (page, name) => rows(page).filter({ hasText: name }).first();
const state = (page, name) => row(page, name).locator('.computed-state').getAttribute('class');

/** Opens what is folded in until the program is seen. */
async function program(page, file, name) {
  await row(page, file).waitFor({ timeout: 60_000 });
  if ((await row(page, name).count()) === 0) {
    await row(page, file).click();
    await page.keyboard.press('ArrowRight');
  }
  await row(page, name).waitFor({ timeout: 60_000 });
}

/** What the editor in front says of a check, with the line that it says it at. */
async function saidAt(page, part) {
  const widget = page.locator('.test-error-content-widget, .test-message-inline-content').filter({ hasText: part }).first();
  if ((await widget.count()) === 0) return undefined;
  const place = await widget.boundingBox();
  const lines = await editor(page).locator('.view-line').all();
  for (const line of lines) {
    const box = await line.boundingBox();
    const middle = (place?.y ?? 0) + (place?.height ?? 0) / 2;
    if (box !== null && box.y <= middle && middle <= box.y + box.height) {
      return { said: await widget.innerText(), line: (await line.innerText()).replaceAll('\u00a0', ' ').trim() };
    }
  }
  return undefined;
}

async function start(page, name) {
  await row(page, name).click();
  await row(page, name).hover();
  await row(page, name).locator('.action-item a[aria-label*="Run Test"]').first().click();
}

export async function calibrating(drive, seen) {
  const files = { 'schools.qvr': NONCENTRED, 'schools.data.json': DATA, 'flat.qvr': FLAT, 'modes.qvr': MODES, 'slow.qvr': SLOW };
  const window = await drive.open('calibrating', { files, machine: { 'qvr.path': drive.python } });
  const { page } = window;
  const { need, see, shot } = seen.part('calibrating', window);
  await need('an entry for each program in the test explorer', async () => {
    await openFile(page, 'modes.qvr');
    await openFile(page, 'flat.qvr');
    await page.locator('.activitybar .action-label[aria-label^="Testing"]').click();
    await program(page, 'flat.qvr', 'flat_prior');
    await program(page, 'schools.qvr', 'eight_schools_noncentred');
    await program(page, 'modes.qvr', 'two_modes');
    await program(page, 'slow.qvr', 'many_items');
    return rows(page).allInnerTexts();
  });
  await see('a calibrated program passes', async () => {
    await start(page, 'eight_schools_noncentred');
    await until('the end of it', async () => /passed/.test(await state(page, 'eight_schools_noncentred')), 150);
    await shot('calibrated');
    return row(page, 'eight_schools_noncentred').getAttribute('aria-label');
  });
  await see('a program that is not calibrated fails, and its site says how', async () => {
    await page.locator('.tab', { hasText: 'modes.qvr' }).click();
    await start(page, 'two_modes');
    await until('the end of it', async () => /failed/.test(await state(page, 'two_modes')), 150);
    const found = await until('the verdict at a line', () => saidAt(page, 'too narrow'));
    if (!found.line.startsWith('sample mu')) throw new Error(`the verdict stands at ${found.line}`);
    await shot('not-calibrated');
    await page.keyboard.press('Escape');
    await page.locator('.tab', { hasText: 'flat.qvr' }).click();
    return found;
  });
  await see('what stands in the way of a check is said at its line', async () => {
    await start(page, 'flat_prior');
    await until('the end of it', async () => /errored|error/.test(await state(page, 'flat_prior')), 60);
    const found = await until('the sentence', async () => {
      const all = await page.locator('.test-error-content-widget, .test-message-inline-content, .test-output-peek, .zone-widget').allInnerTexts();
      return all.find((each) => each.includes('improper'));
    });
    await shot('not-to-be-calibrated');
    await page.keyboard.press('Escape');
    return found.slice(0, 160);
  });
  await see('a check is cancelled, and its process gone', async () => {
    await start(page, 'many_items');
    await until('the check', async () => window.processes('sbc').length > 0, 60);
    await command(page, 'Test: Cancel Test Run');
    await until('no process', async () => window.processes('sbc').length === 0, 20);
    await until('no spinner', async () => !/loading|spin/.test(await state(page, 'many_items')));
    return state(page, 'many_items');
  });
  await window.close();
}
