// The real probes: this machine's /proc, /sys, /boot, file systems and network. None of them may hang or fill memory.
import { open, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { probeTetragon } from './probe-tetragon.ts';
import type { ClockState, ExportFileState, ImaState, KernelConfig, Probed, Probes } from './probes.ts';

const fileBytesMax = 4 * 1024 * 1024;
const metricsBytesMax = 16 * 1024 * 1024;
const metricsMsMax = 3000;
const lineBytesMax = 64 * 1024;

const found = <T>(value: T): Probed<T> => ({ kind: 'found', value });
const unreadable = (why: string): Probed<never> => ({ kind: 'unreadable', why });

/** At most `max` bytes from the start of a file. */
async function readStart(path: string, max = fileBytesMax): Promise<Probed<Buffer>> {
	try {
		const file = await open(path, 'r');
		try {
			// Files of /proc and /sys have no size: read until nothing comes.
			const chunks: Buffer[] = [];
			let bytes = 0;
			while (bytes < max) {
				const { bytesRead, buffer } = await file.read(Buffer.alloc(Math.min(64 * 1024, max - bytes)));
				if (bytesRead === 0) break;
				bytes += bytesRead;
				chunks.push(buffer.subarray(0, bytesRead));
			}
			return found(Buffer.concat(chunks));
		} finally {
			await file.close();
		}
	} catch (cause) {
		const { code } = cause as NodeJS.ErrnoException;
		return code === 'ENOENT' || code === 'ENOTDIR' ? { kind: 'absent' } : unreadable(`${path}: ${code}`);
	}
}

async function readText(path: string): Promise<Probed<string>> {
	const bytes = await readStart(path);
	return bytes.kind === 'found' ? found(bytes.value.toString('utf8').trim()) : bytes;
}

async function kernelConfig(): Promise<Probed<KernelConfig>> {
	const release = await readText('/proc/sys/kernel/osrelease');
	const name = release.kind === 'found' ? release.value : '';
	const packed = await readStart('/proc/config.gz');
	if (packed.kind === 'found')
		return found({
			path: '/proc/config.gz',
			values: parseConfig(
				(await promisify(gunzip)(packed.value, { maxOutputLength: fileBytesMax })).toString('latin1'),
			),
		});
	for (const path of [`/boot/config-${name}`, `/lib/modules/${name}/config`, `/usr/lib/modules/${name}/config`]) {
		const text = name === '' ? { kind: 'absent' as const } : await readText(path);
		if (text.kind === 'found') return found({ path, values: parseConfig(text.value) });
		if (text.kind === 'unreadable') return text;
	}
	return packed;
}

/** `CONFIG_X=value` lines; what is not set is a comment and left out. */
export function parseConfig(text: string): Map<string, string> {
	const values = new Map<string, string>();
	for (const line of text.split('\n')) {
		const at = line.indexOf('=');
		if (at > 0 && line.startsWith('CONFIG_')) values.set(line.slice(0, at), line.slice(at + 1).trim());
	}
	return values;
}

async function ima(): Promise<Probed<ImaState>> {
	const folder = '/sys/kernel/security/ima';
	const commandLine = await readText('/proc/cmdline');
	const policy = await readText(`${folder}/policy`);
	const count = await readText(`${folder}/runtime_measurements_count`);
	if (commandLine.kind !== 'found' && policy.kind !== 'found') return commandLine;
	const bootPolicy =
		commandLine.kind === 'found' ? (/(?:^|\s)ima_policy=(\S*)/.exec(commandLine.value)?.[1] ?? null) : null;
	return found({
		bootPolicy,
		rules:
			policy.kind === 'found' ? policy.value.split('\n').filter((l) => l !== '' && !l.startsWith('#')).length : null,
		measurements: count.kind === 'found' && /^\d+$/.test(count.value) ? Number(count.value) : null,
	});
}

async function exportFile(path: string): Promise<Probed<ExportFileState>> {
	const start = await readStart(path, lineBytesMax);
	if (start.kind !== 'found') return start;
	const { size, mtimeMs } = await stat(path);
	const line = start.value.toString('utf8').split('\n', 1)[0] ?? '';
	// A line may be cut off at the bound: its beginning tells enough.
	const isExport = line === '' ? null : /^\{"(process_|rate_limit|node_name|time|cluster_name|test)/.test(line);
	return found({ bytes: size, modifiedMs: mtimeMs, isExport });
}

async function metrics(url: string): Promise<Probed<ReadonlySet<string>>> {
	const names = new Set<string>();
	try {
		const answer = await fetch(url, { signal: AbortSignal.timeout(metricsMsMax), redirect: 'error' });
		if (!answer.ok || !answer.body) return unreadable(`status ${answer.status}`);
		let bytes = 0;
		let text = '';
		const decoder = new TextDecoder();
		for await (const chunk of answer.body) {
			bytes += chunk.length;
			if (bytes > metricsBytesMax) return unreadable(`more than ${metricsBytesMax} bytes`);
			text += decoder.decode(chunk, { stream: true });
		}
		for (const match of text.matchAll(/^([a-zA-Z_:][a-zA-Z0-9_:]*)[ {]/gm)) names.add(match[1] as string);
		return found(names);
	} catch (cause) {
		const { cause: inner } = cause as { cause?: unknown };
		const error = inner instanceof Error ? inner : cause;
		return unreadable(error instanceof Error ? error.message : String(error));
	}
}

/** Of the folder, or of the nearest one above that exists. */
async function diskFree(folder: string): Promise<Probed<number>> {
	for (let path = folder; ; path = dirname(path)) {
		try {
			const { bavail, bsize } = await statfs(path);
			return found(bavail * bsize);
		} catch (cause) {
			const { code } = cause as NodeJS.ErrnoException;
			if (code !== 'ENOENT' || path === dirname(path)) return unreadable(`${code}`);
		}
	}
}

async function clock(): Promise<Probed<ClockState>> {
	const kernel = await readText('/proc/stat');
	const boot = kernel.kind === 'found' ? /^btime (\d+)$/m.exec(kernel.value)?.[1] : undefined;
	const timesync = await stat('/run/systemd/timesync').catch(() => null);
	const isSynchronized = timesync
		? (await stat('/run/systemd/timesync/synchronized').catch(() => null)) !== null
		: null;
	return found({ nowMs: Date.now(), bootMs: boot === undefined ? null : Number(boot) * 1000, isSynchronized });
}

export const hostProbes: Probes = {
	kernelRelease: () => readText('/proc/sys/kernel/osrelease'),
	kernelConfig,
	securityModules: async () => {
		const text = await readText('/sys/kernel/security/lsm');
		return text.kind === 'found' ? found(text.value.split(',').filter((name) => name !== '')) : text;
	},
	ima,
	btf: async () => {
		try {
			return found((await stat('/sys/kernel/btf/vmlinux')).size);
		} catch (cause) {
			const { code } = cause as NodeJS.ErrnoException;
			return code === 'ENOENT' ? { kind: 'absent' } : unreadable(`/sys/kernel/btf/vmlinux: ${code}`);
		}
	},
	tetragon: probeTetragon,
	exportFile,
	metrics,
	diskFree,
	clock,
	nodeVersion: async () => found(process.versions.node),
};
