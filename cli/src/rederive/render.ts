// What came of a rederivation, for a person.
import { clipped, printable } from '../text/printable.ts';
import { table } from '../text/table.ts';
import type { ComparedStatement } from './compare.ts';
import type { Rederived } from './run.ts';

const words: Readonly<Record<ComparedStatement['result'], string>> = {
	equal: 'equal',
	'digest-only': 'equal by digest; the envelope is not here',
	differs: 'DIFFERS',
	'not-signed': 'DIFFERS: nothing of that name was signed',
	'not-derived': 'DIFFERS: signed, and does not come of the trace',
	another: 'another statement of that name; not compared',
};

const shownMax = 100;

export function renderRederived(r: Rederived): string {
	const lines = [
		`${r.outcome.toUpperCase()}  session ${r.session.slice(0, 16)}, revision ${r.revision}${r.host === null ? '' : `, host ${printable(r.host)}`}`,
		...r.reasons.slice(0, shownMax).map((reason) => `  ${printable(reason)}`),
	];
	if (r.trace !== null)
		lines.push(
			`  read      trace/${r.trace.partition} offsets ${r.trace.from} to ${r.trace.to}: ${r.trace.records} records of the host`,
		);
	lines.push(`  signed    ${signatureWords(r.signatures)}`);
	if (r.facts !== 'unknown')
		lines.push(
			`  facts     ${r.facts === 'same' ? 'the chain that the verdict names' : 'another chain than the verdict names'}`,
		);
	const rows = r.statements.slice(0, shownMax).map((s) => [s.name, words[s.result], s.payloadSha256 ?? '']);
	const differences = r.statements.flatMap(({ name, difference }) =>
		difference === null
			? []
			: [
					`  ${printable(name)}: first difference at ${clipped(difference.path === '' ? 'the whole' : difference.path, 200)}`,
					`    signed     ${clipped(difference.signed, 200)}`,
					`    rederived  ${clipped(difference.rederived, 200)}`,
				],
	);
	return `${lines.join('\n')}\n${table(
		rows.map((row) => row.map(printable)),
		'  ',
	)}${differences.map((line) => `${line}\n`).join('')}`;
}

function signatureWords(signatures: Rederived['signatures']): string {
	const parts = Object.entries(signatures)
		.filter(([, count]) => count > 0)
		.map(([kind, count]) => `${count} ${kind}`);
	return parts.length === 0 ? 'no envelope' : parts.join(', ');
}

/** For stderr: what was taken from the configuration, since no verdict pins it. */
export const notPinnedLine = ({ notPinned }: Rederived): string =>
	`not pinned by a verdict, taken from the configuration: ${Object.entries(notPinned)
		.map(([name, value]) => `${name} ${String(value)}`)
		.join(', ')}`;
