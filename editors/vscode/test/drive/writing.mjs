// Writing a model: problems, quick fixes, hovers, completion, outline, renaming, layout. And a model within Markdown.

import { DATA, MISSPELT, MODEL, NOTES } from './models.mjs';
import { command, editor, goTo, lineOf, openFile, quickPick, revert, status, text, until } from './hands.mjs';

export async function writing(drive, seen) {
  const files = { 'schools.qvr': MISSPELT, 'schools.data.json': DATA };
  const window = await drive.open('writing', { files, machine: { 'qvr.path': drive.python }, settings: { 'editor.formatOnSave': true } });
  const { page } = window;
  const { see, need, shot } = seen.part('writing', window);
  await need('a squiggle under a misspelt family', async () => {
    await openFile(page, 'schools.qvr');
    await page.locator('.squiggly-error').first().waitFor({ timeout: 60_000 });
    await until('the server is said to run', async () => /QVR/.test(await status(page).innerText()));
  });
  await see('its quick fix', async () => {
    await goTo(page, await lineOf(page, 'Normol'), 33);
    await page.keyboard.press('Control+.');
    const fix = page.locator('.action-widget .monaco-list-row', { hasText: 'Normal' }).first();
    await fix.waitFor();
    await shot('squiggle');
    const said = await fix.innerText();
    await fix.click();
    await until('the mended line', async () => (await text(page)).includes('theta : School <- Normal(mu, tau)'));
    await until('no squiggle', async () => (await page.locator('.squiggly-error').count()) === 0);
    await page.keyboard.press('Control+s');
    await until('the saved file', async () => (await page.locator('.tab.dirty').count()) === 0);
    return said;
  });
  await see('colours', async () => {
    const classes = () => editor(page).locator('.view-line span[class*="mtk"]').evaluateAll((all) => [...new Set(all.map((each) => each.className))]);
    return until('five colours', async () => ((await classes()).length >= 5 ? (await classes()).length : undefined));
  });
  await see('hover', async () => {
    await page.locator('.view-line span', { hasText: /^HalfNormal$/ }).first().hover();
    const hover = page.locator('.monaco-hover:not(.hidden) .hover-contents').first();
    await hover.waitFor();
    await shot('hover');
    const said = await hover.innerText();
    if (!said.includes('Real⁺')) throw new Error(`no type in: ${said}`);
    await page.keyboard.press('Escape');
    return said.slice(0, 120);
  });
  await see('completion', async () => {
    await goTo(page, await lineOf(page, 'sample tau'), 1);
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    await page.keyboard.type('sample nu <- Stud', { delay: 40 });
    await page.keyboard.press('Control+Space');
    const widget = page.locator('.suggest-widget.visible .monaco-list-row');
    await widget.filter({ hasText: 'StudentT' }).first().waitFor();
    await shot('completion');
    const first = await widget.first().innerText();
    await revert(page);
    return first;
  });
  await see('a symbol by its name', async () => {
    await goTo(page, 2, 1);
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    await page.keyboard.type('data pair : School \\otim', { delay: 40 });
    await page.locator('.suggest-widget.visible .monaco-list-row', { hasText: 'otimes' }).first().waitFor();
    await page.keyboard.press('Tab');
    const found = await until('⊗', async () => (await text(page)).split('\n').find((each) => each.includes('School ⊗')));
    await revert(page);
    return found;
  });
  await see('outline', async () => {
    await page.keyboard.press('Control+Shift+o');
    await until('the symbols', async () => (await quickPick(page).count()) >= 5);
    const names = (await quickPick(page).locator('.label-name').allInnerTexts()).map((each) => each.trim());
    await page.keyboard.press('Escape');
    return names;
  });
  await see('indentation', async () => {
    await goTo(page, (await text(page)).split('\n').length, 1); // the empty last line
    await page.keyboard.type('program f : School -> Real ');
    await page.keyboard.press('Escape');
    await page.waitForTimeout(300);
    await page.keyboard.press('Enter');
    await page.keyboard.type('return 1.0', { delay: 20 });
    const isIndented = async () => (await text(page)).split('\n').includes('    return 1.0');
    await until('four blanks', isIndented, 5).finally(() => revert(page));
  });
  await see('renaming across the file', async () => {
    await goTo(page, await lineOf(page, 'sample tau'), 12);
    await page.keyboard.press('F2');
    await page.locator('.rename-box input:focus').waitFor();
    await page.keyboard.type('spread');
    await page.keyboard.press('Enter');
    await until('the new name at both places', async () => ((await text(page)).match(/spread/g) ?? []).length === 2);
    await revert(page);
  });
  await see('layout on save', async () => {
    await goTo(page, await lineOf(page, 'sample mu'), 1);
    await page.keyboard.press('End');
    await page.keyboard.type('      ');
    await page.keyboard.press('Control+s');
    await until('no blanks at the end', async () => !(await text(page)).split('\n').some((each) => /sample mu.* $/.test(each)));
  });
  await window.close();
}

/** A fence in Markdown is coloured as a model is, without a server. */
export async function markdown(drive, seen) {
  const window = await drive.open('markdown', { files: { 'notes.md': NOTES, 'schools.qvr': MODEL } });
  const { page } = window;
  const { see, shot } = seen.part('markdown', window);
  await see('colours in a Markdown fence', async () => {
    await openFile(page, 'notes.md');
    const colours = () => editor(page).locator('.view-line', { hasText: 'sample mu' }).locator('span[class*="mtk"]').evaluateAll((all) =>
      all.map((each) => [each.textContent.trim(), getComputedStyle(each).color]));
    const found = await until('the keyword apart from the name', async () => {
      const all = Object.fromEntries(await colours());
      return all.sample !== undefined && all.sample !== all.mu && all.Normal !== all.mu ? all : undefined;
    });
    await shot('markdown');
    return found;
  });
  await window.close();
}

/** The walkthrough that greets who installs the extension, and its example run to a posterior. */
export async function learning(drive, seen) {
  const window = await drive.open('learning', { files: { 'notes.md': NOTES }, machine: { 'qvr.path': drive.python } });
  const { page } = window;
  const { see, shot } = seen.part('learning', window);
  await see('the walkthrough', async () => {
    await command(page, 'Welcome: Open Walkthrough...');
    await page.waitForTimeout(500);
    await page.keyboard.type('Start with QVR');
    await quickPick(page).filter({ hasText: 'Start with QVR' }).first().click();
    const steps = page.locator('.gettingStartedContainer .getting-started-step .step-title');
    await until('four steps', async () => (await steps.count()) === 4);
    await shot('walkthrough');
    return (await steps.allInnerTexts()).map((each) => each.trim());
  });
  await see('the example, from the walkthrough', async () => {
    await page.locator('.getting-started-step', { hasText: 'Open an example' }).first().click();
    await page.locator('.getting-started-step .monaco-button', { hasText: 'Open the example' }).first().click();
    await page.locator('.tab', { hasText: 'eight_schools.qvr' }).waitFor();
    const model = page.locator('.editor-instance .monaco-editor .view-line', { hasText: 'program eight_schools' });
    await model.first().waitFor();
  });
  await see('the example, from the command', async () => {
    await page.keyboard.press('Control+w');
    await page.locator('.tab', { hasText: 'eight_schools.qvr' }).waitFor({ state: 'detached' });
    await command(page, 'QVR: Open an Example');
    await page.locator('.tab', { hasText: 'eight_schools.qvr' }).waitFor();
  });
  await see('the posterior of the example', async () => {
    await page.locator('.codelens-decoration a', { hasText: 'Run' }).first().waitFor({ timeout: 60_000 });
    await page.keyboard.press('Control+Alt+Enter');
    const line = await until('posteriors', async () =>
      (await page.locator('.view-line').allInnerTexts()).find((each) => /sample.*mu.*±/s.test(each.replaceAll('\u00a0', ' '))), 120);
    await shot('example');
    return line.replaceAll('\u00a0', ' ');
  });
  await window.close();
}
