// Backtest: recorded streams through correlate and this stage give the verdicts and findings that their expect.json says.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findingCodec, verdictCodec } from '@affidavit/model/codec.ts';
import { sha256Hex } from '@affidavit/model/digests.ts';
import { decodeFactBatch } from '@affidavit/model/facts.ts';
import type { Finding, Verdict } from '@affidavit/model/generated/verdict.ts';
import { failsSession } from '@affidavit/model/severity.ts';
import type { LogRecord } from '@affidavit/stream/ports.ts';
import { recordsOf, run } from '../../../correlate/test/support/pipeline.ts';
import { decodeStream } from '../../../correlate/test/support/recorded.ts';
import { createIndicatorSet } from '../../src/core/indicator-set.ts';
import { createManifestResolver } from '../../src/manifest/resolver.ts';
import { loadRuleSet } from '../../src/rules/load.ts';
import { createDetectStage } from '../../src/stage.ts';

const traces = fileURLToPath(new URL('../../../../test/fixtures/traces/', import.meta.url));
const cacheDir = mkdtempSync(join(tmpdir(), 'affidavit-detect-'));
after(() => rmSync(cacheDir, { recursive: true, force: true }));
const rules = loadRuleSet();

interface Expectation {
	repos: Record<string, string>;
	indicators?: string[];
	sessions: Record<string, { verdict: string; must?: { rules: string[]; path?: string; digest?: string }[] }>;
}

interface Judged {
	verdicts: Map<string, Verdict>;
	emitted: Finding[];
}

async function judge(stream: string, expectation: Expectation, withIndicators = true): Promise<Judged> {
	const { host, decoded } = decodeStream(stream);
	const { batches, results } = await run(recordsOf(host, decoded, 500));
	const published = results.flatMap((r) => r.outputs.flatMap((o) => o.records));
	const records = published.map(
		({ key, value }, offset): LogRecord => ({
			topic: 'session',
			partition: 0,
			offset,
			key,
			value,
			timestampUs: -1,
			origin: null,
			seal: null,
			traceparent: null,
		}),
	);
	const repositories = new Map(
		Object.entries(expectation.repos).map(([name, file]) => [name, join(traces, stream, file)]),
	);
	const bad = (withIndicators ? (expectation.indicators ?? []) : []).map((entry) => ({
		value: entry.slice('sha256:'.length),
		kind: 'digest' as const,
		status: 'bad' as const,
		reason: '',
		author: '',
		createdUs: 0,
		expiresUs: -1,
	}));
	const stage = createDetectStage({
		rules,
		indicators: () => createIndicatorSet(bad),
		resolveManifest: createManifestResolver({ repositories, cacheDir, emit: () => {} }),
		blobs: { put: async (bytes) => sha256Hex(bytes) },
		async *readFacts(session) {
			yield* batches.get(session) ?? [];
		},
		emit: () => {},
	});
	const worker = await stage.open(0, new Map());
	const judged: Judged = { verdicts: new Map(), emitted: [] };
	for (const record of records) {
		const step = await worker.step([record], false);
		assert.deepEqual(step.deadLetters, []);
		for (const { topic, value } of step.outputs.flatMap((o) => o.records)) {
			if (topic === 'finding') judged.emitted.push(findingCodec.decode(value));
			else {
				const verdict = verdictCodec.decode(value);
				const first = decodeFactBatch((batches.get(verdict.session) as Uint8Array[])[0] as Uint8Array);
				judged.verdicts.set(first.facts.opened?.ciRunId ?? '', verdict);
			}
		}
	}
	return judged;
}

const expectationOf = (stream: string): Expectation =>
	JSON.parse(readFileSync(join(traces, stream, 'expect.json'), 'utf8')) as Expectation;

describe('recorded streams', () => {
	for (const stream of [
		'01b-go-clean-warm',
		'02a-go-swap',
		'02b-go-ptrace',
		'03-go-trojan-compiler',
		'04-c-make',
		'06-two-builds',
		'07-net-foreign',
		'11-fixed-sensor',
	])
		it(stream, async () => {
			const expectation = expectationOf(stream);
			const { verdicts, emitted } = await judge(stream, expectation);
			assert.deepEqual([...verdicts.keys()].sort(), Object.keys(expectation.sessions).sort());
			for (const [runId, expected] of Object.entries(expectation.sessions)) {
				const verdict = verdicts.get(runId);
				assert.ok(verdict);
				const said = verdict.findings.map((f) => `${f.severity} ${f.rule} ${f.path} ${f.digest}`).join('\n');
				assert.equal(verdict.verdict, expected.verdict, said);
				assert.equal(verdict.completeness.unverified, 0);
				for (const must of expected.must ?? []) {
					const hit = verdict.findings.some(
						(f) =>
							must.rules.includes(f.rule) &&
							(must.path === undefined || f.path === must.path || f.path?.endsWith(`/${must.path}`)) &&
							(must.digest === undefined || f.digest?.startsWith(must.digest)),
					);
					assert.ok(hit, `missing ${JSON.stringify(must)} in\n${said}`);
				}
				// Nothing grave on any other path than the tampered ones.
				const paths = new Set((expected.must ?? []).map((m) => m.path));
				for (const f of verdict.findings)
					if (failsSession(f.severity) && f.path !== null)
						assert.ok(
							[...paths].some((p) => p && (f.path === p || f.path?.endsWith(`/${p}`))),
							said,
						);
			}
			const mixUps = [...verdicts.values()].reduce((sum, v) => sum + v.completeness.sensorMixUps, 0);
			if (stream === '11-fixed-sensor' || stream === '02b-go-ptrace') assert.equal(mixUps, 0);
			else assert.ok(mixUps > 0);
			const confirmed = emitted.filter((f) => f.state === 'confirmed').length;
			assert.equal(
				confirmed,
				[...verdicts.values()].reduce((sum, v) => sum + v.findings.length, 0),
			);
		});

	it('02a-go-swap: the finding names writer, reader, times and product', async () => {
		const { verdicts } = await judge('02a-go-swap', expectationOf('02a-go-swap'));
		const finding = verdicts.get('2001')?.findings.find((f) => f.rule === 'compiler-read-differs-from-repo');
		assert.equal(finding?.writer?.pid, 1298);
		assert.equal(finding?.process?.binary, '/usr/local/go/pkg/tool/linux_amd64/compile');
		assert.deepEqual(finding?.products, ['bin/goapp']);
		assert.match(
			finding?.explanation ?? '',
			/python3 \(pid 1298\), outside the session, wrote it at 2026-11-23T04:12:02/,
		);
		assert.ok((finding?.evidence.length ?? 0) >= 5);
	});

	it('03-go-trojan-compiler: passes without the indicator, fails with it, and names who replaced the tool', async () => {
		const expectation = expectationOf('03-go-trojan-compiler');
		const without = await judge('03-go-trojan-compiler', expectation, false);
		assert.equal(without.verdicts.get('3001')?.verdict, 'passed');
		const { verdicts } = await judge('03-go-trojan-compiler', expectation);
		const finding = verdicts.get('3001')?.findings.find((f) => f.rule === 'denied-tool-digest');
		assert.equal(finding?.writer?.binary, '/usr/bin/mv');
		assert.ok(finding?.evidence.some((e) => e.what.includes('rename of')));
	});
});
