// The services of a fleet: which stages each runs, and which topics its key may write, as which stage. Who may write what is
// decided here alone; the broker's ACLs (packages/stream/src/kafka) say the same once more.
import type { Topic } from '@affidavit/stream/ports.ts';

export type ServiceName = 'correlate' | 'detect' | 'sign' | 'alert';
/** Whose keys the services trust: the operator's signs what is entered by hand. */
export type SealerName = ServiceName | 'operator';

export interface ServiceRole {
	about: string;
	stages: readonly string[];
	/** Topics that it reads or writes. */
	topics: readonly Topic[];
	/** Reads dead letters of agents, or batches: hosts' keys are followed. */
	needsHosts: boolean;
}

/** Alerts run by themselves: they alone need a way out to the SIEM and its secret, and a receiver that is down restarts nobody else. */
export const services: Readonly<Record<ServiceName, ServiceRole>> = {
	correlate: {
		about: 'event batches to sessions and their facts',
		stages: ['correlate'],
		topics: ['trace', 'session', 'deadletter', 'host'],
		needsHosts: true,
	},
	detect: {
		about: 'sessions to findings and verdicts; dead letters to findings on hosts',
		stages: ['detect', 'trust'],
		topics: ['trace', 'session', 'finding', 'verdict', 'deadletter', 'host'],
		needsHosts: true,
	},
	sign: {
		about: 'verdicts to signed attestations',
		stages: ['sign'],
		topics: ['trace', 'session', 'verdict', 'attestation', 'deadletter'],
		needsHosts: false,
	},
	alert: {
		about: "confirmed findings to the SIEM's webhook",
		stages: ['alert'],
		topics: ['finding', 'deadletter'],
		needsHosts: false,
	},
};

const inputs: ReadonlyMap<string, Topic> = new Map([
	['correlate', 'trace'],
	['detect', 'session'],
	['trust', 'deadletter'],
	['sign', 'verdict'],
	['alert', 'finding'],
]);

/** undefined for what is no stage of a service. */
export const inputOf = (stage: string): Topic | undefined => inputs.get(stage);

export const serviceNames = Object.keys(services) as ServiceName[];
export const sealerNames: readonly SealerName[] = [...serviceNames, 'operator'];

export const isSealerName = (text: string): text is SealerName => (sealerNames as readonly string[]).includes(text);

/** Per key: as which stage it may write which topics. */
const written: Readonly<Record<SealerName, Readonly<Record<string, readonly Topic[]>>>> = {
	correlate: { correlate: ['session', 'deadletter'] },
	detect: { detect: ['finding', 'verdict', 'deadletter'], trust: ['finding', 'deadletter'] },
	sign: { sign: ['attestation', 'deadletter'] },
	alert: { alert: ['deadletter'] },
	operator: { operator: ['host', 'indicator'] },
};

export const mayWrite = (sealer: SealerName, topic: Topic, originStage: string): boolean =>
	Object.hasOwn(written[sealer], originStage) && (written[sealer][originStage]?.includes(topic) ?? false);

/** What agents write beside `trace`, whose batches carry the host's signature. */
export const hostMayWrite = (host: string, topic: Topic, originStage: string): boolean =>
	topic === 'deadletter' && originStage === `ingest:${host}`;
