// One session of N file facts (default 1,000,000) through all stages on the embedded log and store, signing included.
// Run as a process of its own: prints {"peakMb", "files", "cpuSeconds", "wallSeconds"}. SYNTHETIC events.
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { createIndicatorSet } from '@affidavit/detect/core/indicator-set.ts';
import { loadRuleSet } from '@affidavit/detect/rules/load.ts';
import { createBatcher, recordedBatchLimits } from '@affidavit/ingest/batch/batcher.ts';
import { chainStart, keyIdOf } from '@affidavit/model/batch-signature.ts';
import { emptyEvent, type ProcessInfo, type TraceEvent, unknownProcess } from '@affidavit/model/trace-event.ts';
import { createKeySigner } from '@affidavit/sign/signing/envelope-signer.ts';
import { openFolderBlobs } from '@affidavit/stream/embedded/blobs.ts';
import { openEmbeddedLog } from '@affidavit/stream/embedded/log.ts';
import { openEmbeddedStore } from '@affidavit/stream/embedded/store.ts';
import type { SourceWriter } from '@affidavit/stream/runner/source.ts';
import { openSource } from '@affidavit/stream/runner/source.ts';
import { openTopology } from '@affidavit/stream/runner/topology.ts';
import { loadConfig } from '../../cli/src/config/load.ts';
import { boundHeap } from '../../cli/src/heap.ts';
import { readResults } from '../../cli/src/process/results.ts';
import { createPipeline } from '../../cli/src/topology.ts';
import { benchKey } from './bench-key.ts';
import { temporaryFolder } from './temporary-folder.ts';

const files = Number(process.argv[2] ?? 1_000_000);
const startUs = Date.UTC(2026, 0, 1) * 1000;
const filesPerProcess = 1000;
const workspace = '/srv/ci/big';
/** Two thousand events a second, as a busy build host makes them: what waits within the skew (10 s) follows from it. */
const eventGapUs = 500;

const environment = {
	GITHUB_ACTIONS: 'true',
	GITHUB_RUN_ID: '1',
	GITHUB_REPOSITORY: 'example/big',
	GITHUB_SHA: 'a'.repeat(40),
};

function image(
	pid: number,
	parent: string,
	binary: string,
	timeUs: number,
	env: ProcessInfo['environment'],
): ProcessInfo {
	return {
		...unknownProcess(`exec-${pid}`),
		parentExecId: parent,
		pid,
		binary,
		arguments: `-c unit${pid}.c`,
		cwd: workspace,
		flags: 'execve clone',
		startUs: timeUs,
		environment: env,
	};
}

interface Traced {
	event: TraceEvent;
	process: ProcessInfo;
	parent: ProcessInfo | null;
}

/** A root, then compilers that read a thousand files each; every path, inode and digest is another one. */
function* events(): Generator<Traced> {
	let timeUs = startUs;
	const runner = image(1, '', '/opt/runner/bin/Runner.Worker', timeUs, {});
	const root = image(2, runner.execId, '/usr/bin/bash', ++timeUs, environment);
	yield { event: emptyEvent('exec', timeUs, root.execId, ''), process: root, parent: runner };
	for (let at = 0; at < files; at += filesPerProcess) {
		const compiler = image(10 + at / filesPerProcess, root.execId, '/usr/libexec/gcc/cc1', timeUs, environment);
		yield { event: emptyEvent('exec', timeUs, compiler.execId, ''), process: compiler, parent: root };
		for (let i = at; i < Math.min(files, at + filesPerProcess); i++) {
			timeUs += eventGapUs;
			const event = emptyEvent('open', timeUs, compiler.execId, 'file_post_open');
			event.path = i % 10 === 0 ? `${workspace}/src/dir${i % 997}/file${i}.c` : `/usr/include/dir${i % 997}/file${i}.h`;
			event.fileType = '-';
			event.dev = 1;
			event.ino = String(1000 + i);
			event.size = i;
			event.flags = 32768;
			event.digest = createHash('sha256').update(String(i)).digest('hex');
			yield { event, process: compiler, parent: root };
		}
		const exit = emptyEvent('exit', ++timeUs, compiler.execId, '');
		exit.status = 0;
		yield { event: exit, process: compiler, parent: root };
	}
	const exit = emptyEvent('exit', ++timeUs, root.execId, '');
	exit.status = 0;
	yield { event: exit, process: root, parent: runner };
}

async function write(writer: SourceWriter, ahead: () => Promise<void>): Promise<void> {
	const batcher = createBatcher({
		host: 'bench',
		boot: 'bench',
		source: 'file',
		key: benchKey.host,
		limits: recordedBatchLimits,
		chain: chainStart(),
		hooks: [],
	});
	let newestUs = 0;
	const close = async (endOfInput: boolean): Promise<void> => {
		const closing = { observedUs: newestUs, losses: [], lossCounters: 'known' as const, endOfInput };
		await writer.commit({ cells: new Map(), records: [batcher.close(closing).record] });
		await ahead();
	};
	for (const { event, process, parent } of events()) {
		newestUs = event.timeUs;
		const decoded = { kind: 'event' as const, host: 'bench', event, process, parent };
		if (batcher.offer(decoded, 0) === 'close-first') {
			await close(false);
			batcher.offer(decoded, 0);
		}
	}
	await close(true);
}

boundHeap();
const folder = temporaryFolder();
const began = performance.now();
try {
	const { config } = await loadConfig({
		flags: [{ path: ['dataDir'], value: folder, flag: '--data' }],
		configFile: undefined,
		env: {},
		cwd: folder,
	});
	const log = openEmbeddedLog({ folder });
	const store = openEmbeddedStore({ folder });
	const ports = { log, store, emit: () => {} };
	const pipeline = createPipeline({
		config,
		...ports,
		blobs: await openFolderBlobs({ folder: `${folder}/blobs` }),
		resolveKey: () => benchKey.publicKey,
		matchers: undefined,
		rules: loadRuleSet(),
		indicators: createIndicatorSet([]),
		signer: createKeySigner(benchKey.privateKey, keyIdOf(benchKey.publicKey)),
		alert: null,
	});
	const topology = await openTopology(pipeline.stages, ports);
	const writer = await openSource({ stage: 'ingest:bench', partition: 0 }, ports);
	// The stages work side by side with the source, as in `process`.
	await topology.run({ until: write(writer, () => new Promise((resolve) => setImmediate(resolve))) });
	const [session] = await readResults(log, config.outDir);
	if (session?.counts.files !== files)
		throw new Error(`big session: ${session?.counts.files} files were signed, expected ${files}`);
	await store.close();
	await log.close();
	const { user, system } = process.cpuUsage();
	const result = {
		files,
		verdict: session.verdict,
		peakMb: Math.round(process.resourceUsage().maxRSS / 1024),
		cpuSeconds: Math.round((user + system) / 1e5) / 10,
		wallSeconds: Math.round((performance.now() - began) / 100) / 10,
	};
	process.stdout.write(`${JSON.stringify(result)}\n`);
} finally {
	await rm(folder, { recursive: true, force: true });
}
