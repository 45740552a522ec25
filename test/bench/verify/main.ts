// `npm run bench:verify [-- --json] [-- --quick]`: verification against a policy, beside the real Witness library and `opa` (docs/benchmarks.md).
import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { openPeerverify } from '../../interop/peerverify.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { benchLargeEnvelope } from './large-envelope.ts';
import { benchManyEnvelopes } from './many-envelopes.ts';
import { benchRego } from './rego.ts';

const { values } = parseArgs({
	options: {
		json: { type: 'boolean', default: false },
		/** A tenth of the sizes and one round: shows that it runs, measures nothing. */
		quick: { type: 'boolean', default: false },
	},
});

const say = (text: string): void => void (values.json ? process.stderr : process.stdout).write(`${text}\n`);
const ms = (value: number | null): string => (value === null ? 'absent' : `${value.toFixed(1)} ms`);
const mb = (value: number | null): string => (value === null ? 'absent' : `${value} MB`);

const peer = openPeerverify();
const binary = peer.kind === 'peer' ? peer.binary : null;
if (peer.kind === 'absent') say(`The real library is absent: ${peer.reason}`);
const scale = values.quick ? 0.1 : 1;
const rounds = values.quick ? 1 : 9;
const folder = temporaryFolder();
try {
	const rego = await benchRego({ processes: 5000 * scale, rounds, binary, folder });
	say(
		`rego           ${rego.processes} processes, ${rego.inputMb} MB: ours ${ms(rego.ms)} (first ${ms(rego.firstMs)}), opa ${ms(rego.opaMs)}, opa eval as a process ${ms(rego.opaProcessMs)}  (goal under 100)`,
	);
	say(`regoVerify     the same in a signed collection: ours ${ms(rego.verifyMs)}, peerverify ${ms(rego.peerVerifyMs)}`);
	const many = await benchManyEnvelopes({ envelopes: 1000 * scale, steps: 5, rounds, binary, folder });
	say(
		`manyEnvelopes  ${many.envelopes} envelopes, ${many.steps} steps, one build of them asked for: ours ${ms(many.ms)}, peerverify ${ms(many.peerMs)}`,
	);
	say(`manyMatching   the same, all of one commit: ours ${ms(many.matchingMs)}, peerverify ${ms(many.matchingPeerMs)}`);
	const large = await benchLargeEnvelope({ megabytes: 100 * scale, rounds: values.quick ? 1 : 3, binary, folder });
	say(
		`largeEnvelope  ${large.megabytes} MB: ours ${ms(large.ms)}, peak ${mb(large.peakMb)} (goal under 512); peerverify ${ms(large.peerMs)}, peak ${mb(large.peerPeakMb)}`,
	);
	if (values.json) process.stdout.write(`${JSON.stringify({ rego, manyEnvelopes: many, largeEnvelope: large })}\n`);
} finally {
	rmSync(folder, { recursive: true, force: true });
}
