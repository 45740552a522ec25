import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { createEmit } from '../src/internal-event.ts';
import { createLogger } from '../src/logger.ts';
import { createMetrics } from '../src/metrics.ts';

function sink(): { destination: PassThrough; text: () => string } {
	const destination = new PassThrough();
	return { destination, text: () => String(destination.read() ?? '') };
}

const event = {
	name: 'input_records_dropped',
	stage: 'correlate',
	reason: 'duplicate',
	count: 3,
	message: 'copies are left out',
};

describe('log and metrics', () => {
	it('gives an unintended event as one JSON line and one counter', async () => {
		const { destination, text } = sink();
		const { registry } = createMetrics();
		const emit = createEmit(createLogger({ json: true, destination }), registry);
		emit({ ...event, intentional: false });
		emit({ ...event, intentional: false, count: 1 });
		const [line] = text().split('\n');
		const { level, msg, event: name, count } = JSON.parse(line as string);
		assert.deepEqual([level, msg, name, count], [40, event.message, event.name, 3]);
		assert.match(
			await registry.metrics(),
			/affidavit_input_records_dropped_total\{stage="correlate",reason="duplicate",intentional="false"\} 4/,
		);
	});

	it('writes a flood at doubling intervals, and all of it once it ends', async () => {
		const { destination, text } = sink();
		const { registry } = createMetrics();
		let nowMs = 0;
		const emit = createEmit(createLogger({ json: true, destination }), registry, () => nowMs);
		const linesOf = (): { count: number; reason: string }[] =>
			text()
				.split('\n')
				.filter(Boolean)
				.map((line) => JSON.parse(line));
		for (; nowMs < 3_600_000; nowMs += 100) emit({ ...event, count: 1, intentional: false });
		emit({ ...event, reason: 'other', count: 1, intentional: false });
		const lines = linesOf();
		assert.ok(lines.length > 60 && lines.length < 90, `${lines.length} lines of an hour's 36,000 events`);
		assert.equal(lines.at(-1)?.reason, 'other', 'others are not held back');
		nowMs += 600_000;
		emit({ ...event, count: 1, intentional: false });
		const counted = [...lines.slice(0, -1), ...linesOf()].reduce((sum, { count }) => sum + count, 0);
		assert.equal(counted, 36_001, 'lines stand for every event');
		assert.match(await registry.metrics(), /affidavit_input_records_dropped_total\{.*"duplicate".*\} 36001/);
	});

	it('logs nothing of intended events at the default level', () => {
		const { destination, text } = sink();
		createEmit(createLogger({ json: true, destination }), createMetrics().registry)({ ...event, intentional: true });
		assert.equal(text(), '');
	});

	it('writes lines for a person where asked', () => {
		const { destination, text } = sink();
		createLogger({ json: false, destination }).warn({ partition: 1 }, 'something');
		assert.match(text(), /WARN.*something/);
	});

	it('counts what the runner does, replays apart', async () => {
		const { registry, observe } = createMetrics({ processMetrics: false });
		const seen = { stage: 'detect', partition: 0, records: 5, bytes: 100, outputs: 2, durationMs: 3 };
		observe({ ...seen, replayed: false });
		observe({ ...seen, replayed: true });
		const metrics = await registry.metrics();
		assert.match(metrics, /affidavit_input_records_total\{stage="detect"\} 5/);
		assert.match(metrics, /affidavit_replayed_records_total\{stage="detect"\} 5/);
		assert.match(metrics, /affidavit_step_seconds_count\{stage="detect"\} 1/);
	});
});
