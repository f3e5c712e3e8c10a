// The test explorer: a program that is calibrated passes, one that can't be is an error at its line, a check is cancelled.

import { NONCENTRED, DATA } from './models.mjs';
import { command, openFile, until } from './hands.mjs';

const FLAT = `object Item : FinSet 5

program flat_prior : Item -> Item
    sample mu <- Flat()
    observe y : Item <- Normal(mu, 1.0)
    return y
`;
// Its posterior has two modes, and each fit takes long enough to be cancelled.
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

async function start(page, name) {
  await row(page, name).click();
  await row(page, name).hover();
  await row(page, name).locator('.action-item a[aria-label*="Run Test"]').first().click();
}

export async function calibrating(drive, seen) {
  const files = { 'schools.qvr': NONCENTRED, 'schools.data.json': DATA, 'flat.qvr': FLAT, 'slow.qvr': SLOW };
  const window = await drive.open('calibrating', { files, machine: { 'qvr.path': drive.python } });
  const { page } = window;
  const { need, see, shot } = seen.part('calibrating', window);
  await need('an entry for each program in the test explorer', async () => {
    await openFile(page, 'flat.qvr');
    await page.locator('.activitybar .action-label[aria-label^="Testing"]').click();
    await program(page, 'flat.qvr', 'flat_prior');
    await program(page, 'schools.qvr', 'eight_schools_noncentred');
    await program(page, 'slow.qvr', 'many_items');
    return rows(page).allInnerTexts();
  });
  await see('a calibrated program passes', async () => {
    await start(page, 'eight_schools_noncentred');
    await until('the end of it', async () => /passed/.test(await state(page, 'eight_schools_noncentred')), 150);
    await shot('calibrated');
    return row(page, 'eight_schools_noncentred').getAttribute('aria-label');
  });
  await see('what stands in the way of a check is said at its line', async () => {
    await start(page, 'flat_prior');
    await until('the end of it', async () => /errored|error/.test(await state(page, 'flat_prior')), 60);
    const found = await until('the sentence', async () => {
      const all = await page.locator('.test-error-content-widget, .test-message-inline-content, .test-output-peek, .zone-widget').allInnerTexts();
      return all.find((each) => each.includes('improper'));
    });
    await shot('not-calibrated');
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
