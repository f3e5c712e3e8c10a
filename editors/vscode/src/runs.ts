// Runs of models: asked for with progress and partial results, stopped, and their refusals told in a sentence.

import * as vscode from 'vscode';
import { ErrorCodes, type WorkDoneProgressReport, ProgressType, WorkDoneProgress } from 'vscode-languageclient/node';
import { type Partial, type PriorAnswer, type RunAnswer, refusal, sentence } from './answers';
import type { Server } from './server';

/** What a lens, a button or a key names: a model and one of its programs. */
export interface Target {
  uri: string;
  program?: string;
}

export interface Running extends Target {
  percentage: number;
  partial?: Partial;
}

export type RunEvent =
  | { kind: 'begun' | 'moved'; run: Running }
  | { kind: 'ended'; run: Running; answer?: RunAnswer }
  | { kind: 'prior'; target: Target; answer: PriorAnswer };

// The library's codes for a request that a server left open when it ended, and for one that it can't get.
const ENDED: ReadonlySet<unknown> = new Set([ErrorCodes.PendingResponseRejected, ErrorCodes.ConnectionInactive]);
const PARTIALS = new ProgressType<Partial>();

export class Runs implements vscode.Disposable {
  private readonly events = new vscode.EventEmitter<RunEvent>();
  private readonly active = new Set<Running>();
  private number = 0;
  readonly onEvent = this.events.event;

  constructor(private readonly server: Server) {}

  get running(): readonly Running[] {
    return [...this.active];
  }

  dispose(): void {
    this.events.dispose();
  }

  /** Sample a program, with progress that can be cancelled; what went wrong is told. */
  async run(target: Target): Promise<RunAnswer | undefined> {
    const run: Running = { ...target, percentage: 0 };
    const title = `Sampling ${target.program ?? fileName(target.uri)}`;
    const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
    this.active.add(run);
    this.tell({ kind: 'begun', run });
    let answer: RunAnswer | undefined;
    try {
      answer = await vscode.window.withProgress(options, (progress, token) => this.sampled(run, progress, token));
      return answer;
    } catch (error) {
      void this.refused(error);
      return undefined;
    } finally {
      this.active.delete(run);
      this.tell({ kind: 'ended', run, ...(answer === undefined ? {} : { answer }) });
    }
  }

  /** Stop one model's runs, or all. */
  async cancel(target?: Target): Promise<void> {
    await this.ask('qvr.cancelRun', target ?? {});
  }

  /** Draws from the prior, shown where the posterior is. */
  async priorPredictive(target: Target): Promise<void> {
    const title = 'Drawing from the prior';
    const answer = await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title }, () =>
      this.ask<PriorAnswer>('qvr.priorPredictive', target),
    );
    if (answer === undefined) return;
    this.events.fire({ kind: 'prior', target: { ...target, program: answer.program }, answer });
    for (const problem of answer.problems) void vscode.window.showWarningMessage(problem);
  }

  /** A command of the server; a refusal is told and the answer then undefined. */
  async ask<Answer>(command: string, argument?: object): Promise<Answer | undefined> {
    try {
      return await this.server.command<Answer>(command, argument);
    } catch (error) {
      void this.refused(error);
      return undefined;
    }
  }

  private async sampled(
    run: Running,
    progress: vscode.Progress<{ message?: string; increment?: number }>,
    token: vscode.CancellationToken,
  ): Promise<RunAnswer> {
    const client = this.server.running();
    const identity = `qvr-run-${++this.number}`;
    const listening = [
      client.onProgress(WorkDoneProgress.type, identity, (value) => {
        if (value.kind !== 'report') return;
        const { message, percentage = run.percentage } = value as WorkDoneProgressReport;
        progress.report({ ...(message === undefined ? {} : { message }), increment: percentage - run.percentage });
        run.percentage = percentage;
        this.tell({ kind: 'moved', run });
      }),
      client.onProgress(PARTIALS, `${identity}-draws`, (value) => {
        run.partial = value;
        this.tell({ kind: 'moved', run });
      }),
    ];
    try {
      const { uri, program } = run;
      const argument = { uri, ...(program === undefined ? {} : { program }), partialResultToken: `${identity}-draws` };
      return await this.server.command<RunAnswer>('qvr.run', argument, identity, token);
    } finally {
      for (const each of listening) each.dispose();
    }
  }

  private tell(event: RunEvent): void {
    void vscode.commands.executeCommand('setContext', 'qvr.running', this.active.size > 0);
    this.events.fire(event);
  }

  /** Each refusal in its sentence, with what can be done about it. It ends with the user's answer, so nobody waits for it. */
  private async refused(error: unknown): Promise<void> {
    const kind = refusal(error);
    if (kind === 'cancelled') {
      vscode.window.setStatusBarMessage('The run was stopped.', 4000);
      return;
    }
    if (ENDED.has((error as { code?: unknown }).code)) {
      void vscode.window.showInformationMessage('QVR got no answer: its server was stopped or started anew.');
      return;
    }
    const actions: Record<string, [title: string, command: string]> = {
      untrusted: ['Manage Trust', 'workbench.trust.manage'],
      program: ['Show Problems', 'workbench.actions.view.problems'],
      data: ['Show Problems', 'workbench.actions.view.problems'],
      internal: ['Show Output', 'qvr.showOutput'],
    };
    const other: [string, string] = this.server.state === 'running' ? ['Show Output', 'qvr.showOutput'] : ['Show Status', 'qvr.showStatus'];
    const [title, command] = (kind === undefined ? undefined : actions[kind]) ?? other;
    const chosen =
      kind === 'no_result'
        ? await vscode.window.showInformationMessage(sentence(error))
        : await vscode.window.showErrorMessage(sentence(error), title);
    if (chosen === title) await vscode.commands.executeCommand(command);
  }
}

function fileName(uri: string): string {
  return vscode.Uri.parse(uri).path.split('/').at(-1) ?? uri;
}
