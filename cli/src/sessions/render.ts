// `session show` for people: plain text, bounded, safe for a terminal.
import type { RuntimeTrace, TracedProcess } from '@affidavit/attest/generated/runtime-trace-v0.1.ts';
import { relativeTo } from '@affidavit/model/paths.ts';
import { clipped, printable } from '../text/printable.ts';
import { table } from '../text/table.ts';
import { type FileLine, filesByTool } from './file-groups.ts';
import { processTree } from './process-tree.ts';
import type { SessionSummary } from './summary.ts';

export interface RenderOptions {
	/** Everything, instead of a bounded choice. */
	all: boolean;
}

const linesShownMax = 120;
const indentMax = 20;
const digestCharsShown = 12;

export function renderSession(summary: SessionSummary, trace: RuntimeTrace | null, options: RenderOptions): string {
	const sections = [header(summary, trace), findings(summary), products(summary)];
	if (trace) sections.push(processes(trace, options), files(trace, options), network(trace, options));
	sections.push(completeness(summary, trace), statements(summary));
	return sections.filter((text) => text !== '').join('\n');
}

const section = (title: string, body: string): string => (body === '' ? '' : `${title}\n${body}`);

/** At most `linesShownMax` rows, and how many more there are. */
function bounded(rows: readonly (readonly string[])[], options: RenderOptions, indent = '  '): string {
	if (options.all || rows.length <= linesShownMax) return table(rows, indent);
	const more = `${indent}… ${rows.length - linesShownMax} more; --all shows them\n`;
	return table(rows.slice(0, linesShownMax), indent) + more;
}

function header(s: SessionSummary, trace: RuntimeTrace | null): string {
	const rows = [
		['session', s.session],
		['verdict', s.verdict],
		['host', printable(s.host)],
		['run (claimed)', printable(s.ciRunId ?? '-')],
		['root', clipped(`${s.root.binary} ${s.root.arguments}`, 160)],
		['started', s.startedAt],
		['ended', s.endedAt ?? '-'],
	];
	if (trace)
		rows.push(
			['workspace', printable(trace.session.workspace)],
			['repository (claimed)', printable(`${trace.claims.repository || '-'} ${trace.claims.commit}`)],
			['closed', trace.session.closeReason],
		);
	const { events, processes, files, connections } = s.counts;
	rows.push(['counts', `${events} events, ${processes} processes, ${files} files, ${connections} connections`]);
	return table(rows);
}

function findings(s: SessionSummary): string {
	const body = s.findings.map((f) => {
		const lines = [`  ${f.severity} ${f.rule}${f.path === null ? '' : ` ${printable(f.path)}`}\n`];
		if (f.digest !== null) lines.push(`    found    sha256:${printable(f.digest)}\n`);
		if (f.expectedDigest !== null) lines.push(`    expected sha256:${printable(f.expectedDigest)}\n`);
		if (f.process) lines.push(`    by       ${printable(f.process.binary)}\n`);
		if (f.writer) lines.push(`    writer   ${printable(f.writer.binary)}\n`);
		if (typeof f['explanation'] === 'string') lines.push(`    ${clipped(f['explanation'], 2000)}\n`);
		return lines.join('');
	});
	return section(`findings (${s.findings.length})`, body.join('') || '  none\n');
}

const products = (s: SessionSummary): string =>
	section(
		`products (${s.products.length})`,
		table(
			s.products
				.slice(0, linesShownMax)
				.map((p) => [p.sha256 === null ? 'no digest seen' : `sha256:${printable(p.sha256)}`, printable(p.path)]),
			'  ',
		),
	);

function processes(trace: RuntimeTrace, options: RenderOptions): string {
	const own = trace.processes.filter((p) => !p.foreign);
	const rows = processTree(own, options.all).map(({ depth, process }) => {
		const indent = ' '.repeat(Math.min(depth, indentMax) * 2);
		return [`${indent}${process.pid}`, exitOf(process), short(process.digest), commandOf(process, options)];
	});
	const foreign = trace.processes
		.filter((p) => p.foreign)
		.map((p) => [String(p.pid), exitOf(p), short(p.digest), commandOf(p, options)]);
	return (
		section(
			`processes (${own.length}, forks without exec left out${options.all ? ': none' : ''})`,
			bounded(rows, options),
		) + section(`processes outside the session that touched it (${foreign.length})`, bounded(foreign, options))
	);
}

const commandOf = (p: TracedProcess, options: RenderOptions): string => {
	const text = `${p.executed ? '' : '(fork) '}${p.binary} ${p.arguments}`;
	return options.all ? printable(text) : clipped(text, 120);
};

const exitOf = ({ exit }: TracedProcess): string => {
	if (exit === null) return '-';
	return exit.signal === '' ? `exit ${exit.status}` : printable(exit.signal);
};

const short = (digest: string): string => (digest === '' ? '-' : printable(digest.slice(0, digestCharsShown)));

function files(trace: RuntimeTrace, options: RenderOptions): string {
	const { workspace } = trace.session;
	const rows: string[][] = [];
	let left = 0;
	for (const tool of filesByTool(trace.files, trace.processes, workspace)) {
		const lines = options.all ? tool.lines : tool.lines.filter(isShown);
		left += tool.lines.length - lines.length;
		if (lines.length === 0) continue;
		rows.push([
			`${printable(relativeTo(tool.binary, workspace)) || '(unknown)'}${tool.foreign ? ' (outside the session)' : ''}`,
		]);
		for (const line of lines)
			rows.push([
				`  ${line.use}`,
				options.all && line.digest !== '' ? printable(line.digest) : short(line.digest),
				line.mixUp ? 'mix-up' : line.assurance,
				`×${line.count}`,
				printable(line.path),
			]);
	}
	const omitted = trace.omitted.files > 0 ? `  ${trace.omitted.files} facts are in the log blob only\n` : '';
	const dropped = trace.dropped > 0 ? `  ${trace.dropped} facts were beyond the signer's bounds and are nowhere\n` : '';
	const outside = left > 0 ? `  ${left} outside the workspace or in .git; --all shows them\n` : '';
	return section(
		`files by tool (${trace.counts.files} facts)`,
		boundedTools(rows, options) + outside + omitted + dropped,
	);
}

/** What a reader looks for first: the workspace without git's own files, what was executed, what strangers did. */
const isShown = (line: FileLine): boolean =>
	line.use === 'execute' || line.foreign || (line.inWorkspace && !line.path.startsWith('.git/'));

/** Rows of one cell are a tool's name and do not widen the columns. */
function boundedTools(rows: readonly string[][], options: RenderOptions): string {
	const shown = options.all ? rows : rows.slice(0, linesShownMax);
	const body: string[] = [];
	let lines: string[][] = [];
	const flush = (): void => {
		body.push(table(lines, '  '));
		lines = [];
	};
	for (const row of shown) {
		if (row.length > 1) lines.push(row);
		else {
			flush();
			body.push(`  ${row[0]}\n`);
		}
	}
	flush();
	const more = rows.length - shown.length;
	return body.join('') + (more > 0 ? `  … ${more} more; --all shows them\n` : '');
}

function network(trace: RuntimeTrace, options: RenderOptions): string {
	const binaryOf = new Map(trace.processes.map((p) => [p.execId, p.binary]));
	const rows = trace.connections.map((c) => {
		const port = c.port < 0 ? '' : ` port ${c.port}`;
		return [
			c.op,
			`${printable(c.family)} ${printable(c.address)}${port}`,
			`×${c.count}`,
			clipped(binaryOf.get(c.execId) ?? c.execId, 80),
		];
	});
	return section(`network (${trace.counts.connections})`, bounded(rows, options) || '  none\n');
}

function completeness(s: SessionSummary, trace: RuntimeTrace | null): string {
	const c = s.completeness;
	const rows = [
		['lost events', `${c.lostEvents} (loss counters ${c.lossCounters})`],
		['sensor mix-ups', String(c.sensorMixUps)],
		['unverified inputs', String(c.unverified)],
		['orphan processes', String(c.orphanProcesses)],
		['files without digest', String(c.filesWithoutDigest)],
		['gaps', String(c.gaps.length)],
	];
	const said = trace?.verdict.completeness;
	if (said && said.reasons.length > 0) rows.push(['incomplete because', printable(said.reasons.join(', '))]);
	if (said && said.notObservable.length > 0)
		rows.push(['rules that could not see', printable(said.notObservable.join(', '))]);
	for (const gap of (said?.gaps ?? []).slice(0, linesShownMax))
		rows.push(['gap', printable(`${gap.cause} ${gap.detail} ${gap.count < 0 ? 'unknown number' : gap.count} lost`)]);
	if (trace && !trace.session.workspaceWatched) rows.push(['workspace', 'not watched by the policies']);
	return section('completeness', table(rows, '  '));
}

const statements = (s: SessionSummary): string =>
	section(
		'statements',
		table(
			s.statements.map((x) => [printable(x.predicateType), printable(x.envelope ?? '-')]),
			'  ',
		),
	);
