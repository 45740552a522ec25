// Every outcome of every check, with probes that answer as told; then one run of the real ones.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Check, CheckStatus } from '../../src/doctor/check.ts';
import { type DoctorTarget, runDoctor } from '../../src/doctor/doctor.ts';
import { hostProbes } from '../../src/doctor/probe-host.ts';
import type { LoadedPolicy, Probed, Probes, TetragonState } from '../../src/doctor/probes.ts';
import { renderReport } from '../../src/doctor/render.ts';

const found = <T>(value: T): Probed<T> => ({ kind: 'found', value });
const absent: Probed<never> = { kind: 'absent' };
const unreadable: Probed<never> = { kind: 'unreadable', why: 'EACCES' };

const nowMs = Date.UTC(2026, 10, 23);
const gib = 1024 ** 3;
const kernel = (values: Record<string, string>) =>
	found({ path: '/proc/config.gz', values: new Map(Object.entries(values)) });
const policy = (name: string, state: LoadedPolicy['state'] = 'enabled', error = ''): LoadedPolicy => ({
	name,
	state,
	error,
});
const ours = ['affidavit-exec-hash', 'affidavit-file-open', 'affidavit-build-kprobes'].map((name) => policy(name));
const agent = (change: Partial<TetragonState> = {}) =>
	found({ version: 'v1.9.0', health: 'running', policies: ours, ...change });

/** The answers of a host on which all is well. */
const good = {
	kernelRelease: found('6.12.0-3-amd64') as Probed<string>,
	kernelConfig: kernel({ CONFIG_IMA: 'y', CONFIG_BPF_LSM: 'y' }) as Awaited<ReturnType<Probes['kernelConfig']>>,
	securityModules: found(['lockdown', 'capability', 'bpf']) as Probed<string[]>,
	ima: found({ bootPolicy: null, rules: 0, measurements: 1 }) as Awaited<ReturnType<Probes['ima']>>,
	btf: found(5_000_000) as Probed<number>,
	tetragon: agent() as Probed<TetragonState>,
	exportFile: found({ bytes: 10, modifiedMs: nowMs - 5000, isExport: true }) as Awaited<
		ReturnType<Probes['exportFile']>
	>,
	metrics: found(new Set(['tetragon_events_total'])) as Awaited<ReturnType<Probes['metrics']>>,
	diskFree: found(100 * gib) as Probed<number>,
	clock: found({ nowMs, bootMs: nowMs - 1000, isSynchronized: true }) as Awaited<ReturnType<Probes['clock']>>,
	nodeVersion: found('24.21.0') as Probed<string>,
};
type Answers = typeof good;

const target: DoctorTarget = {
	dataDir: '/var/lib/affidavit',
	logBytesMax: 16 * gib,
	source: { kind: 'export', path: '/var/log/tetragon/tetragon.log' },
	metricsUrl: 'http://127.0.0.1:2112/metrics',
};

async function diagnose(answers: Partial<Answers> = {}, change: Partial<DoctorTarget> = {}) {
	const all = { ...good, ...answers };
	const probes = Object.fromEntries(Object.entries(all).map(([name, answer]) => [name, async () => answer]));
	const report = await runDoctor(probes as unknown as Probes, { ...target, ...change });
	const byId = new Map(report.checks.map((c) => [c.id, c]));
	const at = (id: string): Check => byId.get(id) ?? assert.fail(`no check ${id}`);
	return { report, at };
}

test('a host on which all is well', async () => {
	const { report } = await diagnose();
	assert.equal(report.status, 'ok');
	for (const check of report.checks) assert.deepEqual([check.id, check.status, check.advice], [check.id, 'ok', '']);
	assert.match(renderReport(report), /All checks passed\./);
	assert.equal(new Set(report.checks.map((c) => c.id)).size, report.checks.length);
});

const outcomes: [string, Partial<Answers>, CheckStatus][] = [
	['kernel-version', { kernelRelease: found('6.9.0') }, 'ok'],
	['kernel-version', { kernelRelease: found('7.0-rc1') }, 'ok'],
	['kernel-version', { kernelRelease: found('6.8.12-generic') }, 'fail'],
	['kernel-version', { kernelRelease: found('5.15.0') }, 'fail'],
	['kernel-version', { kernelRelease: found('what') }, 'unknown'],
	['kernel-version', { kernelRelease: absent }, 'unknown'],
	['kernel-ima', { kernelConfig: kernel({ CONFIG_BPF_LSM: 'y' }) }, 'fail'],
	['kernel-ima', { kernelConfig: kernel({ CONFIG_IMA: 'm' }) }, 'fail'],
	['kernel-ima', { kernelConfig: absent }, 'unknown'],
	['kernel-bpf-lsm', { kernelConfig: kernel({ CONFIG_IMA: 'y' }) }, 'fail'],
	['kernel-bpf-lsm', { kernelConfig: unreadable }, 'unknown'],
	['lsm-bpf', { securityModules: found(['capability', 'apparmor']) }, 'fail'],
	['lsm-bpf', { securityModules: absent }, 'unknown'],
	['ima-policy', { ima: found({ bootPolicy: 'tcb', rules: 0, measurements: 1 }) }, 'fail'],
	['ima-policy', { ima: found({ bootPolicy: null, rules: 3, measurements: 1 }) }, 'fail'],
	['ima-policy', { ima: found({ bootPolicy: null, rules: null, measurements: 900 }) }, 'warn'],
	['ima-policy', { ima: found({ bootPolicy: null, rules: null, measurements: 1 }) }, 'ok'],
	['ima-policy', { ima: found({ bootPolicy: null, rules: null, measurements: null }) }, 'unknown'],
	['ima-policy', { ima: unreadable }, 'unknown'],
	['btf', { btf: absent }, 'fail'],
	['btf', { btf: unreadable }, 'unknown'],
	['kernel-digests', { kernelRelease: found('6.1.0') }, 'fail'],
	['kernel-digests', { kernelConfig: absent }, 'unknown'],
	['kernel-digests', { ima: found({ bootPolicy: null, rules: null, measurements: 900 }) }, 'warn'],
	['tetragon', { tetragon: agent({ health: 'error: sensors' }) }, 'warn'],
	['tetragon', { tetragon: unreadable }, 'unknown'],
	['policies', { tetragon: unreadable }, 'unknown'],
	['policies', { tetragon: agent({ policies: null }) }, 'unknown'],
	['policies', { tetragon: agent({ policies: [] }) }, 'fail'],
	['policies', { tetragon: agent({ policies: ours.slice(1) }) }, 'warn'],
	['policies', { tetragon: agent({ policies: [...ours, policy('x', 'load-error', 'no such hook')] }) }, 'fail'],
	['policies', { tetragon: agent({ policies: ours.map((p) => ({ ...p, state: 'disabled' as const })) }) }, 'warn'],
	[
		'policies',
		{ tetragon: agent({ policies: ['exec-hash', 'file-open', 'build-kprobes'].map((n) => policy(n)) }) },
		'ok',
	],
	['export-file', { exportFile: absent }, 'fail'],
	['export-file', { exportFile: unreadable }, 'fail'],
	['export-file', { exportFile: found({ bytes: 9, modifiedMs: nowMs, isExport: false }) }, 'fail'],
	['export-file', { exportFile: found({ bytes: 0, modifiedMs: nowMs, isExport: null }) }, 'warn'],
	['export-file', { exportFile: found({ bytes: 9, modifiedMs: nowMs - 7_200_000, isExport: true }) }, 'warn'],
	['metrics', { metrics: unreadable }, 'fail'],
	['metrics', { metrics: found(new Set(['go_goroutines'])) }, 'fail'],
	['disk-space', { diskFree: found(8 * gib) }, 'warn'],
	['disk-space', { diskFree: found(gib / 2) }, 'fail'],
	['disk-space', { diskFree: unreadable }, 'unknown'],
	['clock', { clock: found({ nowMs: 0, bootMs: null, isSynchronized: null }) }, 'fail'],
	['clock', { clock: found({ nowMs: Number.NaN, bootMs: null, isSynchronized: null }) }, 'fail'],
	['clock', { clock: found({ nowMs: 5e18, bootMs: null, isSynchronized: null }) }, 'fail'],
	['clock', { clock: found({ nowMs, bootMs: nowMs + 60_000, isSynchronized: true }) }, 'fail'],
	['clock', { clock: found({ nowMs, bootMs: null, isSynchronized: false }) }, 'warn'],
	['clock', { clock: found({ nowMs, bootMs: null, isSynchronized: null }) }, 'ok'],
	['clock', { clock: absent }, 'unknown'],
	['node-version', { nodeVersion: found('20.19.2') }, 'fail'],
];

for (const [id, answers, status] of outcomes)
	test(`${id}: ${status} for ${JSON.stringify(Object.values(answers)[0])?.slice(0, 90)}`, async () => {
		const { report, at } = await diagnose(answers);
		const check = at(id);
		assert.equal(check.status, status);
		assert.notEqual(check.found, '');
		// Whatever is not well says what to do.
		assert.equal(check.advice === '', status === 'ok');
		assert.match(renderReport(report), new RegExp(`^${status} `, 'm'));
	});

test('the source decides what is needed', async () => {
	const grpc = await diagnose({ tetragon: unreadable }, { source: { kind: 'grpc', address: 'unix:///t.sock' } });
	assert.equal(grpc.at('tetragon').status, 'fail');
	assert.ok(!grpc.report.checks.some((c) => c.id === 'export-file'));
	const none = await diagnose({}, { metricsUrl: null });
	assert.equal(none.at('metrics').status, 'warn');
});

test('a probe that rejects makes its check unknown, and what a host says is made printable', async () => {
	const probes = Object.fromEntries(
		Object.keys(good).map((name) => [name, () => Promise.reject(new Error('\u001b[2Jboom'))]),
	) as unknown as Probes;
	const report = await runDoctor(probes, target);
	assert.ok(report.checks.every((c) => c.status !== 'ok'));
	assert.equal(report.checks.find((c) => c.id === 'clock')?.status, 'unknown');
	assert.ok(!renderReport(report).includes('\u001b'));
});

test('the real probes on this machine answer, whatever it is', async () => {
	const report = await runDoctor(hostProbes, {
		...target,
		dataDir: '/nonexistent/affidavit/data',
		metricsUrl: 'http://127.0.0.1:1/metrics',
	});
	const at = (id: string): Check | undefined => report.checks.find((c) => c.id === id);
	assert.equal(at('node-version')?.status, 'ok');
	assert.equal(at('metrics')?.status, 'fail');
	assert.match(at('disk-space')?.found ?? '', /free$/);
	assert.equal(report.checks.length, 14);
});
