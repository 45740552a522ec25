import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createBehindWatch } from '../../src/agent/behind-watch.ts';
import { chainAfterCut, chainAfterLoss } from '../../src/agent/chain-start.ts';
import { createClockWatch } from '../../src/agent/clock-watch.ts';
import { createPacer } from '../../src/agent/pacer.ts';

const second = 1_000_000;

describe("the host's clock", () => {
	it('steps are told from slewing and from long waits', () => {
		const watch = createClockWatch();
		const start = 1_800_000_000 * second;
		assert.equal(watch.note(start, 0), null);
		assert.equal(watch.note(start + second, second), null);
		// Half a second of difference, and a day with 500 ppm.
		assert.equal(watch.note(start + 2.5 * second, 2 * second), null);
		const day = 86_400 * second;
		assert.equal(watch.note(start + 2.5 * second + day * 1.0005, 2 * second + day), null);
	});

	it('a step says by how much and over which interval, once', () => {
		const watch = createClockWatch();
		const start = 1_800_000_000 * second;
		watch.note(start, 0);
		const forward = watch.note(start + 3610 * second, 10 * second);
		assert.deepEqual(forward, {
			byUs: 3600 * second,
			fromUs: start + 10 * second,
			toUs: start + 3610 * second,
		});
		assert.equal(watch.note(start + 3611 * second, 11 * second), null);
		const back = watch.note(start + 12 * second, 12 * second);
		assert.deepEqual(back, { byUs: -3600 * second, fromUs: start + 12 * second, toUs: start + 3612 * second });
	});
});

describe('the chain after a loss', () => {
	it('goes on far ahead of all that was sent', () => {
		const nowMs = 1_800_000_000_000;
		const previous = Buffer.alloc(32, 1);
		assert.equal(chainAfterLoss(nowMs).sequence, nowMs);
		assert.deepEqual([...chainAfterLoss(nowMs).previous], new Array(32).fill(0));
		assert.equal(chainAfterCut({ sequence: 500, previous }, nowMs).sequence, nowMs);
		// Twice within a moment, or with a clock that was set back.
		assert.equal(chainAfterCut({ sequence: nowMs + 5, previous }, nowMs).sequence, nowMs + 5 + 1_000_000);
		assert.equal(chainAfterCut({ sequence: 500, previous }, nowMs).previous, previous);
	});
});

describe('pacing', () => {
	it('owes what was used beyond the share, after a burst that is free', () => {
		let nowMs = 0;
		let cpuMs = 0;
		const pacer = createPacer({ share: 0.25, burstMs: 100, waitMsMax: 50, nowMs: () => nowMs, cpuMs: () => cpuMs });
		cpuMs = 100;
		assert.equal(pacer.owedMs(), 0);
		cpuMs = 110;
		assert.equal(pacer.owedMs(), 40);
		nowMs = 40;
		assert.equal(pacer.owedMs(), 0);
		// Idle time is saved up to the burst only.
		nowMs = 1_000_000;
		cpuMs = 210;
		assert.equal(pacer.owedMs(), 0);
		cpuMs = 211;
		assert.equal(pacer.owedMs(), 4);
		cpuMs = 1_000_000;
		assert.equal(pacer.owedMs(), 400);
	});

	it('holds a busy loop to its share', async () => {
		const nowMs = (): number => performance.now();
		const cpuMs = (): number => {
			const { user, system } = process.cpuUsage();
			return (user + system) / 1000;
		};
		const pacer = createPacer({ share: 0.2, burstMs: 20, waitMsMax: 1000, nowMs, cpuMs });
		const [wall, cpu] = [nowMs(), cpuMs()];
		while (nowMs() - wall < 1500) {
			const until = cpuMs() + 5;
			while (cpuMs() < until);
			await pacer.pace(new AbortController().signal);
			await sleep(0);
		}
		const share = (cpuMs() - cpu) / (nowMs() - wall);
		assert.ok(share < 0.27, `${share}`);
		assert.ok(pacer.waitedMs() > 500);
	});
});

describe('keeping up', () => {
	it('says after a while that the source never ran dry, and not too often', () => {
		const watch = createBehindWatch({ afterMs: 100, everyMs: 300 });
		const said: number[] = [];
		for (let t = 0; t <= 1000; t += 50) if (watch.note(t === 0, t)) said.push(t);
		assert.deepEqual(said, [100, 400, 700, 1000]);
		assert.equal(watch.behindMs(1000), 1000);
		assert.equal(watch.note(true, 1050), false);
		assert.equal(watch.behindMs(1050), 0);
	});
});
