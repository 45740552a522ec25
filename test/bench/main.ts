// `npm run bench [-- --json] [-- --only NAME]`: CPU figures with the ratio to a peer measured in the same run (docs/benchmarks.md).
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { benchExportDecode } from './decode/export-decode.ts';
import { benchGrpcDecode } from './decode/grpc-decode.ts';
import { benchPipeline } from './pipeline.ts';

const { values } = parseArgs({
	options: {
		json: { type: 'boolean', default: false },
		files: { type: 'string', default: '1000000' },
	},
});

interface BigSession {
	files: number;
	peakMb: number;
	cpuSeconds: number;
	wallSeconds: number;
}

/** In a process of its own: its peak memory is the figure. */
async function bigSession(files: string): Promise<BigSession> {
	const script = fileURLToPath(new URL('./big-session.ts', import.meta.url));
	const { stdout } = await promisify(execFile)(process.execPath, [script, files]);
	return JSON.parse(stdout) as BigSession;
}

const say = (text: string): void => void (values.json ? process.stderr : process.stdout).write(`${text}\n`);
const fixed = (value: number): string => value.toFixed(2);

say('CPU seconds per million; ratio = peer / ours, both in this run.');
const exportDecode = await benchExportDecode();
say(
	`exportDecode  ours ${fixed(exportDecode.cpuSecondsPerMillion)}  JSON.parse ${fixed(exportDecode.peerCpuSecondsPerMillion)}  ratio ${fixed(exportDecode.ratio)}  (goal 3)`,
);
const grpcDecode = await benchGrpcDecode();
say(
	`grpcDecode    ours ${fixed(grpcDecode.cpuSecondsPerMillion)}  protobufjs ${fixed(grpcDecode.peerCpuSecondsPerMillion)}  ratio ${fixed(grpcDecode.ratio)}  (goal 3)`,
);
const pipeline = await benchPipeline();
say(`pipeline      ${fixed(pipeline.cpuSecondsPerMillion)}  (goal under 5)`);
const big = await bigSession(values.files);
say(
	`bigSession    ${big.files} file facts: peak ${big.peakMb} MB (goal under 400), ${big.cpuSeconds} CPU s, ${big.wallSeconds} s`,
);
if (values.json)
	process.stdout.write(
		`${JSON.stringify({ exportDecode, grpcDecode, pipeline, bigSessionPeakMb: big.peakMb, bigSession: big })}\n`,
	);
