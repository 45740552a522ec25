// The traps: where the real engine (go-witness 0.12) accepts and strict mode does not. Closed list, documented in docs/verify.md.

export type TrapCode =
	/** A module's package has no rule `deny`: the real engine's query is then undefined, which it takes for no denial. */
	| 'rego-no-deny'
	/** A package's `deny` is undefined, so the conjunction of all packages is, and another package's denial does not count. */
	| 'rego-denial-switched-off'
	/** A package's complete rule `deny` is undefined or false: neither a denial nor an answer. */
	| 'rego-deny-undefined'
	/** A rule ended because a field that it reads is missing. */
	| 'rego-missing-field'
	/** A rule ended because a built-in function refused its arguments. */
	| 'rego-builtin-error'
	/** The statement's predicateType is not Witness's collection. */
	| 'foreign-predicate-type'
	/** The envelope's payloadType or the statement's _type is not in-toto's. */
	| 'foreign-payload-type'
	/** Affidavit's own verdict in the collection is not passed, or a signed verdict of a later revision of its session is not. */
	| 'verdict-not-passed'
	/** The artifact is a subject, but no product (a source, a commit, a tool). */
	| 'subject-not-a-product'
	/** RSA with PKCS #1 v1.5 padding in place of PSS. */
	| 'rsa-pkcs1'
	/** A public key, of the policy or of a signer's certificate, that is too short to be trusted: P-224, or RSA below 2048 bits. */
	| 'weak-key'
	/** A timestamp with SHA-1, without signed attributes, of other content or with what nobody understands. */
	| 'odd-timestamp'
	/** A collection whose subjects are not those of its attestors. */
	| 'subject-without-attestor'
	/** A duplicate or differently-cased field that Go reads in another way than the rest of the world. */
	| 'ambiguous-json'
	/** The policy says nothing of timestamps, so a certificate is judged at the time of verification although it carries one. */
	| 'timestamp-ignored'
	/** A source of artifactsFrom whose own materials come from no accepted collection: the real engine takes it while another one of its step is linked. Or sources that go round in a circle. */
	| 'artifacts-from-unlinked'
	/** A back reference to nothing (no commit yet, no pipeline URL): the real engine links by it builds that have nothing in common. */
	| 'empty-back-reference';

/** A rule that a policy marks `"required": false` may read missing fields; `true` makes it fail closed in both modes. */
export type RequiredMark = boolean | undefined;
