// The rules about hosts and services themselves: what the dead letters of broken signatures, chains and seals say. They belong
// to no session, so they have no YAML with session facts as cases; rules/host-findings.md is their page.
import type { Severity } from '@affidavit/model/generated/finding.ts';

export interface TrustRule {
	id: 'host-key-invalid' | 'chain-broken' | 'record-forged';
	title: string;
	severity: Severity;
	/** MITRE ATT&CK technique ids. */
	attack: readonly string[];
	/** One sentence; the subject and the count follow. */
	explain: string;
	/** Dead-letter codes that are this (docs/errors.md). */
	codes: readonly string[];
}

export const trustRules: readonly TrustRule[] = [
	{
		id: 'host-key-invalid',
		title: 'Trace batches are signed with a key that does not hold for the host',
		severity: 'high',
		attack: ['T1562.006', 'T1565.002'],
		explain:
			'Batches of this host were refused: unknown, revoked or expired key, another host’s key, or a wrong signature',
		codes: ['unknown-key', 'wrong-host', 'revoked-key', 'expired-key', 'bad-signature'],
	},
	{
		id: 'chain-broken',
		title: 'A signed chain does not continue as it should',
		severity: 'high',
		attack: ['T1562.006', 'T1565.002'],
		explain:
			'A batch was refused because another one has its place in the chain, or because it does not name the one before',
		codes: ['batch-chain', 'fact-chain-broken', 'facts-mismatch'],
	},
	{
		id: 'record-forged',
		title: 'A record of the shared log is not of the service that it should be of',
		severity: 'high',
		attack: ['T1565.002'],
		explain: 'Records without the seal of the service that may write them were refused',
		codes: ['unsealed', 'unknown-sealer', 'wrong-sealer', 'bad-seal', 'misplaced'],
	},
];

const byCode = new Map(trustRules.flatMap((rule) => rule.codes.map((code) => [code, rule] as const)));

/** The rule that a dead letter of this code breaks; undefined for bad input of other kinds. */
export const trustRuleOf = (code: string): TrustRule | undefined => byCode.get(code);
