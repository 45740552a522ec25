// What a secret looks like, as data. Each form is searched in time linear in the text's length: see the engine.

/** A secret that shows itself: a fixed prefix and then at least `min` characters of an alphabet. Found anywhere in the text. */
export interface TokenPattern {
	readonly kind: 'token';
	/** In the replacement: `[redacted:NAME]`. */
	readonly name: string;
	readonly prefix: string;
	readonly alphabet: Alphabet;
	readonly min: number;
	/** The match must hold this as well. */
	readonly holds?: string;
}

export type Alphabet = 'alphanumeric' | 'upper' | 'hex' | 'word' | 'dotted' | 'path';

/** A value that its name makes a secret: `--password X`, `DB_PASSWORD=X`, `"password": "X"`, `X-Api-Key: X`. */
export interface NamedPattern {
	readonly kind: 'named';
	readonly name: string;
	/** Part of the name, any case; `-`, `_` and nothing between words are the same. */
	readonly words: readonly string[];
	/** Names that end so hold no secret, but say where it is or how long it lives. */
	readonly exceptSuffixes: readonly string[];
}

/** From a line that begins it to the line that ends it, or to the end of the text. */
export interface BlockPattern {
	readonly kind: 'block';
	readonly name: string;
	readonly begin: string;
	/** In the begin line, after at most 60 capitals, digits and blanks. */
	readonly marker: string;
	readonly end: string;
}

/** `scheme://user:password@host`. */
export interface UrlPattern {
	readonly kind: 'url';
	readonly name: string;
}

/** An option of one letter whose meaning is certain: `-u user:password`, and `-p X` after `login`. */
export interface ShortOptionPattern {
	readonly kind: 'short-option';
	readonly name: string;
}

/** `Bearer X`, `Basic X`. */
export interface SchemePattern {
	readonly kind: 'scheme';
	readonly name: string;
	readonly schemes: readonly string[];
}

export type Pattern = TokenPattern | NamedPattern | BlockPattern | UrlPattern | ShortOptionPattern | SchemePattern;

const token = (name: string, prefix: string, alphabet: Alphabet, min: number, holds?: string): TokenPattern =>
	holds === undefined
		? { kind: 'token', name, prefix, alphabet, min }
		: { kind: 'token', name, prefix, alphabet, min, holds };

/** In this order: a block holds anything; a name is judged after the tokens in its value are gone. */
export const shippedPatterns: readonly Pattern[] = [
	{ kind: 'block', name: 'private-key', begin: '-----BEGIN ', marker: 'PRIVATE KEY', end: '-----END ' },
	...['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'].map((prefix) => token('github-token', prefix, 'alphanumeric', 36)),
	token('github-token', 'github_pat_', 'word', 22),
	...['glpat-', 'gldt-', 'glrt-', 'glrtr-', 'glcbt-', 'glptt-', 'gloas-', 'glsoat-', 'glimt-', 'glagent-', 'glft-'].map(
		(prefix) => token('gitlab-token', prefix, 'dotted', 20),
	),
	token('npm-token', 'npm_', 'alphanumeric', 36),
	token('pypi-token', 'pypi-', 'word', 50),
	token('rubygems-token', 'rubygems_', 'hex', 48),
	token('docker-token', 'dckr_pat_', 'word', 20),
	token('aws-access-key', 'AKIA', 'upper', 16),
	token('aws-access-key', 'ASIA', 'upper', 16),
	token('google-api-key', 'AIza', 'word', 35),
	token('google-oauth-token', 'ya29.', 'word', 20),
	token('google-oauth-secret', 'GOCSPX-', 'word', 20),
	...['xoxa-', 'xoxb-', 'xoxe-', 'xoxe.', 'xoxo-', 'xoxp-', 'xoxr-', 'xoxs-', 'xapp-'].map((prefix) =>
		token('slack-token', prefix, 'dotted', 10),
	),
	token('slack-webhook', 'hooks.slack.com/services/', 'path', 20),
	token('stripe-key', 'sk_live_', 'alphanumeric', 16),
	token('stripe-key', 'rk_live_', 'alphanumeric', 16),
	token('sendgrid-key', 'SG.', 'dotted', 40, '.'),
	token('vault-token', 'hvs.', 'word', 20),
	token('vault-token', 'hvb.', 'word', 20),
	token('digitalocean-token', 'dop_v1_', 'hex', 64),
	token('databricks-token', 'dapi', 'hex', 32),
	token('huggingface-token', 'hf_', 'alphanumeric', 30),
	token('openai-key', 'sk-proj-', 'word', 20),
	token('openai-key', 'sk-svcacct-', 'word', 20),
	token('anthropic-key', 'sk-ant-', 'word', 20),
	token('age-key', 'AGE-SECRET-KEY-1', 'upper', 40),
	// JSON in base64url (`{"`), a dot, and more of it: a JSON Web Token.
	token('jwt', 'eyJ', 'dotted', 17, '.'),
	{ kind: 'url', name: 'url-credentials' },
	{
		kind: 'named',
		name: 'named-secret',
		words: [
			'password',
			'passwd',
			'passphrase',
			'secret',
			'token',
			'apikey',
			'accesskey',
			'accountkey',
			'authkey',
			'privatekey',
			'signingkey',
			'credential',
			'authorization',
		],
		exceptSuffixes: ['file', 'path', 'dir', 'stdin', 'name', 'url', 'ttl', 'type', 'length', 'fd', 'keyid', 'tokenid'],
	},
	{ kind: 'scheme', name: 'authorization', schemes: ['bearer', 'basic'] },
	{ kind: 'short-option', name: 'password-option' },
];
