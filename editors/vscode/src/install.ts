// Offers to install `qvr` into an environment that has none, in a terminal where the user sees it done.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as path from 'node:path';
import { promisify } from 'node:util';
import * as vscode from 'vscode';
import { type Attempt, installable, sign, verdict } from './discovery';
import { MANAGERS } from './environments';
import { environment } from './probe';
import type { Server } from './server';

const run = promisify(execFile);

/** Says that no server was found and why, with what can be done about it. */
export async function offer(server: Server): Promise<void> {
  const pythons = server.discovery === undefined ? [] : installable(server.discovery);
  const [first] = pythons;
  const setting = server.discovery?.attempts.find((each) => each.origin === 'setting');
  const message =
    setting !== undefined
      ? `QVR can't start ${setting.said}: ${setting.problem}.`
      : 'No Python with qvr was found, so models are highlighted but not checked.';
  const choices = [
    ...(first !== undefined && vscode.workspace.isTrusted ? ['Install QVR'] : []),
    ...(vscode.workspace.isTrusted ? [] : ['Manage Trust']),
    'Select Python',
    'Why?',
  ];
  const chosen = await vscode.window.showWarningMessage(message, ...choices);
  if (chosen === 'Install QVR') await install(server);
  else if (chosen === 'Select Python') await select();
  else if (chosen === 'Manage Trust') await vscode.commands.executeCommand('workbench.trust.manage');
  else if (chosen === 'Why?') server.output.show();
}

/** Installs into the one environment without qvr, or into the one that is chosen. */
export async function install(server: Server, folder = process.cwd()): Promise<void> {
  const pythons = server.discovery === undefined ? [] : installable(server.discovery);
  const python = pythons.length > 1 ? await vscode.window.showQuickPick(pythons, { placeHolder: 'Install qvr for which Python?' }) : pythons[0];
  if (python === undefined) {
    if (pythons.length === 0) {
      const why = server.state === 'running' ? 'QVR is installed and runs already.' : 'There is no Python to install QVR for: make an environment, or choose one.';
      const chosen = await vscode.window.showInformationMessage(why, ...(server.state === 'running' ? [] : ['Select Python']));
      if (chosen === 'Select Python') await select();
    }
    return;
  }
  await installInto(python, server, folder);
}

async function installInto(python: string, server: Server, folder = process.cwd()): Promise<void> {
  const [command, ...given] = await installer(python);
  const task = new vscode.Task(
    { type: 'qvr' },
    vscode.TaskScope.Workspace,
    'install qvr',
    'QVR',
    new vscode.ProcessExecution(command ?? python, given, { cwd: folder }),
  );
  task.presentationOptions = { reveal: vscode.TaskRevealKind.Always, clear: true };
  const execution = await vscode.tasks.executeTask(task);
  const code = await new Promise<number | undefined>((resolve) => {
    const listening = vscode.tasks.onDidEndTaskProcess((event) => {
      if (event.execution !== execution) return;
      listening.dispose();
      resolve(event.exitCode);
    });
  });
  if (code === 0) await server.restart();
  else void vscode.window.showErrorMessage(`qvr could not be installed for ${python}; the terminal says why.`);
}

/** pip where the environment has it; else uv, whose environments have none. */
async function installer(python: string): Promise<string[]> {
  try {
    await run(python, ['-m', 'pip', '--version'], { env: environment(), timeout: 30_000 });
    return [python, '-m', 'pip', 'install', 'qvr'];
  } catch {
    const folders = (process.env['PATH'] ?? '').split(path.delimiter).filter((each) => path.isAbsolute(each));
    const uv = folders.map((each) => path.join(each, process.platform === 'win32' ? 'uv.exe' : 'uv')).find(existsSync);
    return uv === undefined ? [python, '-m', 'pip', 'install', 'qvr'] : [uv, 'pip', 'install', '--python', python, 'qvr'];
  }
}

const SIGNS: Record<string, string> = { '✓': '$(check)', '✗': '$(close)', '·': '$(circle-small)' };
type Choice = vscode.QuickPickItem & { attempt?: Attempt };

/** Every place that was looked at, with why it is used or is not; an installation where only qvr is lacking. */
export async function interpreters(server: Server): Promise<void> {
  const attempts = server.discovery?.attempts ?? [];
  const lacking = server.discovery === undefined ? [] : installable(server.discovery);
  const entries: Choice[] = [
    ...attempts.map((attempt) => ({ label: `${SIGNS[sign(attempt)]} ${attempt.said}`, detail: verdict(attempt), attempt })),
    { label: '', kind: vscode.QuickPickItemKind.Separator },
    { label: '$(list-selection) Select Python or server' },
  ];
  const placeHolder = attempts.length === 0 ? 'No place was looked at yet.' : 'Where QVR was looked for, in this order';
  const chosen = await vscode.window.showQuickPick(entries, { title: 'QVR: interpreters', placeHolder, matchOnDetail: true });
  const python = chosen?.attempt?.python;
  if (chosen === undefined) return;
  if (chosen.attempt === undefined) await select();
  else if (python !== undefined && lacking.includes(python) && vscode.workspace.isTrusted) await installInto(python, server);
  else server.output.show();
}

/** Lets the user choose: through the Python extension, or a file for `qvr.path`. */
export async function select(): Promise<void> {
  const manager = MANAGERS.find(({ id }) => vscode.extensions.getExtension(id) !== undefined);
  const entries = [
    ...(manager === undefined ? [] : [{ label: `$(list-selection) Choose ${manager.said}`, id: 'extension' }]),
    { label: '$(file) Choose a Python or a qvr-lsp', id: 'file' },
    { label: '$(discard) Look for it by itself', id: 'none', description: 'the setting qvr.path goes' },
  ];
  const chosen = await vscode.window.showQuickPick(entries, { placeHolder: 'Which Python should QVR use?' });
  const settings = vscode.workspace.getConfiguration('qvr');
  const target = vscode.workspace.workspaceFolders === undefined ? vscode.ConfigurationTarget.Global : vscode.ConfigurationTarget.Workspace;
  if (chosen?.id === 'extension') await choose();
  else if (chosen?.id === 'none') await settings.update('path', undefined, target);
  else if (chosen?.id === 'file') {
    const files = await vscode.window.showOpenDialog({ title: 'A Python that has qvr, or qvr-lsp', openLabel: 'Use it' });
    if (files?.[0] !== undefined) await settings.update('path', files[0].fsPath, target);
  }
}

/** The list of environments, of the newer manager where it is there and switched on. */
async function choose(): Promise<void> {
  const [newer, older] = MANAGERS.map(({ id }) => vscode.extensions.getExtension<unknown>(id));
  const isOn = newer !== undefined && (await newer.activate()) !== undefined;
  if (isOn) await vscode.commands.executeCommand('python-envs.set');
  else if (older !== undefined) await vscode.commands.executeCommand('python.setInterpreter');
  else void vscode.window.showInformationMessage('Python Environments is switched off, and the Python extension is not installed.');
}
