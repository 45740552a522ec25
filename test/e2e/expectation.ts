// What a recorded stream's expect.json demands, and the arguments it needs.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SessionObject } from './affidavit.ts';
import { fixtures } from './affidavit.ts';

export interface Expectation {
	repos: Record<string, string>;
	indicators?: string[];
	metrics?: string[];
	needs?: string;
	sessions: Record<
		string,
		{
			verdict?: SessionObject['verdict'];
			clean?: boolean;
			must?: { rules: string[]; path?: string; digest?: string }[];
			products?: { path: string; sha256?: string }[];
		}
	>;
}

export const readExpectation = (stream: string): Expectation =>
	JSON.parse(readFileSync(join(fixtures, stream, 'expect.json'), 'utf8')) as Expectation;

export function processOptions(
	stream: string,
	expectation: Expectation,
	data: string,
): { repos: Record<string, string>; indicators?: string; metrics?: string[]; data: string } {
	const folder = join(fixtures, stream);
	const repos = Object.fromEntries(Object.entries(expectation.repos).map(([name, file]) => [name, join(folder, file)]));
	let indicators: string | undefined;
	if (expectation.indicators) {
		indicators = join(data, 'indicators.txt');
		writeFileSync(indicators, `${expectation.indicators.join('\n')}\n`);
	}
	return {
		repos,
		data,
		...(indicators ? { indicators } : {}),
		...(expectation.metrics ? { metrics: expectation.metrics.map((file) => join(folder, file)) } : {}),
	};
}

const grave = new Set(['medium', 'high', 'critical']);

/** Every way in which the sessions differ from the expectation, in words; empty when they agree. */
export function differences(expectation: Expectation, sessions: readonly SessionObject[]): string[] {
	const wrong: string[] = [];
	const ids = Object.keys(expectation.sessions).sort();
	const found = sessions.map((s) => s.ciRunId ?? '-').sort();
	if (JSON.stringify(ids) !== JSON.stringify(found)) wrong.push(`sessions: expected ${ids}, found ${found}`);
	for (const [runId, expected] of Object.entries(expectation.sessions)) {
		const session = sessions.find((s) => s.ciRunId === runId);
		if (!session) continue;
		const say = (text: string): void => {
			wrong.push(`${runId}: ${text}`);
		};
		if (expected.verdict && session.verdict !== expected.verdict)
			say(`verdict ${session.verdict}, expected ${expected.verdict} (${session.completeness.reasons})`);
		if (expected.clean)
			for (const f of session.findings) if (grave.has(f.severity)) say(`unexpected ${f.severity} ${f.rule} ${f.path}`);
		for (const must of expected.must ?? [])
			for (const rule of must.rules) {
				const hit = session.findings.some(
					(f) =>
						f.rule === rule &&
						(must.path === undefined || f.path === must.path || (f.path ?? '').endsWith(`/${must.path}`)) &&
						(must.digest === undefined || (f.digest ?? '').startsWith(must.digest)),
				);
				if (!hit) say(`missing ${rule} ${must.path ?? ''} ${must.digest ?? ''}`);
			}
		for (const product of expected.products ?? []) {
			const hit = session.products.find((p) => p.path === product.path);
			if (!hit) say(`missing product ${product.path}`);
			else if (product.sha256 && !(hit.sha256 ?? '').startsWith(product.sha256))
				say(`product ${product.path}: ${hit.sha256}, expected ${product.sha256}`);
		}
	}
	return wrong;
}
