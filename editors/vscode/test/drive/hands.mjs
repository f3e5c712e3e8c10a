// What a user does in a window of VS Code, and where they look.

/** Asks until there is an answer. */
export async function until(what, ask, seconds = 25) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await ask();
    if (found) return found;
    if (Date.now() > end) throw new Error(`${what}: not seen within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export const editor = (page) => page.locator('.editor-group-container .monaco-editor').first();
export const notifications = (page) => page.locator('.notifications-toasts .notification-list-item-message');
export const button = (page, name) => page.locator('.notifications-toasts .notification-list-item .monaco-button', { hasText: name }).first();
export const status = (page) => page.locator('.statusbar-item[id^="qvr.qvr"]').first();
export const lens = (page, name) => page.locator('.codelens-decoration a', { hasText: name }).first();
export const quickPick = (page) => page.locator('.quick-input-list .monaco-list-row');

/** The text of the editor in front, with what is drawn into its lines. */
export async function text(page) {
  const lines = await editor(page).locator('.view-line').evaluateAll((all) =>
    all.map((each) => [parseFloat(each.style.top), each.textContent.replaceAll('\u00a0', ' ')]));
  return lines.sort((left, right) => left[0] - right[0]).map(([, line]) => line).join('\n');
}

/** Puts the focus into the editor, at the start of a line, so that nothing is scrolled. */
export const clickInto = (page) => editor(page).locator('.view-line', { hasText: 'object School' }).first().click({ position: { x: 3, y: 8 } });

/** The number of the line that has `part`. */
export async function lineOf(page, part) {
  const line = (await text(page)).split('\n').findIndex((each) => each.includes(part));
  if (line < 0) throw new Error(`no line has ${part}`);
  return line + 1;
}

/** The posterior that is drawn at the end of the line with `part`. */
export const posteriorAt = async (page, part) => (await text(page)).split('\n').find((each) => each.includes(part) && each.includes('±'));

export async function openFile(page, name) {
  await page.locator('.explorer-folders-view .monaco-list-row', { hasText: name }).first().dblclick();
  await page.waitForSelector('.monaco-editor .view-line');
}

export async function command(page, name) {
  await page.keyboard.press('F1');
  await page.waitForSelector('.quick-input-widget:not([style*="display: none"]) input');
  await page.keyboard.type(name);
  await quickPick(page).filter({ hasText: name }).first().waitFor();
  await page.keyboard.press('Enter');
}

/** The file as it was saved. */
export async function revert(page) {
  await page.keyboard.press('Escape');
  await command(page, 'File: Revert File');
  await until('the saved text', async () => (await page.locator('.tab.dirty').count()) === 0);
  await clickInto(page);
}

export async function goTo(page, line, column) {
  await page.keyboard.press('Control+g');
  await page.waitForSelector('.quick-input-widget:not([style*="display: none"]) input');
  await page.keyboard.type(`${line}:${column}`);
  await page.keyboard.press('Enter');
  await page.waitForTimeout(300);
}

/** A frame of the extension that has an element: the panel's, a report's. */
export async function frameWith(page, selector, seconds = 25) {
  return until(`a view with ${selector}`, async () => {
    for (const frame of page.frames()) {
      if ((await frame.locator(selector).count().catch(() => 0)) > 0) return frame;
    }
    return undefined;
  }, seconds);
}

export const panelOf = (page) => frameWith(page, '#posterior .body');

/** Clears away what was said. */
export async function hush(page) {
  await page.keyboard.press('Escape');
  await command(page, 'Notifications: Clear All Notifications');
  await until('no notification', async () => (await notifications(page).count()) === 0);
}

/** What was pressed since the last call of `beginCounting`. */
export const beginCounting = (page) => page.evaluate(() => void (window.presses = { clicks: 0, keys: 0 }));
export const counted = (page) => page.evaluate(() => window.presses);
