// What the cursor is on: the program, the name, and the names that it is made from or that are made from it.

import * as vscode from 'vscode';
import {
  CallHierarchyIncomingCallsRequest,
  type CallHierarchyItem,
  CallHierarchyOutgoingCallsRequest,
  CallHierarchyPrepareRequest,
  type DocumentSymbol,
  DocumentSymbolRequest,
  type LanguageClient,
  SymbolKind,
} from 'vscode-languageclient/node';
import type { Relative } from './messages';
import type { Subject } from './state';

/** The subject at a place; undefined where the model has no program yet. */
export async function subjectAt(
  client: LanguageClient,
  document: vscode.TextDocument,
  position: vscode.Position,
  token: vscode.CancellationToken,
): Promise<Subject | undefined> {
  const textDocument = client.code2ProtocolConverter.asTextDocumentIdentifier(document);
  const symbols = ((await client.sendRequest(DocumentSymbolRequest.type, { textDocument }, token)) ?? []) as DocumentSymbol[];
  const programs = symbols.filter((each) => each.kind === SymbolKind.Function);
  const around = programs.find(({ range }) => range.start.line <= position.line && position.line <= range.end.line);
  const program = around ?? programs.at(-1);
  if (program === undefined) return undefined;
  const subject: Subject = { uri: textDocument.uri, file: fileName(document), program: program.name };
  const place = { line: position.line, character: position.character };
  const items = await client.sendRequest(CallHierarchyPrepareRequest.type, { textDocument, position: place }, token);
  const [item] = items ?? [];
  if (item === undefined) return subject;
  if (item.kind === SymbolKind.Function) return { ...subject, program: item.name };
  const [made, makes] = await Promise.all([
    client.sendRequest(CallHierarchyOutgoingCallsRequest.type, { item }, token),
    client.sendRequest(CallHierarchyIncomingCallsRequest.type, { item }, token),
  ]);
  const parents = (made ?? []).map(({ to }) => relative(to));
  const children = (makes ?? []).map(({ from }) => from).filter((each) => each.kind !== SymbolKind.Function).map(relative);
  const { name, type, place: own } = relative(item);
  return { ...subject, name: { name, type, place: own, parents, children } };
}

/** Where a name is bound in a program. */
export async function placeOf(client: LanguageClient, uri: string, program: string, name: string): Promise<Relative['place'] | undefined> {
  const answer = await client.sendRequest(DocumentSymbolRequest.type, { textDocument: { uri } });
  const found = ((answer ?? []) as DocumentSymbol[]).find((each) => each.name === program)?.children?.find((each) => each.name === name);
  return found === undefined ? undefined : { uri, ...found.selectionRange.start };
}

function relative(item: CallHierarchyItem): Relative {
  const { line, character } = item.selectionRange.start;
  return { name: item.name, type: item.detail ?? '', place: { uri: item.uri, line, character } };
}

function fileName(document: vscode.TextDocument): string {
  return document.uri.path.split('/').at(-1) ?? '';
}
