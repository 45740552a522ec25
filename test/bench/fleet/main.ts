// `npm run bench:fleet [-- --json] [-- --quick]`: what the correlator of a fleet costs with all its guarantees, against Kafka
// Streams on the same events, and how long an event takes to become an alert (docs/benchmarks.md).
import { parseArgs } from 'node:util';
import { benchLatency } from './latency.ts';
import { type OurRun, runOurs } from './ours.ts';
import { buildPeer, type PeerRun, runPeer } from './peer.ts';
import { medianRun } from './result.ts';
import { startServers } from './servers.ts';
import { loadRecordings, planWork } from './workload.ts';

const { values } = parseArgs({
	options: {
		json: { type: 'boolean', default: false },
		quick: { type: 'boolean', default: false },
		events: { type: 'string', default: '1000000' },
		rounds: { type: 'string', default: '3' },
		seconds: { type: 'string', default: '40' },
	},
});

const say = (text: string): void => void (values.json ? process.stderr : process.stdout).write(`${text}\n`);
const cpuText = ({ cpu, eventsPerSecond }: OurRun | PeerRun): string =>
	`${cpu.total.toFixed(2)} CPU s per million (client ${cpu.client.toFixed(2)}, store ${cpu.store.toFixed(2)}, broker ${cpu.broker.toFixed(2)}), ${eventsPerSecond} events/s`;

const rounds = values.quick ? 1 : Number(values.rounds);
const recordings = loadRecordings();
const work = planWork(recordings, values.quick ? 100_000 : Number(values.events));
say(`${work.events} events of ${work.hosts.length} hosts with ${work.sessions} sessions, ${rounds} rounds in turn`);
await buildPeer();
const ours: OurRun[] = [];
const streams: PeerRun[] = [];
let latency: Awaited<ReturnType<typeof benchLatency>>;
{
	await using servers = await startServers();
	// Neither side pays for the other's warming up of the broker's code.
	if (!values.quick) {
		const warmUp = planWork(recordings, 100_000);
		await runOurs(servers, warmUp);
		await runPeer(servers, warmUp);
	}
	for (let round = 0; round < rounds; round++) {
		const our = await runOurs(servers, work);
		ours.push(our);
		say(`ours           ${cpuText(our)}, peak ${our.peakMb} MB`);
		const peer = await runPeer(servers, work);
		streams.push(peer);
		say(`Kafka Streams  ${cpuText(peer)}`);
	}
	latency = await benchLatency(servers, {
		eventsPerSecond: 20_000,
		seconds: values.quick ? 10 : Number(values.seconds),
	});
}
const our = medianRun(ours);
const peer = medianRun(streams);
const ratio = peer.cpu.total / our.cpu.total;
say(`ratio ${ratio.toFixed(1)} (goal 10; ours at most 4.8)`);
say(
	`event to lead at ${latency.eventsPerSecond} events/s: p50 ${latency.lead.p50} ms, p99 ${latency.lead.p99} ms of ${latency.lead.count} (goal 1,000)`,
);
if (values.json)
	process.stdout.write(
		`${JSON.stringify({
			eventsPerRun: work.events,
			oursCpuSecondsPerMillion: our.cpu,
			streamsCpuSecondsPerMillion: peer.cpu,
			ratio,
			latencyMs: { p50: latency.lead.p50, p99: latency.lead.p99 },
			eventsPerSecond: our.eventsPerSecond,
			streamsEventsPerSecond: peer.eventsPerSecond,
			latency,
		})}\n`,
	);
