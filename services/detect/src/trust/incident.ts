// One incident: the dead letters of one rule about one subject, as one finding that grows (pure).
import type { DeadLetter } from '@affidavit/model/generated/deadletter.ts';
import type { Evidence, Finding } from '@affidavit/model/generated/finding.ts';
import { findingId } from '@affidavit/model/ids.ts';
import { plain } from '../rules/template.ts';
import { type TrustRule, trustRules } from './rules.ts';

export interface Incident {
	rule: TrustRule['id'];
	/** Host or session that the refused input claimed to be of; '' for those beyond the bound. */
	subject: string;
	count: number;
	/** Log time of the first and the newest dead letter, microseconds; -1 unknown. */
	firstUs: number;
	lastUs: number;
	/** Input offset of its first dead letter: a lost store is rebuilt from there. */
	firstOffset: number;
	/** Count at which the finding left last. */
	told: number;
	/** The first dead letter of each code. */
	shown: Shown[];
}

interface Shown {
	code: string;
	origin: string;
	message: string;
	digest: string;
	timeUs: number;
}

const messageMax = 300;

export const newIncident = (rule: TrustRule, subject: string, firstOffset: number): Incident => ({
	rule: rule.id,
	subject,
	firstOffset,
	count: 0,
	firstUs: -1,
	lastUs: -1,
	told: 0,
	shown: [],
});

/** Adds a dead letter; true when the finding should leave: the first time, and whenever the count has doubled. */
export function addLetter(incident: Incident, letter: DeadLetter, timeUs: number): boolean {
	incident.count++;
	if (timeUs >= 0) {
		incident.firstUs = incident.firstUs === -1 ? timeUs : Math.min(incident.firstUs, timeUs);
		incident.lastUs = Math.max(incident.lastUs, timeUs);
	}
	if (!incident.shown.some((one) => one.code === letter.code)) {
		const { code, origin, digest } = letter;
		incident.shown.push({ code, origin, digest, timeUs, message: letter.message.slice(0, messageMax) });
	}
	if (incident.count < incident.told * 2) return false;
	incident.told = incident.count;
	return true;
}

/** The same id for every count: a later one says more of the same. */
export function findingOf(incident: Incident): Finding {
	const rule = trustRules.find((one) => one.id === incident.rule) as TrustRule;
	const about = incident.subject === '' ? 'more subjects than are told apart' : plain(incident.subject);
	const evidence = incident.shown.map(
		({ code, origin, message, digest, timeUs }): Evidence => ({
			timeUs,
			what: plain(`${code} at ${origin}: ${message}`),
			process: null,
			path: '',
			digest,
			size: -1,
			assurance: '',
		}),
	);
	return {
		id: findingId('', rule.id, incident.subject),
		session: '',
		rule: rule.id,
		title: rule.title,
		severity: rule.severity,
		state: 'confirmed',
		path: null,
		digest: null,
		expectedDigest: null,
		process: null,
		writer: null,
		products: [],
		attribution: 'certain',
		attack: [...rule.attack],
		explanation: `${rule.explain}. Claimed subject: ${about}. Refused: ${incident.count}.`,
		evidence,
		firstUs: incident.firstUs,
		lastUs: incident.lastUs,
		count: incident.count,
	};
}
