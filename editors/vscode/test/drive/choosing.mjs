// Another environment chosen, in each of the two extensions that manage Pythons, of which a stand-in is installed.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { command, notifications, openFile, quickPick, until } from './hands.mjs';
import { DATA, MODEL } from './models.mjs';

// Its exports are what the real extension's are, as far as they can be asked: the choice is a file's content.
const NEWER = `
exports.activate = (context) => {
  const { EventEmitter, Uri, commands } = require('vscode');
  const changed = new EventEmitter();
  const choice = () => require('fs').readFileSync(process.env.QVR_CHOICE, 'utf8').trim();
  context.subscriptions.push(commands.registerCommand('stand-in.choose', () => changed.fire({})));
  return {
    getEnvironment: async () => ({ environmentPath: Uri.file(choice()), execInfo: { run: { executable: choice() } } }),
    resolveEnvironment: async (given) => given,
    onDidChangeEnvironment: changed.event,
  };
};`;
const OLDER = `
exports.activate = (context) => {
  const { EventEmitter, Uri, commands } = require('vscode');
  const changed = new EventEmitter();
  const choice = () => require('fs').readFileSync(process.env.QVR_CHOICE, 'utf8').trim();
  context.subscriptions.push(commands.registerCommand('stand-in.choose', () => changed.fire({})));
  return {
    environments: {
      getActiveEnvironmentPath: () => ({ path: choice() }),
      resolveEnvironment: async ({ path }) => ({ executable: { uri: Uri.file(path) } }),
      onDidChangeActiveEnvironmentPath: changed.event,
    },
  };
};`;
const MANAGERS = [
  { name: 'python', said: 'the environment of the Python extension', code: OLDER },
  { name: 'vscode-python-envs', said: 'the environment of Python Environments', code: NEWER },
];

/** For each manager: none with qvr, then one, then another one; and a choice that changes nothing. */
export async function choosing(drive, seen) {
  const bare = environment(drive, 'bare');
  const [first, second] = ['first', 'second'].map((name) => environment(drive, name, drive.python));
  for (const { name, said, code } of MANAGERS) {
    drive.install(packed(drive, name, code));
    const file = path.join(drive.folder, `choice-${name}`);
    const choose = async (python) => {
      writeFileSync(file, python);
      await command(page, 'Stand-in: Choose');
    };
    writeFileSync(file, bare);
    const window = await drive.open(`choosing-${name}`, {
      files: { 'schools.qvr': MODEL, 'schools.data.json': DATA },
      environment: { QVR_CHOICE: file },
    });
    const { page } = window;
    const { see, need } = seen.part(`choosing-${name}`, window);
    const serverOf = (python) => until(`a server of ${python}`, () => {
      const pid = window.languageServer();
      return pid !== undefined && readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith(`${python}\0`) ? pid : undefined;
    }, 60);
    await need(`${name}: the chosen Python has no qvr, and why`, async () => {
      await openFile(page, 'schools.qvr');
      await until('the message', async () => (await notifications(page).allInnerTexts()).find((each) => each.includes('No Python with qvr')), 60);
      return interpreters(page, `${said}, ${bare}`);
    });
    await need(`${name}: one with qvr is chosen, and its server starts`, async () => {
      await choose(first);
      await serverOf(first);
      return interpreters(page, `${said}, ${first}`);
    });
    await see(`${name}: the same one again keeps the server, another one brings its own`, async () => {
      const before = await serverOf(first);
      await choose(first);
      await page.waitForTimeout(1500);
      if (window.languageServer() !== before) throw new Error('the server was started anew for nothing');
      await choose(second);
      return { before, after: await serverOf(second) };
    });
    await window.close();
  }
}

/** What QVR: Show Interpreters says of one of them. */
async function interpreters(page, said) {
  await page.keyboard.press('Escape');
  await command(page, 'QVR: Show Interpreters');
  const row = quickPick(page).filter({ hasText: said }).first();
  await row.waitFor();
  const all = await quickPick(page).allInnerTexts();
  await page.keyboard.press('Escape');
  return all;
}

/** The Python of a new environment, with all that another one has. */
function environment({ folder, python }, name, other) {
  const place = path.join(folder, 'environments', name);
  execFileSync(python, ['-m', 'venv', '--without-pip', place], { timeout: 120_000 });
  const made = path.join(place, 'bin/python');
  if (other !== undefined) {
    const packages = (each) => execFileSync(each, ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))'], { encoding: 'utf8' }).trim();
    writeFileSync(path.join(packages(made), 'other.pth'), `import site; site.addsitedir(${JSON.stringify(packages(other))})\n`);
  }
  return made;
}

/** A `.vsix` of a stand-in, which has the name of the real extension. */
function packed({ folder }, name, code) {
  const place = path.join(folder, `stand-in-${name}`);
  mkdirSync(place);
  const commands = [{ command: 'stand-in.choose', title: 'Choose', category: 'Stand-in' }];
  const manifest = { name, publisher: 'ms-python', version: '9.9.9', engines: { vscode: '^1.91.0' }, main: './main.js', files: ['main.js'], activationEvents: [], contributes: { commands } };
  writeFileSync(path.join(place, 'package.json'), JSON.stringify(manifest));
  writeFileSync(path.join(place, 'main.js'), code);
  const vsce = new URL('../../node_modules/@vscode/vsce/vsce', import.meta.url).pathname;
  const file = path.join(folder, `${name}.vsix`);
  execFileSync(process.execPath, [vsce, 'package', '--no-dependencies', '--allow-missing-repository', '--skip-license', '--out', file], { cwd: place, stdio: 'pipe' });
  return file;
}
