// Shows the report of a run: in the browser, or in a tab where the files are on another machine than the browser.

import { readFile } from 'node:fs/promises';
import * as path from 'node:path';
import * as vscode from 'vscode';
import type { ShowDocumentParams, ShowDocumentResult } from 'vscode-languageclient/node';

/** Whether a page of the server can only be seen within the editor. */
function isElsewhere(params: ShowDocumentParams): boolean {
  const isRemote = vscode.env.remoteName !== undefined || vscode.env.uiKind === vscode.UIKind.Web;
  return isRemote && params.external === true && params.uri.startsWith('file:');
}

let tab: vscode.WebviewPanel | undefined;

/** What the server asks to be shown; `next` shows it as any client does. */
export async function show<Answer>(params: ShowDocumentParams, next: () => Answer): Promise<Awaited<Answer> | ShowDocumentResult> {
  if (!isElsewhere(params)) return await next();
  const file = vscode.Uri.parse(params.uri).fsPath;
  const page = await readFile(file, 'utf8');
  const title = path.basename(file, '.html');
  if (tab === undefined) {
    // The page has no scripts, and its own policy keeps it from loading anything.
    tab = vscode.window.createWebviewPanel('qvr.report', title, vscode.ViewColumn.Active, { enableScripts: false, enableFindWidget: true });
    tab.onDidDispose(() => (tab = undefined));
  }
  tab.title = title;
  tab.webview.html = page;
  tab.reveal();
  return { success: true };
}
