// The first minutes: installed, a folder opened, a Python with qvr or none, one that is installed, and a folder not trusted.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { lend } from './editor.mjs';
import { DATA, MISSPELT, MODEL } from './models.mjs';
import { beginCounting, button, command, counted, lens, notifications, openFile, posteriorAt, quickPick, status, until } from './hands.mjs';

/** From the installed extension to the first posterior, in a project whose environment has qvr. */
export async function newcomer(drive, seen, { vsix }) {
  await seen.part('newcomer', undefined).need('the extension installed', async () => {
    const installed = drive.install(vsix);
    if (!/^qvr\.qvr@\d/m.test(installed)) throw new Error(`installed is only: ${installed}`);
    return installed;
  });
  const began = Date.now();
  const since = () => (Date.now() - began) / 1000;
  const folder = path.join(drive.folder, 'newcomer');
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'schools.qvr'), MODEL);
  writeFileSync(path.join(folder, 'schools.data.json'), DATA);
  symlinkSync(execFileSync(drive.python, ['-c', 'import sys; print(sys.prefix)'], { encoding: 'utf8' }).trim(), path.join(folder, '.venv'));
  const window = await drive.open('newcomer', { empty: true });
  const { page } = window;
  const { need, shot } = seen.part('newcomer', window);
  await need('a folder opened', async () => {
    await command(page, 'File: Open Folder...');
    const field = page.locator('.quick-input-widget input').first();
    await field.fill(`${folder}/`);
    await page.waitForTimeout(500);
    await page.locator('.quick-input-widget .monaco-button', { hasText: 'OK' }).first().click();
    await page.locator('.explorer-folders-view .monaco-list-row', { hasText: 'schools.qvr' }).waitFor({ timeout: 60_000 });
    return since();
  });
  await need('the first posterior, in at most three presses after opening the file', async () => {
    await openFile(page, 'schools.qvr');
    const opened = Date.now();
    await beginCounting(page);
    await lens(page, 'Run').click({ timeout: 90_000 });
    const line = await until('a posterior', () => posteriorAt(page, 'sample mu'), 120);
    const presses = await counted(page);
    const times = { sinceInstalled: since(), sinceOpened: (Date.now() - opened) / 1000 };
    await shot('newcomer');
    return { line, ...presses, ...times };
  });
  await window.close();
}

/** No Python has qvr: said, with the offer, which is taken and ends in a posterior. */
export async function withoutQvr(drive, seen, { wheels }) {
  const environment = path.join(drive.folder, 'without-qvr', '.venv');
  mkdirSync(path.dirname(environment));
  execFileSync(drive.python, ['-m', 'venv', '--without-pip', environment], { timeout: 120_000 });
  const packages = (python) =>
    execFileSync(python, ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))'], { encoding: 'utf8' }).trim();
  // pip and what qvr needs are there, so that only qvr itself is installed, from the folder of wheels.
  lend(packages(drive.python), packages(path.join(environment, 'bin/python')), (name) => /^_*(editable_*)?(qvr|quivers)/i.test(name));
  const window = await drive.open('without-qvr', {
    files: { 'schools.qvr': MODEL, 'schools.data.json': DATA },
    environment: { PIP_NO_INDEX: '1', PIP_FIND_LINKS: wheels },
  });
  const { page } = window;
  const { see, need, shot } = seen.part('without-qvr', window);
  await need('no Python with qvr: said, with the offer', async () => {
    await openFile(page, 'schools.qvr');
    await beginCounting(page);
    const message = await until('the message', async () => (await notifications(page).allInnerTexts()).find((each) => each.includes('No Python with qvr')), 60);
    await button(page, 'Install QVR').waitFor();
    await shot('no-python');
    return message;
  });
  await need('qvr installed into the environment that is chosen', async () => {
    await button(page, 'Install QVR').click();
    const row = quickPick(page).filter({ hasText: '.venv' }).first();
    await row.waitFor();
    await shot('which-python');
    await row.click();
    const failed = async () => (await notifications(page).allInnerTexts()).find((each) => each.includes('could not be installed'));
    await until('the lens', async () => {
      if (await failed()) throw new Error(await failed());
      return (await lens(page, 'Run').count()) > 0;
    }, 150);
    if (window.languageServer() === undefined) throw new Error('no language server runs');
    await shot('installed');
  });
  await see('the first posterior after that, in at most three presses in all', async () => {
    await lens(page, 'Run').click();
    const line = await until('a posterior', () => posteriorAt(page, 'sample mu'), 120);
    return { line, ...(await counted(page)) };
  });
  await see('which Python won and why the others did not, in the status', async () => {
    await status(page).click();
    await quickPick(page).first().waitFor();
    const rows = await quickPick(page).allInnerTexts();
    if (!rows.some((each) => each.startsWith('✓') && each.includes('.venv'))) throw new Error(`the environment is not marked: ${rows.join('; ')}`);
    await page.waitForTimeout(400); // it fades in
    await shot('status');
    await page.keyboard.press('Escape');
    return rows;
  });
  await window.close();
}

/** A folder that is not trusted has its models checked, and nothing of it is started. */
export async function untrusted(drive, seen) {
  const marker = path.join(drive.folder, 'started');
  const workspace = path.join(drive.folder, 'untrusted');
  mkdirSync(path.join(workspace, '.venv/bin'), { recursive: true });
  writeFileSync(path.join(workspace, '.venv/bin/python'), `#!/bin/sh\ntouch ${marker}\n`, { mode: 0o755 });
  const files = {
    'schools.qvr': MISSPELT,
    'mended.qvr': MODEL,
    'mended.data.json': DATA,
    '.vscode/settings.json': JSON.stringify({ 'qvr.path': '${workspaceFolder}/.venv/bin/python', 'qvr.liveInference': true }),
  };
  const window = await drive.open('untrusted', { files, trust: false, machine: { 'qvr.path': drive.python } });
  const { page } = window;
  const { see, need, shot } = seen.part('untrusted', window);
  await need('not trusted: checked all the same', async () => {
    await openFile(page, 'schools.qvr');
    await page.locator('.squiggly-error').first().waitFor({ timeout: 60_000 });
  });
  await see('not trusted: nothing runs', async () => {
    await openFile(page, 'mended.qvr');
    await lens(page, 'Run').click();
    const message = await until('the refusal', async () => (await notifications(page).allInnerTexts()).find((each) => /trust/i.test(each)));
    await until('the end of the run that was refused', async () => (await page.locator('.codelens-decoration a', { hasText: 'Stop' }).count()) === 0);
    await until('its progress gone', async () => (await notifications(page).count()) === 1);
    await shot('restricted');
    if (existsSync(marker)) throw new Error('the Python of the workspace was started');
    return message;
  });
  await window.close();
}
