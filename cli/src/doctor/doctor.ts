// Runs all probes and judges what they found.
import type { Check, DoctorReport, Result } from './check.ts';
import { worst } from './check.ts';
import * as host from './host-checks.ts';
import * as kernel from './kernel-checks.ts';
import type { Probed, Probes } from './probes.ts';

/** Of the configuration, what the doctor looks at. */
export interface DoctorTarget {
	dataDir: string;
	logBytesMax: number;
	/** Where events come from; null when none is configured. */
	source: { kind: 'export'; path: string } | { kind: 'grpc'; address: string } | null;
	metricsUrl: string | null;
}

export const defaultTetragonAddress = 'unix:///var/run/tetragon/tetragon.sock';

/** Probes may reject: that check is then `unknown`, with the reason. */
export async function runDoctor(probes: Probes, target: DoctorTarget): Promise<DoctorReport> {
	const address = target.source?.kind === 'grpc' ? target.source.address : defaultTetragonAddress;
	const exportPath = target.source?.kind === 'export' ? target.source.path : null;
	const [release, config, modules, ima, btf, tetragon, exported, metrics, disk, clock, node] = await Promise.all([
		settled(probes.kernelRelease()),
		settled(probes.kernelConfig()),
		settled(probes.securityModules()),
		settled(probes.ima()),
		settled(probes.btf()),
		settled(probes.tetragon(address)),
		exportPath === null ? null : settled(probes.exportFile(exportPath)),
		target.metricsUrl === null ? null : settled(probes.metrics(target.metricsUrl)),
		settled(probes.diskFree(target.dataDir)),
		settled(probes.clock()),
		settled(probes.nodeVersion()),
	]);
	const needed = [
		check('kernel-version', 'Kernel version', kernel.kernelVersion(release)),
		check(
			'kernel-ima',
			'Kernel with IMA',
			kernel.configOption(config, 'CONFIG_IMA', 'its hash function gives the digests'),
		),
		check(
			'kernel-bpf-lsm',
			'Kernel with BPF LSM',
			kernel.configOption(config, 'CONFIG_BPF_LSM', 'Tetragon attaches to LSM hooks'),
		),
		check('lsm-bpf', 'BPF among the active LSMs', kernel.bpfModule(modules)),
		check('ima-policy', 'No IMA policy', kernel.imaPolicy(ima)),
		check('btf', 'Kernel type information', kernel.typeInformation(btf)),
	];
	const nowMs = clock.kind === 'found' ? clock.value.nowMs : 0;
	const checks = [
		...needed,
		check('kernel-digests', 'Kernel digests', kernel.kernelDigests(needed)),
		check('tetragon', 'Tetragon', host.tetragon(tetragon, address, exportPath === null)),
		check('policies', 'Tracing policies', host.policies(tetragon)),
		...(exported === null || exportPath === null
			? []
			: [check('export-file', 'Export file', host.exportFile(exported, exportPath, nowMs))]),
		check('metrics', 'Loss counters', host.metrics(metrics, target.metricsUrl ?? '')),
		check('disk-space', 'Disk space', host.diskSpace(disk, target.dataDir, target.logBytesMax)),
		check('clock', 'Clock', host.clock(clock)),
		check('node-version', 'Node', host.nodeVersion(node)),
	];
	return { status: worst(checks.map((c) => c.status)), checks };
}

const check = (id: string, title: string, result: Result): Check => ({ id, title, ...result });

async function settled<T>(probe: Promise<Probed<T>>): Promise<Probed<T>> {
	try {
		return await probe;
	} catch (cause) {
		return { kind: 'unreadable', why: cause instanceof Error ? cause.message : String(cause) };
	}
}
