// Drives the built `.vsix` in a real VS Code, code-server, in Chromium, and says what a user would see.
//
// It writes `seen.json` and screenshots into `--out`, and ends with 1 where something expected was not seen.

import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    drive: { type: 'string' }, // the folder whose node_modules have code-server and playwright-core
    node: { type: 'string', default: process.execPath }, // Node 24, for code-server
    python: { type: 'string' }, // a Python that has qvr
    vsix: { type: 'string', default: new URL('../dist/qvr.vsix', import.meta.url).pathname },
    chromium: { type: 'string', default: '/usr/bin/chromium' },
    out: { type: 'string' },
    only: { type: 'string' },
  },
});
if (values.drive === undefined || values.python === undefined || values.out === undefined) {
  console.error('--drive, --python and --out are needed; the README says how to call this');
  process.exit(2);
}
const { chromium } = createRequire(path.join(path.resolve(values.drive), 'package.json'))('playwright-core');
const entry = path.join(values.drive, 'node_modules/code-server/out/node/entry.js');
const examples = new URL('../../../examples/eight_schools/', import.meta.url).pathname;
const out = path.resolve(values.out);
mkdirSync(out, { recursive: true });
const folder = mkdtempSync(path.join(tmpdir(), 'qvr-code-'));
const seen = {};
const failures = [];
const MODEL = readFileSync(path.join(examples, 'centred.qvr'), 'utf8');

// ------------------------------------------------------------------------------ the editor

async function freePort() {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function codeServer(user, extra) {
  return [entry, '--user-data-dir', user, '--extensions-dir', path.join(folder, 'extensions'), '--config', path.join(folder, 'none.yaml'), ...extra];
}

/** A window on a fresh folder. `settings` are the user's; `files` what is in the folder. */
async function open(name, { settings = {}, machine = {}, files = {}, environment = {}, trust = true } = {}) {
  const workspace = path.join(folder, name);
  mkdirSync(workspace, { recursive: true });
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(workspace, file)), { recursive: true });
    writeFileSync(path.join(workspace, file), text);
  }
  const user = path.join(folder, `user-${name}`);
  for (const each of ['User', 'Machine']) mkdirSync(path.join(user, each), { recursive: true });
  const quiet = {
    'workbench.startupEditor': 'none',
    'workbench.colorTheme': 'Default Light Modern',
    'security.workspace.trust.startupPrompt': 'never',
    'security.workspace.trust.enabled': !trust,
    'chat.disableAIFeatures': true,
    'telemetry.telemetryLevel': 'off',
    'extensions.autoUpdate': false,
    'workbench.secondarySideBar.defaultVisibility': 'hidden',
    'window.restoreWindows': 'none',
    'editor.minimap.enabled': false,
    'files.autoSave': 'off',
  };
  writeFileSync(path.join(user, 'User', 'settings.json'), JSON.stringify({ ...quiet, ...settings }));
  // Settings of the machine's scope are read from here where the editor is remote.
  writeFileSync(path.join(user, 'Machine', 'settings.json'), JSON.stringify(machine));
  const port = await freePort();
  const given = codeServer(user, ['--auth', 'none', '--bind-addr', `127.0.0.1:${port}`, '--disable-telemetry', '--disable-update-check', '--disable-getting-started-override', workspace]);
  const server = spawn(values.node, given, { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (data) => (log += data));
  const address = `http://127.0.0.1:${port}/`;
  for (let tries = 0; ; tries += 1) {
    const answer = await fetch(`${address}healthz`).catch(() => undefined);
    if (answer?.ok) break;
    if (tries > 120) throw new Error(`code-server did not start: ${log}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  const page = await browser.newPage({ viewport: { width: 1360, height: 900 } });
  page.setDefaultTimeout(12_000);
  await page.goto(`${address}?folder=${encodeURIComponent(workspace)}`);
  await page.waitForSelector('.monaco-workbench', { timeout: 90_000 });
  await page.waitForSelector('.explorer-folders-view .monaco-list-row', { timeout: 60_000 });
  return {
    page,
    workspace,
    set(changed) {
      mkdirSync(path.join(workspace, '.vscode'), { recursive: true });
      writeFileSync(path.join(workspace, '.vscode', 'settings.json'), JSON.stringify(changed));
    },
    async close() {
      await page.close();
      server.kill('SIGTERM');
      await new Promise((resolve) => server.once('exit', resolve));
    },
  };
}

const openFile = async (page, name) => {
  await page.locator('.explorer-folders-view .monaco-list-row', { hasText: name }).first().dblclick();
  await page.waitForSelector('.monaco-editor .view-line');
};
const command = async (page, name) => {
  await page.keyboard.press('F1');
  await page.waitForSelector('.quick-input-widget:not([style*="display: none"]) input');
  await page.keyboard.type(name);
  await page.locator('.quick-input-list .monaco-list-row', { hasText: name }).first().waitFor();
  await page.keyboard.press('Enter');
};
/** The file as it was saved. */
const revert = async (page) => {
  await page.keyboard.press('Escape');
  await command(page, 'File: Revert File');
  await until('the saved text', async () => (await page.locator('.tab.dirty').count()) === 0);
  await editor(page).locator('.view-line').first().click();
};
const goTo = async (page, line, column) => {
  await page.keyboard.press('Control+g');
  await page.waitForSelector('.quick-input-widget:not([style*="display: none"]) input');
  await page.keyboard.type(`${line}:${column}`);
  await page.keyboard.press('Enter');
  await page.waitForTimeout(300);
};
const editor = (page) => page.locator('.editor-group-container .monaco-editor').first();
const text = async (page) => {
  const lines = await editor(page).locator('.view-line').evaluateAll((all) =>
    all.map((each) => [parseFloat(each.style.top), each.textContent.replaceAll('\u00a0', ' ')]));
  return lines.sort((left, right) => left[0] - right[0]).map(([, line]) => line).join('\n');
};
const notifications = (page) => page.locator('.notifications-toasts .notification-list-item-message');
const status = (page) => page.locator('.statusbar-item', { hasText: 'QVR' }).first();
const panelOf = async (page) => {
  for (let tries = 0; tries < 40; tries += 1) {
    for (const frame of page.frames()) {
      if ((await frame.locator('#posterior .body').count().catch(() => 0)) > 0) return frame;
    }
    await page.waitForTimeout(250);
  }
  throw new Error('the panel did not come');
};
const shot = (page, name) => page.screenshot({ path: path.join(out, `${name}.png`) });

async function until(what, ask, seconds = 12) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await ask();
    if (found) return found;
    if (Date.now() > end) throw new Error(`${what}: not seen within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** One thing to see; its failure is kept, and the next one tried. */
async function see(page, name, ask) {
  if (values.only !== undefined && !name.includes(values.only) && values.only !== 'all') return;
  const began = Date.now();
  try {
    seen[name] = (await ask()) ?? true;
    console.log(`✓ ${name} (${((Date.now() - began) / 1000).toFixed(1)} s): ${JSON.stringify(seen[name]).slice(0, 160)}`);
  } catch (error) {
    failures.push(name);
    seen[name] = { failure: String(error.message ?? error).split('\n')[0] };
    console.log(`✗ ${name}: ${seen[name].failure}`);
    await shot(page, `failed-${failures.length}`).catch(() => undefined);
    if (name === 'squiggle' || name.startsWith('run from')) throw error; // nothing that follows would be seen
    await page.keyboard.press('Escape').catch(() => undefined);
  }
}

// ------------------------------------------------------------------------------ what a user does

async function trusted() {
  const files = {
    'schools.qvr': MODEL.replace(' Normal(mu, tau)', ' Normol(mu, tau)'),
    'schools.data.json': readFileSync(path.join(examples, 'centred.data.json'), 'utf8'),
  };
  const { page, set, close } = await open('trusted', { files, machine: { 'qvr.path': values.python }, settings: { 'qvr.run.seed': 7, 'editor.formatOnSave': true } });
  const began = Date.now();
  await openFile(page, 'schools.qvr');
  await see(page, 'squiggle', async () => {
    await page.locator('.squiggly-error').first().waitFor({ timeout: 60_000 });
    return { seconds: (Date.now() - began) / 1000, status: await status(page).innerText() };
  });
  await shot(page, '1-squiggle');
  await see(page, 'quick fix', async () => {
    const line = (await text(page)).split('\n').findIndex((each) => each.includes('Normol')) + 1;
    await goTo(page, line, 33);
    await page.keyboard.press('Control+.');
    await page.locator('.action-widget .monaco-list-row', { hasText: 'Normal' }).first().click();
    await until('the mended line', async () => (await text(page)).includes('theta : School <- Normal(mu, tau)'));
    await until('no squiggle', async () => (await page.locator('.squiggly-error').count()) === 0);
    await page.keyboard.press('Control+s');
  });
  await see(page, 'colours', async () => {
    const classes = await editor(page).locator('.view-line span[class*="mtk"]').evaluateAll((all) => [...new Set(all.map((each) => each.className))]);
    if (classes.length < 5) throw new Error(`only ${classes.length} colours`);
    return classes.length;
  });
  await see(page, 'hover', async () => {
    await page.locator('.view-line span', { hasText: /^HalfNormal$/ }).first().hover();
    const hover = page.locator('.monaco-hover:not(.hidden) .hover-contents').first();
    await hover.waitFor();
    return (await hover.innerText()).slice(0, 120);
  });
  await page.keyboard.press('Escape');
  await see(page, 'completion', async () => {
    const line = (await text(page)).split('\n').findIndex((each) => each.includes('sample tau')) + 1;
    await goTo(page, line, 1);
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    await page.keyboard.type('sample nu <- Stud', { delay: 40 });
    await page.keyboard.press('Control+Space');
    const widget = page.locator('.suggest-widget.visible .monaco-list-row');
    await widget.first().waitFor();
    const first = await widget.first().innerText();
    await revert(page);
    return first;
  });
  await see(page, 'a symbol by its name', async () => {
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
  await see(page, 'outline', async () => {
    await page.keyboard.press('Control+Shift+o');
    const rows = page.locator('.quick-input-list .monaco-list-row');
    await until('the symbols', async () => (await rows.count()) >= 5);
    const names = await rows.locator('.label-name').allInnerTexts();
    await page.keyboard.press('Escape');
    return names;
  });
  await see(page, 'indentation', async () => {
    await goTo(page, (await text(page)).split('\n').length, 1); // the empty last line
    await page.keyboard.type('program f : School -> Real ');
    await page.keyboard.press('Escape');
    await page.waitForTimeout(300);
    await page.keyboard.press('Enter');
    await page.keyboard.type('return 1.0', { delay: 20 });
    await shot(page, 'indentation');
    const isIndented = async () => (await text(page)).split('\n').includes('    return 1.0');
    await until('four blanks', isIndented, 5).finally(() => revert(page));
  });
  await see(page, 'rename', async () => {
    const line = (await text(page)).split('\n').findIndex((each) => each.includes('sample tau')) + 1;
    await goTo(page, line, 12);
    await page.keyboard.press('F2');
    await page.locator('.rename-box input:focus').waitFor();
    await page.keyboard.type('spread');
    await page.keyboard.press('Enter');
    await until('the new name at both places', async () => ((await text(page)).match(/spread/g) ?? []).length === 2);
    await revert(page);
  });
  await see(page, 'layout on save', async () => {
    const line = (await text(page)).split('\n').findIndex((each) => each.includes('sample mu')) + 1;
    await goTo(page, line, 1);
    await page.keyboard.press('End');
    await page.keyboard.type('      ');
    await page.keyboard.press('Control+s');
    await until('no blanks at the end', async () => !(await text(page)).split('\n').some((each) => /sample mu.* $/.test(each)));
  });
  await see(page, 'lens', async () => {
    const lens = page.locator('.codelens-decoration a', { hasText: 'Run eight_schools_centred' });
    await lens.waitFor();
    return lens.innerText();
  });
  const first = Date.now();
  await see(page, 'run from the lens, with the posterior in the line', async () => {
    await page.locator('.codelens-decoration a', { hasText: 'Run' }).first().click();
    const line = await until('posteriors', async () => (await text(page)).split('\n').find((each) => /sample mu.*±/.test(each)), 120);
    return { line, seconds: (Date.now() - first) / 1000, clicks: 1 };
  });
  await see(page, 'panel', async () => {
    const line = (await text(page)).split('\n').findIndex((each) => each.includes('sample tau')) + 1;
    await editor(page).locator('.view-line').first().click();
    await goTo(page, line, 12);
    const frame = await panelOf(page);
    await until('tau in the panel', async () => (await frame.locator('h1').innerText()) === 'tau');
    await frame.locator('svg.density').waitFor();
    return {
      facts: await frame.locator('dl').innerText(),
      type: await frame.locator('.title .type').innerText(),
      family: await frame.locator('.family').innerText(),
      label: await frame.locator('svg.density').getAttribute('aria-label'),
    };
  });
  await shot(page, '2-posterior');
  await see(page, 'a plate in the panel', async () => {
    const line = (await text(page)).split('\n').findIndex((each) => each.includes('sample theta')) + 1;
    await goTo(page, line, 12);
    const frame = await panelOf(page);
    await until('theta in the panel', async () => (await frame.locator('h1').innerText()) === 'theta');
    return { rows: await frame.locator('.elements tbody tr').count(), family: await frame.locator('.family').innerText() };
  });
  await shot(page, '3-plate');
  await see(page, 'from name to name by the keyboard', async () => {
    const frame = await panelOf(page);
    await frame.locator('.family button', { hasText: 'mu' }).focus();
    await page.keyboard.press('Enter');
    await until('mu in the panel', async () => (await frame.locator('h1').innerText()) === 'mu');
    return status(page).innerText();
  });
  await see(page, 'stale after an edit, and fresh after its undoing', async () => {
    const line = (await text(page)).split('\n').findIndex((each) => each.includes('sample tau')) + 1;
    await editor(page).locator('.view-line').nth(3).click();
    await goTo(page, line, 1);
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.type('1');
    await goTo(page, line, 12);
    const frame = await panelOf(page);
    const why = await until('the mark', async () => ((await frame.locator('.badge.stale').count()) > 0 ? frame.locator('.because').innerText() : ''));
    const figures = await frame.locator('dl').innerText();
    await shot(page, '4-stale');
    await revert(page);
    await until('no mark', async () => (await frame.locator('.badge.stale').count()) === 0);
    return { why, figures };
  });
  await see(page, 'progress, live figures and cancelling', async () => {
    set({ 'qvr.run.draws': 300_000 });
    await page.waitForTimeout(3000);
    await editor(page).locator('.view-line').nth(3).click();
    await goTo(page, 8, 12);
    await page.keyboard.press('Control+Alt+Enter');
    const frame = await panelOf(page);
    await frame.locator('.badge.running').waitFor();
    // Figures of the run itself have no interval yet, unlike the last result's.
    const facts = await until('live figures', async () => {
      const told = await frame.locator('dl').innerText().catch(() => '');
      return told.includes('mean') && !told.includes('90 %') ? `${await frame.locator('.badge').innerText()}: ${told}` : '';
    }, 60);
    const bar = await status(page).innerText();
    const message = await notifications(page).first().innerText().catch(() => '');
    await shot(page, '5-live');
    await frame.locator('button', { hasText: 'Stop' }).click();
    await until('the end of the run', async () => (await frame.locator('.badge.running').count()) === 0);
    const after = await frame.locator('dl').innerText();
    return { facts, bar, message, after };
  });
  await see(page, 'the server killed, and back', async () => {
    const pid = execFileSync('pgrep', ['-f', `${values.python} -m qvr_server --stdio`]).toString().trim().split('\n');
    for (const each of pid) process.kill(Number(each), 'SIGKILL');
    const message = await until('a message', async () => {
      const all = await notifications(page).allInnerTexts();
      return all.find((each) => each.includes('started again'));
    });
    await until('a new server', async () => {
      const found = execFileSync('sh', ['-c', `pgrep -f '${values.python} -m qvr_server --stdio' || true`]).toString().trim();
      return found !== '' && !pid.includes(found.split('\n')[0]);
    });
    const frame = await panelOf(page);
    return { message, panel: await frame.locator('.because').innerText().catch(() => ''), figures: await frame.locator('dl, .overview').first().innerText() };
  });
  await shot(page, '6-after-a-crash');
  await see(page, 'the last result after a reload of the window', async () => {
    await page.reload();
    await page.waitForSelector('.monaco-editor .view-line', { timeout: 60_000 });
    const frame = await panelOf(page);
    const why = await until('the mark', async () => frame.locator('.because').innerText().catch(() => ''));
    return { why, figures: (await frame.locator('dl, .overview').first().innerText()).slice(0, 80) };
  });
  await shot(page, '7-after-a-reload');
  await close();
}

async function withoutQvr() {
  const environment = path.join(folder, 'no-qvr', '.venv');
  mkdirSync(path.dirname(environment), { recursive: true });
  execFileSync(values.python, ['-m', 'venv', '--without-pip', environment]);
  const bare = '/usr/bin:/bin';
  const { page, close } = await open('no-qvr', { files: { 'schools.qvr': MODEL }, environment: { PATH: `${path.dirname(values.node)}:${bare}` } });
  await openFile(page, 'schools.qvr');
  await see(page, 'no Python with qvr: said, with the offer', async () => {
    const message = await until('the message', async () => (await notifications(page).allInnerTexts()).find((each) => each.includes('No Python with qvr')), 60);
    const choices = await page.locator('.notifications-toasts .notification-list-item .monaco-button').allInnerTexts();
    if (!choices.includes('Install QVR')) throw new Error(`only ${choices.join(', ')}`);
    return { message, choices };
  });
  await see(page, 'why, in the status', async () => {
    await status(page).click();
    await page.waitForTimeout(800);
    const rows = await page.locator('.quick-input-list .monaco-list-row').allInnerTexts();
    await shot(page, '8-no-python');
    await page.keyboard.press('Escape');
    return rows.slice(0, 6);
  });
  await close();
}

async function untrusted() {
  const marker = path.join(folder, 'started');
  const evil = `#!/bin/sh\ntouch ${marker}\n`;
  const files = {
    'schools.qvr': MODEL.replace(' Normal(mu, tau)', ' Normol(mu, tau)'),
    'schools.data.json': readFileSync(path.join(examples, 'centred.data.json'), 'utf8'),
    '.venv/bin/python': evil,
    '.vscode/settings.json': JSON.stringify({ 'qvr.path': '${workspaceFolder}/.venv/bin/python', 'qvr.liveInference': true }),
  };
  const workspace = path.join(folder, 'untrusted');
  mkdirSync(path.join(workspace, '.venv/bin'), { recursive: true });
  writeFileSync(path.join(workspace, '.venv/bin/python'), evil, { mode: 0o755 });
  const { page, close } = await open('untrusted', { files, trust: false, machine: { 'qvr.path': values.python } });
  await openFile(page, 'schools.qvr');
  await see(page, 'restricted: checked all the same', async () => {
    await page.locator('.squiggly-error').first().waitFor({ timeout: 60_000 });
  });
  await see(page, 'restricted: nothing runs', async () => {
    const { existsSync } = await import('node:fs');
    const lens = page.locator('.codelens-decoration a').first();
    await lens.waitFor();
    await lens.click();
    const message = await until('the refusal', async () => (await notifications(page).allInnerTexts()).find((each) => /trust/i.test(each)));
    if (existsSync(marker)) throw new Error('the Python of the workspace was started');
    return message;
  });
  await shot(page, '9-restricted');
  await close();
}

// ------------------------------------------------------------------------------

execFileSync(values.node, codeServer(path.join(folder, 'user-install'), ['--install-extension', values.vsix]), { stdio: 'inherit' });
const browser = await chromium.launch({ executablePath: values.chromium, args: ['--no-sandbox', '--disable-background-networking'], headless: true });
try {
  for (const part of [trusted, withoutQvr, untrusted]) {
    if (values.only === undefined || values.only === 'all' || values.only === part.name) {
      const only = values.only;
      if (only === part.name) values.only = undefined;
      await part();
      values.only = only;
    }
  }
} finally {
  await browser.close();
  writeFileSync(path.join(out, 'seen.json'), `${JSON.stringify(seen, null, 2)}\n`);
  rmSync(folder, { recursive: true, force: true });
}
if (failures.length > 0) {
  console.error(`not seen: ${failures.join('; ')}`);
  process.exit(1);
}
