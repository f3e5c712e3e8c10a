// The environment that is chosen in the Python extension, where that extension is installed.

import { PVSC_EXTENSION_ID, PythonExtension } from '@vscode/python-extension';
import * as vscode from 'vscode';

export interface ActivePython {
  installed: boolean;
  path: string | undefined;
}

/** The interpreter that the user chose for the first folder. */
export async function activePython(): Promise<ActivePython> {
  if (vscode.extensions.getExtension(PVSC_EXTENSION_ID) === undefined) return { installed: false, path: undefined };
  try {
    const { environments } = await PythonExtension.api();
    const chosen = environments.getActiveEnvironmentPath(vscode.workspace.workspaceFolders?.[0]?.uri);
    const resolved = await environments.resolveEnvironment(chosen);
    return { installed: true, path: resolved?.executable.uri?.fsPath };
  } catch {
    return { installed: true, path: undefined }; // it could not be activated, which it tells of itself
  }
}

/** Calls back when another environment is chosen. */
export async function onChoice(changed: () => void): Promise<vscode.Disposable> {
  if (vscode.extensions.getExtension(PVSC_EXTENSION_ID) === undefined) return new vscode.Disposable(() => undefined);
  try {
    const { environments } = await PythonExtension.api();
    return environments.onDidChangeActiveEnvironmentPath(changed);
  } catch {
    return new vscode.Disposable(() => undefined);
  }
}
