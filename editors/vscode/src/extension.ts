// The extension's start: the server, the runs, the status, the panel, and every command.

import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { sentence } from './answers';
import { told } from './discovery';
import * as install from './install';
import { PosteriorView } from './panel/provider';
import { PlateDiagram } from './plate';
import { onChoice } from './python';
import { Runs, type Target } from './runs';
import { SELECTOR, Server } from './server';
import { Status } from './status';
import * as symbols from './symbols';
import { Calibrations } from './testing';

let server: Server | undefined;

export function activate(context: vscode.ExtensionContext): void {
  const found = (server = new Server(context.extensionPath));
  const runs = new Runs(found);
  const status = new Status(found, runs);
  const panel = new PosteriorView(context, found, runs);
  const plates = new PlateDiagram(found);
  const { subscriptions } = context;
  subscriptions.push(runs, status, panel, plates, new Calibrations(found, context.extensionPath), ...symbols.register(SELECTOR, found), ...commands(context, found, runs, status, panel, plates));
  let isOffered = false;
  subscriptions.push(
    found.onChange(() => {
      if (found.state !== 'missing' || isOffered) return;
      isOffered = true; // once a session; the status goes on saying it
      void install.offer(found);
    }),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration('qvr.path')) {
        isOffered = false;
        void found.restart();
      }
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => void found.restart()),
    onChoice(() => {
      isOffered = false;
      void found.lookAgain();
    }),
  );
  void found.restart();
}

export async function deactivate(): Promise<void> {
  await server?.dispose();
}

function commands(
  context: vscode.ExtensionContext,
  found: Server,
  runs: Runs,
  status: Status,
  panel: PosteriorView,
  plates: PlateDiagram,
): vscode.Disposable[] {
  const does: Record<string, (given?: unknown) => unknown> = {
    'qvr.run': async (given) => {
      const target = targetOf(given);
      if (target === undefined) return;
      if (!panel.isVisible) await panel.reveal(false);
      await runs.run(target);
    },
    'qvr.cancelRun': (given) => runs.cancel(targetOf(given, false)),
    'qvr.priorPredictive': async (given) => {
      const target = targetOf(given);
      if (target === undefined) return;
      if (!panel.isVisible) await panel.reveal(false);
      await runs.priorPredictive(target);
    },
    'qvr.openReport': (given) => {
      const target = targetOf(given);
      return target === undefined ? undefined : runs.ask('qvr.openReport', target);
    },
    'qvr.plate': (given) => {
      const target = targetOf(given);
      return target === undefined ? undefined : plates.show(target);
    },
    'qvr.showResult': () => panel.reveal(true),
    'qvr.restartWorker': async () => {
      const answer = await runs.ask<{ processId: number }>('qvr.restartWorker');
      if (answer !== undefined) vscode.window.setStatusBarMessage(`QVR's worker was restarted (process ${answer.processId}).`, 4000);
    },
    'qvr.restartServer': () => found.restart(),
    'qvr.selectServer': () => install.select(),
    'qvr.installServer': () => install.install(found, folder()),
    'qvr.showStatus': () => status.menu(),
    'qvr.showInterpreters': () => install.interpreters(found),
    'qvr.showOutput': () => found.output.show(),
    'qvr.debugInfo': () => debugInfo(context, found),
    'qvr.openExample': () => openExample(context),
  };
  return Object.entries(does).map(([name, act]) => vscode.commands.registerCommand(name, act));
}

/** The model that a command is for: that of a lens, of a button's file, else the one in front. */
function targetOf(given: unknown, isNeeded = true): Target | undefined {
  if (given instanceof vscode.Uri) return { uri: given.toString() };
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given as Target;
  const document = vscode.window.activeTextEditor?.document;
  if (document?.languageId === 'qvr') return { uri: document.uri.toString() };
  if (isNeeded) void vscode.window.showInformationMessage('Open a model (a .qvr file) first.');
  return undefined;
}

function folder(): string {
  return vscode.workspace.workspaceFolders?.find((each) => each.uri.scheme === 'file')?.uri.fsPath ?? process.cwd();
}

/** The eight schools and their data, in a folder of the extension's own, so that nothing of the user's is touched. */
async function openExample(context: vscode.ExtensionContext): Promise<void> {
  const to = path.join(context.globalStorageUri.fsPath, 'example');
  mkdirSync(to, { recursive: true });
  for (const name of ['eight_schools.qvr', 'eight_schools.data.json']) {
    if (existsSync(path.join(to, name))) continue; // what somebody has written into it stays
    copyFileSync(path.join(context.extensionPath, 'dist', 'example', name), path.join(to, name));
  }
  await vscode.window.showTextDocument(vscode.Uri.file(path.join(to, 'eight_schools.qvr')));
}

/** What to send with a report of a fault; no text of a model is in it. */
async function debugInfo(context: vscode.ExtensionContext, found: Server): Promise<void> {
  const { version } = context.extension.packageJSON as { version: string };
  const facts: Record<string, unknown> = {
    extension: version,
    editor: `${vscode.env.appName} ${vscode.version}`,
    trusted: vscode.workspace.isTrusted,
    state: found.state,
    tried: found.discovery === undefined ? [] : told(found.discovery),
  };
  try {
    facts['server'] = await found.command('qvr.debugInfo');
  } catch (error) {
    facts['server'] = sentence(error);
  }
  const document = await vscode.workspace.openTextDocument({ language: 'json', content: JSON.stringify(facts, null, 2) });
  await vscode.window.showTextDocument(document);
}
