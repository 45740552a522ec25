import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { growthBetween, lossCounterNames, lossesOf, readLossCounters } from '../../src/loss/growth.ts';
import { parseCounters } from '../../src/loss/prometheus.ts';

const fixture = (name: string): string =>
	readFileSync(new URL(`../../../../test/fixtures/traces/09-loss/${name}`, import.meta.url), 'utf8');
const missed = (value: number | string, op = '13'): string =>
	`tetragon_bpf_missed_events_total{error="EAGAIN",msg_op="${op}"} ${value}\n`;

describe('growth of the loss counters', () => {
	it('of the recorded loss is 372 and 1', () => {
		const interval = { fromUs: 1, toUs: 2 };
		const { grown, counters, notes } = growthBetween([fixture('metrics-before.txt'), fixture('metrics-after.txt')]);
		assert.deepEqual(
			{ losses: lossesOf(grown, interval), counters, notes },
			{
				losses: [
					{ counter: 'tetragon_bpf_missed_events_total{error="EAGAIN",msg_op="13"}', count: 372, ...interval },
					{ counter: 'tetragon_bpf_missed_events_total{error="EAGAIN",msg_op="16"}', count: 1, ...interval },
				],
				counters: 'known',
				notes: [],
			},
		);
	});

	it('is none between equal scrapes', () => {
		const same = fixture('metrics-after.txt');
		assert.deepEqual(growthBetween([same, same]).grown, []);
	});

	it('adds up over several scrapes, also over a restart of the sensor', () => {
		const growth = growthBetween([missed(10), missed(14), missed(3), missed(3)]);
		assert.equal(growth.grown[0]?.count, 7);
		assert.match(growth.notes[0] ?? '', /metrics 3 of 4: a counter shrank/);
	});

	it('counts a single scrape whole', () => {
		assert.equal(growthBetween([missed(5)]).grown[0]?.count, 5);
	});

	it('is unknown when a text is no scrape of the sensor', () => {
		const growth = growthBetween([missed(1), '<html>404</html>', missed(4)]);
		assert.deepEqual([growth.counters, growth.grown[0]?.count], ['unknown', 3]);
		assert.match(growth.notes[0] ?? '', /metrics 2 of 3/);
		assert.equal(growthBetween([]).counters, 'unknown');
	});

	it('does not take a series that is gone for a restart', () => {
		const before = `${missed(5)}tetragon_missed_prog_probes_total{policy="p"} 7\n`;
		assert.deepEqual(
			growthBetween([before, missed(6)]).grown.map((g) => g.count),
			[1],
		);
	});
});

describe('the parser of Prometheus text', () => {
	const parse = (text: string): [string, number][] => [...parseCounters(text, new Set(['a']), 10)];
	it('takes labels with braces, quotes and blanks, timestamps and exponents', () => {
		assert.deepEqual(parse('a{x="}\\"{ "} 1e3 1395066363000\na 2\n# a 9\nab 3\na{y="1"}4\n'), [
			['a{x="}\\"{ "}', 1000],
			['a', 2],
			['a{y="1"}', 4],
		]);
	});
	it('passes over what is no count', () => {
		assert.deepEqual(parse('a NaN\na -1\na +Inf\na\na{\na{x="\n a 1\na  \na x'), []);
	});
	it('stops at the limit of series', () => {
		const many = Array.from({ length: 50 }, (_, i) => `a{i="${i}"} 1`).join('\n');
		assert.equal(parse(many).length, 10);
	});
	it('never throws', () => {
		const name = [...lossCounterNames][0] as string;
		const piece = fc.constantFrom(name, '{', '}', '"', '\\', ' ', '\n', '1', '=', 'e', '#', '.', '\t', '\r');
		fc.assert(
			fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 60 }), (pieces) => {
				const text = pieces.join('');
				for (const value of readLossCounters(text)?.values() ?? []) assert.ok(value >= 0 && Number.isFinite(value));
			}),
			{ numRuns: 500 },
		);
	});
});
