// What `policy check` finds, and how bad it is.

/** Closed list; docs/errors.md says what to do about each. */
export type PolicyFindingCode =
	/** No policy can be read from the file. */
	| 'policy-unreadable'
	/** A field has a value of the wrong kind. */
	| 'field-wrong'
	/** A field that Witness does not know and so ignores. */
	| 'field-ignored'
	/** Not signed by a given key, or not at all. */
	| 'signature-wrong'
	| 'payload-type-wrong'
	/** `verify` refuses the policy for a reason that no other finding names. */
	| 'refused-by-verify'
	| 'expired'
	| 'expires-soon'
	| 'expires-unreadable'
	| 'key-unusable'
	/** The key's own id is another one than the policy says. */
	| 'key-id-mismatch'
	| 'key-unused'
	| 'certificate-unusable'
	| 'certificate-expired'
	| 'root-unused'
	| 'steps-none'
	/** The step's name is not the name that it has in the policy's map. */
	| 'step-name-mismatch'
	| 'step-without-functionaries'
	| 'step-without-types'
	| 'functionary-unknown-key'
	| 'functionary-unknown-root'
	/** Neither publickey nor root. */
	| 'functionary-kind'
	/** No certificate can meet it. */
	| 'constraint-never-met'
	/** Every list is empty: only a certificate without any name meets it. */
	| 'constraint-empty'
	/** An extension that Witness does not know, so that nothing is asked. */
	| 'constraint-unknown-extension'
	/** Fulcio's certificates live ten minutes, and nothing says when they were used. */
	| 'timestamps-missing'
	| 'type-unknown'
	/** The same type is required twice. */
	| 'type-repeated'
	/** A trace is asked for, and nothing of it. */
	| 'trace-without-rules'
	| 'artifacts-from-unknown-step'
	| 'artifacts-from-cycle'
	/** The module does not parse. */
	| 'rule-unreadable'
	/** The module parses, but does not compile or lies outside the subset. */
	| 'rule-refused'
	| 'rule-without-deny'
	/** Its package has no `deny`, beside one that has: the denial is switched off. */
	| 'rule-switches-off'
	/** `deny` is no set: undefined where its body fails, which is no answer. */
	| 'rule-deny-not-a-set'
	/** A field that Witness does not pass on: the read finds nothing, so the rule never denies. */
	| 'rule-reads-unknown-field'
	/** Two modules of one attestation have one name: Witness keeps the last only. */
	| 'rule-name-repeated';

export interface PolicyFinding {
	severity: 'error' | 'warning';
	code: PolicyFindingCode;
	/** steps.build.attestations[0].regopolicies[1], with :row for a rule; '' for the whole policy. */
	place: string;
	message: string;
}

export type Report = (finding: PolicyFinding) => void;

export const error = (code: PolicyFindingCode, place: string, message: string): PolicyFinding => ({
	severity: 'error',
	code,
	place,
	message,
});

export const warning = (code: PolicyFindingCode, place: string, message: string): PolicyFinding => ({
	severity: 'warning',
	code,
	place,
	message,
});
