// A session's outcome for a person: the verdict first, then what, where, who and into which product, and how to check it.
import { dirname, relative } from 'node:path';
import { styleText } from 'node:util';
import type { SessionSummary } from '../sessions/summary.ts';
import { clipped, printable } from '../text/printable.ts';

export interface RenderTarget {
	/** Colours, where the terminal takes them. */
	colour: boolean;
	/** Paths are shown relative to this folder where that is shorter. */
	cwd: string;
	/** PEM file that verifies the attestations. */
	publicKeyFile: string;
}

type Finding = SessionSummary['findings'][number];

const findingsShownMax = 10;
const productsShownMax = 10;
const gapsShownMax = 5;
/** Notes on what is usual in a build: `session show` has them. */
const quiet = new Set(['info', 'low']);

const styles = { passed: ['green', 'bold'], failed: ['red', 'bold'], incomplete: ['yellow', 'bold'] } as const;

export function renderOutcome(s: SessionSummary, target: RenderTarget): string {
	const lines = [
		`${verdictWord(s.verdict, target)}  session ${s.session.slice(0, 16)}${s.ciRunId === null ? '' : `  run ${printable(s.ciRunId)}`}  on ${printable(s.host)}`,
		`  build      ${clipped(`${s.root.binary} ${s.root.arguments}`, 120)}`,
		`  when       ${s.startedAt} to ${s.endedAt ?? '-'}`,
		`  watched    ${s.counts.events} events, ${s.counts.processes} processes, ${s.counts.files} files, ${s.counts.connections} connections`,
	];
	// What an imported build recorded of itself is not the repository's word.
	const note = (s['judgedAgainst'] as { note?: unknown } | undefined)?.note;
	const holder = typeof note === 'string' && note.startsWith('declared:') ? 'build recorded  ' : 'repository holds';
	const loud = s.findings.filter((f) => !quiet.has(f.severity));
	for (const finding of loud.slice(0, findingsShownMax)) lines.push('', ...findingLines(finding, holder, target));
	if (loud.length > findingsShownMax) lines.push(`  … ${loud.length - findingsShownMax} more findings`);
	if (loud.length > 0) lines.push('');
	lines.push(...productLines(s), ...completenessLines(s), ...statementLines(s, target));
	return `${lines.join('\n')}\n\n`;
}

function verdictWord(verdict: SessionSummary['verdict'], { colour }: RenderTarget): string {
	const word = verdict.toUpperCase();
	return colour ? styleText([...styles[verdict]], word, { validateStream: false }) : word;
}

function findingLines(f: Finding, holder: string, { colour }: RenderTarget): string[] {
	const title = `${f.severity}: ${f.rule}${f.path === null ? '' : `  ${printable(f.path)}`}`;
	const lines = [`  ${colour ? styleText('bold', title, { validateStream: false }) : title}`];
	if (f.expectedDigest !== null) lines.push(`    ${holder}  sha256:${printable(f.expectedDigest)}`);
	if (f.digest !== null)
		lines.push(`    ${f.expectedDigest === null ? 'digest      ' : 'was read as '}      sha256:${printable(f.digest)}`);
	if (f.process !== null) lines.push(`    by                ${commandOf(f.process)}`);
	if (f.writer !== null) lines.push(`    written by        ${commandOf(f.writer)}`);
	if (Array.isArray(f['products']) && f['products'].length > 0)
		lines.push(`    went into         ${printable(f['products'].join(', '))}`);
	if (typeof f['explanation'] === 'string') lines.push(...wrapped(f['explanation']));
	return lines;
}

const commandOf = (process: NonNullable<Finding['process']>): string => {
	const { binary, arguments: args, pid } = process as Partial<Record<string, unknown>>;
	const command = clipped(`${binary} ${args ?? ''}`.trim(), 100);
	return typeof pid === 'number' && pid >= 0 ? `${command} (pid ${pid})` : command;
};

const wrapColumns = 100;

function wrapped(text: string): string[] {
	const lines: string[] = [];
	let line = '   ';
	for (const word of printable(text).split(' ')) {
		if (line.length + word.length >= wrapColumns && line.trim() !== '') {
			lines.push(line);
			line = '   ';
		}
		line += ` ${word}`;
	}
	return [...lines, line];
}

function productLines(s: SessionSummary): string[] {
	const rows = s.products
		.slice(0, productsShownMax)
		.map((p) => `  product    ${printable(p.path)}  ${p.sha256 === null ? 'no digest seen' : `sha256:${p.sha256}`}`);
	const more = s.products.length - productsShownMax;
	return more > 0 ? [...rows, `  … ${more} more products`] : rows;
}

function completenessLines(s: SessionSummary): string[] {
	const c = s.completeness;
	const reasons = Array.isArray(c['reasons']) ? c['reasons'].map(String) : [];
	const told = [
		...(reasons.length > 0 ? [`incomplete: ${printable(reasons.join(', '))}`] : []),
		...(c.lostEvents > 0 ? [`${c.lostEvents} events lost`] : []),
		...(c.unverified > 0 ? [`${c.unverified} compiler inputs unverified`] : []),
		...(c.sensorMixUps > 0 ? [`${c.sensorMixUps} digests that the sensor put on the wrong event, set aside`] : []),
		`loss counters ${c.lossCounters}`,
	];
	const gaps = c.gaps.slice(0, gapsShownMax).map((gap) => {
		const { cause, detail, count } = gap as { cause?: unknown; detail?: unknown; count?: unknown };
		return `  gap        ${printable(`${cause} ${detail}`)} (${count === -1 ? 'unknown number' : String(count)})`;
	});
	return [`  trace      ${told.join('; ')}`, ...gaps];
}

function statementLines(s: SessionSummary, { cwd, publicKeyFile }: RenderTarget): string[] {
	const envelope = s.statements[0]?.envelope;
	if (!envelope) return [];
	const folder = dirname(envelope);
	const artifact = s.products.find((p) => p.sha256 !== null)?.sha256;
	const attested = `  attested   ${s.statements.length} signed statements in ${shorter(folder, cwd)}`;
	if (s.verdict !== 'passed') return [attested];
	// `verify --public-key` takes no imported session.
	if (s['imported'] !== undefined)
		return [
			attested,
			`  verify     with a policy that asks for its step: npx affidavit policy init --from-session ${s.session.slice(0, 12)}`,
		];
	return [
		attested,
		...(artifact
			? [
					`  verify     npx affidavit verify sha256:${artifact} --attestation ${shorter(folder, cwd)} --public-key ${shorter(publicKeyFile, cwd)}`,
				]
			: []),
	];
}

function shorter(path: string, cwd: string): string {
	const near = relative(cwd, path);
	return near !== '' && near.length < path.length ? near : path;
}
