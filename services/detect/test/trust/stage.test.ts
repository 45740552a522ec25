// Dead letters of broken keys, chains and seals as findings: grouped, bounded, the same after a restart and a lost store.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deadLetterCodec, findingCodec } from '@affidavit/model/codec.ts';
import type { Finding } from '@affidavit/model/generated/finding.ts';
import { collectingEmit } from '@affidavit/stream/internal-event.ts';
import type { LogRecord } from '@affidavit/stream/ports.ts';
import type { StepResult } from '@affidavit/stream/stage.ts';
import { alertMessage } from '../../src/alert/message.ts';
import { attackTechniques } from '../../src/rules/attack.ts';
import { trustRules } from '../../src/trust/rules.ts';
import { createTrustStage } from '../../src/trust/stage.ts';

const hour = 3_600_000_000;

const letter = (offset: number, code: string, subject: string, timestampUs = 1_000_000 + offset): LogRecord => ({
	topic: 'deadletter',
	partition: 0,
	offset,
	key: `trace/0/${offset}`,
	value: deadLetterCodec.encode({
		stage: 'correlate',
		origin: `trace/0/${offset}`,
		code,
		message: `why ${offset}`,
		digest: 'd'.repeat(64),
		length: 1,
		excerpt: '',
		timeUs: -1,
		subject,
	}),
	timestampUs,
	origin: null,
	seal: null,
	traceparent: null,
});

const findingsOf = (result: StepResult): Finding[] =>
	result.outputs.flatMap((o) => o.records.map((r) => findingCodec.decode(r.value)));

const open = (cells = new Map<string, Uint8Array>(), subjectsMax?: number) => {
	const { emit, events } = collectingEmit();
	const options = subjectsMax === undefined ? { emit } : { emit, subjectsMax };
	return { worker: createTrustStage(options).open(0, cells), events };
};

function keep(cells: Map<string, Uint8Array>, { cells: changed }: StepResult): void {
	for (const [name, value] of changed)
		if (value === null) cells.delete(name);
		else cells.set(name, value);
}

describe('the trust stage', () => {
	it('gives one finding a rule and subject, and says it again only when the count has doubled', async () => {
		const { worker } = open();
		const records = Array.from({ length: 100 }, (_, i) => letter(i, i % 2 ? 'bad-signature' : 'unknown-key', 'host-a'));
		const result = await (await worker).step(records, false);
		const findings = findingsOf(result);
		assert.deepEqual(
			findings.map((f) => f.count),
			[1, 2, 4, 8, 16, 32, 64],
		);
		const [first] = findings;
		assert.equal(new Set(findings.map((f) => f.id)).size, 1);
		assert.deepEqual(
			[first?.rule, first?.severity, first?.state, first?.session],
			['host-key-invalid', 'high', 'confirmed', ''],
		);
		const last = findings.at(-1) as Finding;
		assert.deepEqual([last.firstUs, last.lastUs], [1_000_000, 1_000_063]);
		assert.deepEqual(
			last.evidence.map((e) => e.what),
			['unknown-key at trace/0/0: why 0', 'bad-signature at trace/0/1: why 1'],
		);
		assert.match(last.explanation, /host-a.*Refused: 64\./);
		assert.deepEqual(
			result.outputs.map((o) => o.records[0]?.key),
			findings.map(() => 'host-a'),
		);
		assert.match(alertMessage(last).body, /"session":""/);
	});

	it('knows the codes of each rule, leaves other bad input alone, and names the topic where nobody is named', async () => {
		const { worker } = open();
		const codes = [...trustRules.flatMap((rule) => rule.codes), 'event-time', 'not-json', '__proto__'];
		const result = await (await worker).step(
			codes.map((code, i) => letter(i, code, code === 'unsealed' ? '' : `of-${code}`)),
			false,
		);
		const findings = findingsOf(result);
		assert.equal(findings.length, trustRules.flatMap((rule) => rule.codes).length);
		assert.equal(
			result.outputs.find(
				(o) => findingCodec.decode((o.records[0] as { value: Uint8Array }).value).rule === 'record-forged',
			)?.records[0]?.key,
			'trace',
		);
		for (const rule of trustRules) for (const id of rule.attack) assert.ok(attackTechniques.has(id), id);
	});

	it('goes on after a restart, and comes to the same again when the store is lost', async () => {
		const records = Array.from({ length: 40 }, (_, i) => letter(i, 'batch-chain', i % 3 ? 'a' : 'b'));
		const whole = await (await open().worker).step(records, false);
		const cells = new Map<string, Uint8Array>();
		const seen: Finding[] = [];
		let rebuild = -1;
		for (const record of records) {
			const result = await (await open(cells).worker).step([record], false);
			keep(cells, result);
			seen.push(...findingsOf(result));
			rebuild = result.rebuildOffset;
		}
		assert.deepEqual(seen, findingsOf(whole));
		assert.equal(rebuild, 0);
	});

	it('tells only so many subjects apart: who forges can make names up', async () => {
		const { worker, events } = open(new Map(), 4);
		const result = await (await worker).step(
			Array.from({ length: 1000 }, (_, i) => letter(i, 'unknown-key', `made-up-${i}`)),
			false,
		);
		const findings = findingsOf(result);
		assert.equal(new Set(findings.map((f) => f.id)).size, 5);
		assert.ok(findings.length < 20, String(findings.length));
		assert.ok(events.some((e) => e.name === 'trust_subjects_merged'));
		assert.equal(result.cells.size, 5);
	});

	it('forgets an incident after a day', async () => {
		const { worker } = open();
		const one = await worker;
		await one.step([letter(0, 'unknown-key', 'a', hour)], false);
		const result = await one.step(
			[letter(1, 'unknown-key', 'b', 26 * hour), letter(2, 'unknown-key', 'a', 26 * hour)],
			false,
		);
		assert.deepEqual(
			findingsOf(result).map((f) => f.count),
			[1, 1],
		);
		assert.equal(result.rebuildOffset, 1);
	});

	it('drops bytes that are no dead letter, and says so', async () => {
		const { worker, events } = open();
		const result = await (await worker).step([{ ...letter(0, 'x', 'y'), value: Buffer.from('garbage') }], false);
		assert.deepEqual([result.outputs, result.deadLetters], [[], []]);
		assert.equal(events[0]?.name, 'dead_letters_undecodable');
	});

	it('takes no agent at its word about others', async () => {
		const { worker, events } = open();
		const by = (stage: string): LogRecord => ({
			...letter(0, 'unsealed', 'host-b'),
			origin: { stage, partition: 0, offset: 0, index: 0 },
		});
		const result = await (await worker).step([by('ingest:host-a')], false);
		assert.deepEqual(findingsOf(result), []);
		assert.deepEqual([...result.cells.keys()], []);
		assert.deepEqual(
			events.map((e) => [e.name, e.detail?.['writer']]),
			[['dead_letters_out_of_place', 'ingest:host-a']],
		);
		assert.equal(findingsOf(await (await worker).step([by('correlate')], false)).length, 1);
	});
});
