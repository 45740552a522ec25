// Tetragon, its outputs, and what Affidavit itself needs on this host. Pure.
import { fail, ok, type Result, unknown, warn } from './check.ts';
import { why } from './kernel-checks.ts';
import type { ClockState, ExportFileState, LoadedPolicy, Probed, TetragonState } from './probes.ts';

/** Shipped policies by the end of their names; `mmap` may be left out. */
const neededPolicies = ['exec-hash', 'file-open', 'build-kprobes'];

export function tetragon(probed: Probed<TetragonState>, address: string, isNeeded: boolean): Result {
	if (probed.kind === 'found') {
		const { version, health } = probed.value;
		if (health === 'running') return ok(`${version} at ${address}`);
		return warn(`${version} at ${address}, health: ${health}`, "Look into Tetragon's own log.");
	}
	const found = `${address}: ${why(probed, 'nothing is there')}`;
	const advice =
		'Start Tetragon with --server-address on that address, and run as a user who may open its socket (source.address).';
	return isNeeded ? fail(found, advice) : unknown(found, `The export file is read without it. ${advice}`);
}

export function policies(probed: Probed<TetragonState>): Result {
	const load = "Load policies/tetragon/full from Tetragon's policy directory (--tracing-policy-dir).";
	if (probed.kind !== 'found' || probed.value.policies === null)
		return unknown("Tetragon's policies cannot be listed", `${load} \`tetra tracingpolicy list\` shows them.`);
	const loaded = probed.value.policies;
	const broken = loaded.filter((p) => p.state === 'load-error' || p.state === 'error');
	if (broken.length > 0) {
		const list = broken.map((p) => `${p.name}${p.error === '' ? '' : ` (${p.error})`}`).join('; ');
		return fail(
			`failed: ${list}`,
			"Look into Tetragon's log for the reason; a kernel without the hook gives this, too.",
		);
	}
	const isEnabled = (name: string): boolean =>
		loaded.some((p) => p.state === 'enabled' && (p.name === name || p.name.endsWith(`-${name}`)));
	const missing = neededPolicies.filter((name) => !isEnabled(name));
	const found = loaded.length === 0 ? 'none' : loaded.map(stateOf).join(', ');
	if (missing.length === 0) return ok(found);
	return loaded.length === 0
		? fail(found, load)
		: warn(found, `Not enabled under their names: ${missing.join(', ')}. ${load}`);
}

const stateOf = (policy: LoadedPolicy): string =>
	policy.state === 'enabled' ? policy.name : `${policy.name} (${policy.state})`;

export function exportFile(probed: Probed<ExportFileState>, path: string, nowMs: number): Result {
	const advice = 'Start Tetragon with --export-filename, and run as a user who may read the file (source.path).';
	if (probed.kind !== 'found') return fail(`${path}: ${why(probed, 'is not there')}`, advice);
	const { bytes, modifiedMs, isExport } = probed.value;
	if (isExport === false) return fail(`${path}: no line of Tetragon's export`, advice);
	if (isExport === null)
		return warn(`${path}: empty`, 'Load the policies and start a program; lines should appear at once.');
	const ageS = Math.round((nowMs - modifiedMs) / 1000);
	const found = `${path}: ${bytes} bytes, written ${ageS} s ago`;
	return ageS > 3600 ? warn(found, 'Is Tetragon running? A host writes events all the time.') : ok(found);
}

export function metrics(probed: Probed<ReadonlySet<string>> | null, url: string): Result {
	const advice =
		"Start Tetragon with --metrics-server and set source.metricsUrl: the kernel's losses are told nowhere else. Without it loss is stated as unknown.";
	if (probed === null) return warn('no metrics endpoint is configured', advice);
	if (probed.kind !== 'found') return fail(`${url}: ${why(probed, 'nothing is there')}`, advice);
	const own = [...probed.value].filter((name) => name.startsWith('tetragon_')).length;
	return own > 0 ? ok(`${url}: ${own} metrics of Tetragon`) : fail(`${url}: no metric of Tetragon`, advice);
}

const gib = 1024 ** 3;

/** `logBytesMax`: what the embedded log may grow to. */
export function diskSpace(probed: Probed<number>, folder: string, logBytesMax: number): Result {
	const advice = `Free some space, or set dataDir elsewhere, or lower limits.logBytesMax (${size(logBytesMax)}).`;
	if (probed.kind !== 'found') return unknown(`${folder}: ${why(probed, 'is not there')}`, advice);
	const found = `${folder}: ${size(probed.value)} free`;
	if (probed.value < gib) return fail(found, advice);
	return probed.value < logBytesMax ? warn(found, advice) : ok(found);
}

const size = (bytes: number): string =>
	bytes >= gib ? `${(bytes / gib).toFixed(1)} GiB` : `${Math.round(bytes / 1024 ** 2)} MiB`;

/** Nothing of this software is older. */
const earliestMs = Date.UTC(2026, 0, 1);
const latestMs = Date.UTC(2100, 0, 1);

export function clock(probed: Probed<ClockState>): Result {
	const advice = 'Set the clock and run a time service (chrony, systemd-timesyncd): signatures and order rest on it.';
	if (probed.kind !== 'found') return unknown(why(probed, 'no clock'), advice);
	const { nowMs, bootMs, isSynchronized } = probed.value;
	const isSane = nowMs >= earliestMs && nowMs < latestMs;
	const found = Number.isFinite(nowMs) && Math.abs(nowMs) < 8e15 ? new Date(nowMs).toISOString() : String(nowMs);
	if (!isSane) return fail(found, advice);
	if (bootMs !== null && bootMs > nowMs + 1000) return fail(`${found}, before the kernel's start`, advice);
	if (isSynchronized === false) return warn(`${found}, not synchronized`, advice);
	return ok(isSynchronized ? `${found}, synchronized` : found);
}

const nodeMajorMin = 24;

export function nodeVersion(probed: Probed<string>): Result {
	const advice = `Use Node ${nodeMajorMin} LTS; npm ci brings it (node_modules/.bin/node).`;
	if (probed.kind !== 'found') return unknown(why(probed, 'no Node'), advice);
	return Number.parseInt(probed.value, 10) >= nodeMajorMin ? ok(probed.value) : fail(probed.value, advice);
}
