// The environments that are chosen in VS Code, where an extension that manages them is installed.

import * as vscode from 'vscode';
import { type Chosen, choices, listen } from './environments';

/** What is chosen for the folders that are on the disk. */
export function chosenPythons(): Promise<Chosen[]> {
  const folders = (vscode.workspace.workspaceFolders ?? []).filter((folder) => folder.uri.scheme === 'file');
  return choices(activation, folders.map((folder) => folder.uri));
}

/** Calls back when another environment is chosen, when folders change, and when a manager is installed or goes. */
export function onChoice(changed: () => void): vscode.Disposable {
  let listening: Promise<{ dispose(): unknown }[]> = listen(activation, changed);
  const stop = (): void => void listening.then((all) => all.forEach((each) => each.dispose()));
  const others = [
    vscode.workspace.onDidChangeWorkspaceFolders(changed),
    vscode.extensions.onDidChange(() => {
      stop();
      listening = listen(activation, changed);
      changed();
    }),
  ];
  return new vscode.Disposable(() => {
    stop();
    for (const each of others) each.dispose();
  });
}

function activation(id: string): (() => Thenable<unknown>) | undefined {
  const extension = vscode.extensions.getExtension(id);
  return extension === undefined ? undefined : () => extension.activate();
}
